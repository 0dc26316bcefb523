import { join } from 'node:path'
import { importPeer } from '../peers.mjs'
import { inFlight } from './each-file.mjs'
import { sourcesOf } from './sources-of.mjs'

const { copy } = /** @type {{ copy: (from: string, to: string) => Promise<void> }} */ (
  await importPeer('fs-extra')
)

/** @param {import('../run-subject.mjs').Job} job */
export function prepare(job) {
  // One package inside another is not copied beside it: copy() fails where a directory appears meanwhile.
  /** @type {Map<string, import('./sources-of.mjs').StoreSource[]>} */
  const families = new Map()
  for (const source of sourcesOf(job)) {
    const outermost = source.to.replace(/\/node_modules\/.*/, '')
    families.set(outermost, [...(families.get(outermost) ?? []), source])
  }
  return Promise.resolve(() =>
    inFlight([...families.values()], async (family) => {
      for (const { dir, to } of family) await copy(dir, join(job.dest, to))
    }),
  )
}
