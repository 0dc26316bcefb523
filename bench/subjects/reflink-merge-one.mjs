import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { merge } from 'reflink-merge'
import { sourcesOf } from './sources-of.mjs'

/**
 * Merges one after the other: into dest, or each into an empty directory of its own.
 * @param {import('../run-subject.mjs').Job} job `as`: together or apart
 */
export function prepare(job) {
  const merges = sourcesOf(job).map((source, index) => ({
    source,
    dest: job.as === 'apart' ? join(job.dest, String(index)) : job.dest,
  }))
  for (const { dest } of merges) mkdirSync(dest, { recursive: true })
  return Promise.resolve(async () => {
    for (const { source, dest } of merges) await merge([source], dest, { linkModes: job.mode })
  })
}
