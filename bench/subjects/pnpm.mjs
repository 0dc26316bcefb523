import { join } from 'node:path'
import { importPeer } from '../peers.mjs'
import { fileMapOf, sourcesOf, storedSourcesOf } from './sources-of.mjs'

/** @typedef {{ filesMap: Map<string, string>, force: boolean, resolvedFrom: 'store' }} ImportOptions */

const { createIndexedPkgImporter } =
  /** @type {{ createIndexedPkgImporter: (method: string) => (to: string, options: ImportOptions) => unknown }} */ (
    await importPeer('@pnpm/fs.indexed-pkg-importer')
  )

/**
 * pnpm has the file maps from its index, so making them is not measured. The importer works in one thread, as here; pnpm
 * runs several of them.
 * @param {import('../run-subject.mjs').Job} job `as`: store (a content-addressed one); default: unpacked packages
 */
export function prepare(job) {
  const importPackage = createIndexedPkgImporter(job.mode)
  const maps =
    job.as === 'store'
      ? storedSourcesOf(job).map(({ to, files }) => ({
          to,
          filesMap: new Map(Object.entries(files)),
        }))
      : sourcesOf(job).map(({ dir, to }) => ({ to, filesMap: fileMapOf(dir) }))
  const packages = maps.map(({ to, filesMap }) => ({ to: join(job.dest, to), filesMap }))
  return Promise.resolve(() => {
    for (const { to, filesMap } of packages)
      importPackage(to, { filesMap, force: false, resolvedFrom: 'store' })
    return Promise.resolve()
  })
}
