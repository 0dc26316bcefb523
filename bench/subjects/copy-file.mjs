import { constants } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { placeEachFile } from './each-file.mjs'
import { sourcesOf } from './sources-of.mjs'

/** @param {import('../run-subject.mjs').Job} job */
export function prepare(job) {
  const sources = sourcesOf(job)
  const flags = job.mode === 'clone' ? constants.COPYFILE_FICLONE_FORCE : 0
  return Promise.resolve(() =>
    placeEachFile(sources, job.dest, (from, to) => copyFile(from, to, flags)),
  )
}
