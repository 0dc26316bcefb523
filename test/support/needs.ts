import type { AsyncFunc, Context, Suite } from 'mocha'

import type { MergeResult } from '../../lib/types'

/** What the library cannot do with node:fs alone, by design: docs/guarantees.md, "Elsewhere". */
const reasons = {
  addon: 'about the addon itself',
  locks: 'node:fs has no flock: other processes are neither waited for nor recovered from',
  containment: 'node:fs works on paths, and goes where they lead by then',
  syncfs: "node:fs has no syncfs: durability: 'full' is refused",
  extents: 'node:fs does not tell extents',
  descriptors:
    'node:fs opens each file by itself, and where no descriptor is left one may wait in vain',
  steps: 'each step of this host is compared with a system call, of which it makes others',
  calls: 'node:fs makes other system calls, and more of them',
  trees: 'node:fs reads, compares and makes trees name by name only',
} as const

export type Need = keyof typeof reasons

/** Switched off by hand; where the addon is merely missing, its tests fail. */
const isOff = process.env['REFLINK_MERGE_NATIVE'] === 'off'

/** `npm run test:clonefile`. */
const isSimulated = process.env['REFLINK_MERGE_TEST_HOST'] === 'clonefile'

const leftOut = new Map<string, number>()

/** Reason → how many describe blocks and tests were not declared for it. */
export function leftOutReasons(): ReadonlyMap<string, number> {
  return leftOut
}

function isLacking(need: Need): boolean {
  // There the addon clones files, and node:fs does all the rest.
  if (process.platform === 'win32') return isOff || need !== 'addon'
  return isOff || (isSimulated && need === 'steps')
}

/** What results tell of the default host. */
export const guards: Pick<MergeResult, 'locking' | 'containment'> = isLacking('locks')
  ? { locking: 'degraded', containment: 'best-effort' }
  : { locking: 'exclusive', containment: 'kernel' }

export function isThere(need: Need): boolean {
  if (!isLacking(need)) return true
  const reason = reasons[need]
  leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1)
  return false
}

/** A describe block; it is left out where the host was chosen so that it lacks this, and the reason is listed at the end. */
export function describeWith(need: Need, title: string, tests: (this: Suite) => void): void {
  if (isThere(need)) describe(title, tests)
}

/** The same for a test; undefined: it needs nothing. */
export function itWith(
  need: Need | undefined,
  title: string,
  test: (this: Context) => unknown,
): void {
  if (need === undefined || isThere(need)) it(title, test as AsyncFunc)
}
