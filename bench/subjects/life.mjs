import { merge, sync, verify } from 'reflink-merge'
import { sourcesOf } from './sources-of.mjs'

/**
 * The life of a dest with a manifest.
 * @param {import('../run-subject.mjs').Job} job `as`: merge, alone, sync, or verify
 */
export function prepare({ as, ...job }) {
  const { dest, mode } = job
  const options = { linkModes: mode }
  if (as === 'verify') return Promise.resolve(() => verify(dest))
  const sources = sourcesOf({ ...job })
  if (as === 'sync') return Promise.resolve(() => sync(sources, dest, options))
  return Promise.resolve(() => merge(sources, dest, options))
}
