import { ForeignError } from '../commit/foreign'
import { lockDirectory, type LockOptions } from '../commit/lock'
import { debug } from '../debug'
import { errno, errnoOf } from '../errno'
import type { Directory, Host } from '../host/host'
import { removeStaging } from '../stage/staging'
import type { RecoverResult } from '../types'
import { findAbandoned, hasBegun, take, type Abandoned } from './find'
import { undoMerge } from './undo'

interface Recovery {
  readonly result: RecoverResult
  /** Why dest is not what it was before, where it could not be put back. */
  readonly failures: unknown[]
}

/**
 * Undoes merges into `dest` that were killed, and removes what they left. `dest`: absolute, without symlinks. `lock`:
 * undefined where the caller holds dest's lock, false where none is taken.
 *
 * Nobody waits for dest's lock with a killed merge in hand: who has the lock, and is about to publish, must be able to
 * undo it first.
 */
export async function recoverDest(
  host: Host,
  dest: string,
  lock: LockOptions | false | undefined,
): Promise<Recovery> {
  const { abandoned, running } = await findAbandoned(host, dest, lock === undefined)
  const recovery: Recovery = { result: { undone: 0, removed: 0, running, left: [] }, failures: [] }
  const begun: Abandoned[] = []
  const held = abandoned.map(({ directory }) => directory)
  try {
    for (const merge of abandoned) {
      if (lock && (await hasBegun(host, merge.directory))) begun.push(merge)
      else await recoverOne(host, merge, recovery)
      held.shift()
      await host.close(merge.directory)
    }
    for (const merge of begun) if (lock) await recoverLocked(host, merge, lock, recovery)
  } finally {
    for (const directory of [...held, ...abandoned.map(({ parent }) => parent)])
      await host.close(directory)
  }
  return recovery
}

async function recoverLocked(
  host: Host,
  merge: Abandoned,
  lock: LockOptions,
  recovery: Recovery,
): Promise<void> {
  const dest = await openDest(host, merge)
  const held = dest && (await lockDirectory(host, dest, lock))
  try {
    const directory = await take(host, merge.parent, { ...merge, isGuarded: held !== undefined })
    if (directory === 'running') recovery.result.running++
    // Somebody else has recovered it meanwhile.
    if (typeof directory !== 'object') return
    try {
      await recoverOne(host, { ...merge, directory }, recovery)
    } finally {
      await host.close(directory)
    }
  } finally {
    held?.release()
    if (dest !== undefined) await host.close(dest)
  }
}

/** Undefined where it is not there. */
async function openDest(host: Host, { parent, prefix }: Abandoned): Promise<Directory | undefined> {
  try {
    return await host.open({ base: parent, path: prefix })
  } catch (error) {
    if (errnoOf(error) === errno.ENOENT) return undefined
    throw error
  }
}

async function recoverOne(
  host: Host,
  merge: Abandoned,
  { result, failures }: Recovery,
): Promise<void> {
  const { path } = merge.directory
  const leave = (error: unknown): void => {
    debug('recovery leaves %s: %s', path, error)
    result.left.push({ path, error })
  }
  try {
    const isUndone = await undoMerge(host, merge)
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
