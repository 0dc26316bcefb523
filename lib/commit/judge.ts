import { isSame, type KnownEntry } from '../records'
import type { Standing } from './standing'

/** `ours`: a merge put it there, and nobody has changed it. `doubt`: perhaps somebody has. */
export type Verdict = 'ours' | 'other' | 'doubt'

// Kernels without finer time stamps stamp changes with a clock that ticks every 1 to 10 ms.
const tick = 20_000_000n

/**
 * Is what stands in dest what was published singly? `last`: ns; when the last entry of its directory was published, if
 * that is known: who changes an entry later gives it a later ctime, whatever he does to its mtime.
 */
export function judge(known: KnownEntry, now: Standing, last: bigint | undefined): Verdict {
  const verdict = judgeContent(known, now)
  if (verdict !== 'ours' || known.isDirectory || last === undefined) return verdict
  // An inode that has other names gets a new ctime whenever one of these is made or removed; what is in it is not lost.
  if (now.links > 1n) return verdict
  return now.ctime <= last + tick ? verdict : 'doubt'
}

/** The same, by what it is and holds alone. */
export function judgeContent(known: KnownEntry, now: Standing): Verdict {
  const same = isSame(known, now)
  if (same === false || now.isDirectory !== known.isDirectory) return 'other'
  if (same === undefined && now.ino !== known.ino) return 'doubt'
  return now.size === known.size && now.mtime === known.mtime ? 'ours' : 'doubt'
}

/** Has nobody changed what is in a directory since it was published? */
export function isUntouched(now: Standing, last: bigint | undefined): boolean {
  return last !== undefined && now.ctime <= last + tick
}
