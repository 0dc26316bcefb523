import { merge } from 'reflink-merge'
import { fileMapOf, sourcesOf, storedSourcesOf } from './sources-of.mjs'

/** @typedef {import('../run-subject.mjs').Job} Job */

/**
 * @param {Job} job `as`: packages (the default), maps (from paths to files of the packages), store (to files of a
 *   content-addressed store) or tree (one source)
 */
export function prepare(job) {
  const sources = givenBy(job)
  return Promise.resolve(() => merge(sources, job.dest, { linkModes: job.mode }))
}

/**
 * @param {Job} job
 * @returns {import('reflink-merge').Source[]}
 */
function givenBy(job) {
  if (job.as === 'tree') return [{ name: 'tree', dir: job.tree }]
  if (job.as === 'store') return storedSourcesOf(job)
  const packages = sourcesOf(job)
  if (job.as !== 'maps') return packages
  return packages.map(({ name, dir, to }) => ({ name, files: fileMapOf(dir), to }))
}
