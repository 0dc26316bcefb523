import { readFileSync } from 'node:fs'
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
  const { decode, encode } = /** @type {typeof import('../../lib/manifest/index.js')} */ (module)
  return Promise.resolve(() => {
    const manifest = decode(readFileSync(join(dest, '.reflink-merge-manifest')))
    Buffer.concat(encode(manifest))
    return Promise.resolve()
  })
}
