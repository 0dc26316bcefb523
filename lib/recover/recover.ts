import { ForeignError } from '../commit/foreign'
import type { LockOptions } from '../commit/lock'
import { debug } from '../debug'
import type { Host } from '../host/host'
import { removeStaging } from '../stage/staging'
import type { RecoverResult } from '../types'
import { findAbandoned, type Abandoned } from './find'
import { undoMerge } from './undo'

interface Recovery {
  readonly result: RecoverResult
  /** Why dest is not what it was before, where it could not be put back. */
  readonly failures: unknown[]
}

/**
 * Undoes merges into `dest` that were killed, and removes what they left. `dest`: absolute, without symlinks. `lock`:
 * undefined where the caller holds dest's lock, or wants none.
 */
export async function recoverDest(
  host: Host,
  dest: string,
  lock: LockOptions | false | undefined,
): Promise<Recovery> {
  const { abandoned, running } = await findAbandoned(host, dest)
  const recovery: Recovery = { result: { undone: 0, removed: 0, running, left: [] }, failures: [] }
  for (const merge of abandoned) {
    try {
      await recoverOne(host, merge, lock === false ? undefined : lock, recovery)
    } finally {
      await host.close(merge.directory)
      await host.close(merge.parent)
    }
  }
  return recovery
}

async function recoverOne(
  host: Host,
  merge: Abandoned,
  lock: LockOptions | undefined,
  { result, failures }: Recovery,
): Promise<void> {
  const { path } = merge.directory
  const leave = (error: unknown): void => {
    debug('recovery leaves %s: %s', path, error)
    result.left.push({ path, error })
  }
  try {
    const isUndone = await undoMerge(host, merge, lock)
    if (isUndone) result.undone++
    debug('recovery of %s: %s', path, isUndone ? 'undone' : 'nothing to undo')
  } catch (error) {
    leave(error)
    // What others put into directories that were taken back is kept for them, and dest is as it was.
    if (!(error instanceof ForeignError)) failures.push(error)
    return
  }
  // A directory that cannot be removed is in nobody's way.
  await removeStaging(host, merge.parent, merge.name).then(() => result.removed++, leave)
}
