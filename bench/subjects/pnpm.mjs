import { join } from 'node:path'
import { importPeer } from '../peers.mjs'
import { fileMapOf, sourcesOf } from './sources-of.mjs'

/** @typedef {{ filesMap: Map<string, string>, force: boolean, resolvedFrom: 'store' }} ImportOptions */

const { createIndexedPkgImporter } =
  /** @type {{ createIndexedPkgImporter: (method: string) => (to: string, options: ImportOptions) => unknown }} */ (
    await importPeer('@pnpm/fs.indexed-pkg-importer')
  )

/**
 * pnpm has the file maps from its index, so making them is not measured. The importer works in one thread, as here; pnpm
 * runs several of them.
 * @param {import('../run-subject.mjs').Job} job
 */
export function prepare(job) {
  const importPackage = createIndexedPkgImporter(job.mode)
  const packages = sourcesOf(job).map(({ dir, to }) => ({
    to: join(job.dest, to),
    filesMap: fileMapOf(dir),
  }))
  return Promise.resolve(() => {
    for (const { to, filesMap } of packages)
      importPackage(to, { filesMap, force: false, resolvedFrom: 'store' })
    return Promise.resolve()
  })
}
