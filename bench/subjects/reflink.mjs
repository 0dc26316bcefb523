import { importPeer } from '../peers.mjs'
import { placeEachFile } from './each-file.mjs'
import { sourcesOf } from './sources-of.mjs'

const { reflinkFile } =
  /** @type {{ reflinkFile: (from: string, to: string) => Promise<number> }} */ (
    await importPeer('@reflink/reflink')
  )

/** @param {import('../run-subject.mjs').Job} job */
export function prepare(job) {
  const sources = sourcesOf(job)
  return Promise.resolve(() => placeEachFile(sources, job.dest, reflinkFile))
}
