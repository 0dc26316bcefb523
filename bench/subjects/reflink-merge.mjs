import { merge } from 'reflink-merge'
import { fileMapOf, sourcesOf } from './sources-of.mjs'

/** @param {import('../run-subject.mjs').Job} job `as`: packages (the default), maps (from paths to files) or tree (one source) */
export function prepare({ as = 'packages', mode, dest, ...job }) {
  const packages = sourcesOf({ mode, dest, ...job })
  /** @type {import('reflink-merge').Source[]} */
  const sources =
    as === 'tree'
      ? [{ name: 'tree', dir: job.tree }]
      : as === 'maps'
        ? packages.map(({ name, dir, to }) => ({ name, files: fileMapOf(dir), to }))
        : packages
  return Promise.resolve(() => merge(sources, dest, { linkModes: mode }))
}
