import { createRequire } from 'node:module'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { root } from '../../scripts/run.mjs'

/**
 * Reads the manifest of dest and puts it together again, once, in a process that has never done so.
 * @param {import('../run-subject.mjs').Job} job
 */
export function prepare({ dest }) {
  const outfile = join(root, 'out/bench/manifest.cjs')
  const entryPoints = [join(root, 'lib/manifest/index.ts')]
  buildSync({ entryPoints, outfile, bundle: true, platform: 'node', logLevel: 'error' })
  const module = /** @type {unknown} */ (createRequire(import.meta.url)(outfile))
  const { readManifest, encode } = /** @type {typeof import('../../lib/manifest/index.js')} */ (
    module
  )
  return Promise.resolve(async () => {
    const { manifest } = await readManifest(join(dest, '.reflink-merge-manifest'))
    if (manifest === undefined) throw new Error(`${dest} has no manifest`)
    Buffer.concat(encode(manifest))
  })
}
