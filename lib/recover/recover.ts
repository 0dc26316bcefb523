import { setTimeout as sleep } from 'node:timers/promises'
import { lockDirectory, type LockOptions } from '../commit/lock'
import { debug } from '../debug'
import { errno, errnoOf } from '../errno'
import { MergeError } from '../merge-error'
import { pathOf, type Directory, type Host } from '../host/host'
import { removeStaging } from '../stage/staging'
import type { RecoverResult } from '../types'
import { unreadable } from './blocked'
import { findAbandoned, release, type Abandoned, type Search } from './find'
import { undoMerge } from './undo'

interface Recovery {
  readonly result: RecoverResult
  /** Why dest is not what it was before, where it could not be put back. */
  readonly failures: unknown[]
  /** A merge is changing dest right now. */
  readonly isChanging: boolean
}

type Growing = Omit<Recovery, 'isChanging'>

function newRecovery(): Growing {
  return { result: { undone: 0, removed: 0, running: 0, left: [] }, failures: [] }
}

/**
 * Undoes merges into `dest` that were killed, and removes what they left. `dest`: absolute, without symlinks. `lock`:
 * undefined where the caller holds dest's lock, false where none is taken. `own`, `isThorough`: see `Search`.
 *
 * Nobody waits for dest's lock with a killed merge in hand: who has the lock, and is about to publish, must be able to
 * undo it first.
 */
export async function recoverDest(
  host: Host,
  dest: string,
  lock: LockOptions | false | undefined,
  { own, isThorough = false }: Partial<Pick<Search, 'own' | 'isThorough'>> = {},
): Promise<Recovery> {
  const search = { dest, own, isThorough }
  const found = await findAbandoned(host, { ...search, isGuarded: lock === undefined })
  const recovery = newRecovery()
  recovery.result.running = found.running
  if (found.foreign.length > 0) recovery.result.foreign = found.foreign
  const begun: Abandoned[] = []
  const held = [...found.abandoned]
  try {
    for (const merge of found.abandoned) {
      const isLate = Boolean(lock) && merge.state === '-begun'
      if (isLate) begun.push(merge)
      else await recoverOne(host, merge, recovery)
      held.shift()
      await release(host, merge)
    }
  } finally {
    for (const merge of held) await release(host, merge)
  }
  const isBlocked = found.blocked.length > 0
  // Whether it is gone shows only where nobody else can be changing dest.
  if (lock && (begun.length > 0 || isBlocked)) {
    return { ...(await recoverLocked(host, dest, lock, recovery)), isChanging: false }
  }
  if (isBlocked && lock === false) {
    await sleep(longestChange)
    const again = await findAbandoned(host, { ...search, isGuarded: false })
    for (const merge of again.abandoned) await release(host, merge)
    note(recovery, again.blocked)
  } else note(recovery, found.blocked)
  return { ...recovery, isChanging: found.isChanging }
}

// ms. A merge without a lock may be changing dest, and nobody can know.
const longestChange = 1000

function note({ result, failures }: Growing, blocked: RecoverResult['left']): void {
  for (const each of blocked) {
    result.left.push(each)
    failures.push(each.error)
  }
}

async function recoverLocked(
  host: Host,
  dest: string,
  lock: LockOptions,
  before: Growing,
): Promise<Growing> {
  const directory = await openDest(host, dest)
  if (directory === undefined) return before
  const held = await lockDirectory(host, directory, lock)
  try {
    const { result, failures } = await recoverDest(host, dest, undefined)
    result.undone += before.result.undone
    result.removed += before.result.removed
    for (const each of before.result.left) result.left.push(each)
    for (const each of before.failures) failures.push(each)
    return { result, failures }
  } finally {
    held.release()
    await host.close(directory)
  }
}

/** Undefined where it is not there. */
async function openDest(host: Host, dest: string): Promise<Directory | undefined> {
  try {
    return await host.open({ base: dest, path: '' })
  } catch (error) {
    if (errnoOf(error) === errno.ENOENT) return undefined
    throw error
  }
}

const firstPause = 5
const longestPause = 50

/**
 * The same for anyone who is about to change dest, and holds its lock, or takes none: waits until no other merge is changing
 * it. Those that take no lock may be. `own`: path of its own staging directory.
 */
export async function recoverAlone(
  host: Host,
  dest: string,
  { timeout, signal }: LockOptions,
  own: string | undefined,
): Promise<Recovery> {
  const all = newRecovery()
  const end = performance.now() + (timeout ?? Infinity)
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    signal?.throwIfAborted()
    const { result, failures, isChanging } = await recoverDest(host, dest, undefined, { own })
    all.result.undone += result.undone
    all.result.removed += result.removed
    all.result.running = result.running
    for (const each of result.left) all.result.left.push(each)
    for (const each of failures) all.failures.push(each)
    if (!isChanging || failures.length > 0) return { ...all, isChanging: false }
    if (performance.now() >= end) {
      const message =
        `another merge, which does not lock, has been changing ${dest} for ${String(timeout)} ms; ` +
        'raise the option `lock.timeout` to wait longer'
      throw new MergeError('ERR_MERGE_LOCK_TIMEOUT', message, { path: dest })
    }
    await sleep(pause)
  }
}

async function recoverOne(
  host: Host,
  merge: Abandoned,
  { result, failures }: Growing,
): Promise<void> {
  const path = pathOf({ base: merge.parent, path: merge.name })
  const leave = (at: string, error: unknown): void => {
    debug('recovery leaves %s: %s', at, error)
    result.left.push({ path: at, error })
  }
  let name: string
  try {
    const undone = await undoMerge(host, merge)
    if (undone.isUndone) result.undone++
    debug('recovery of %s: %s', path, undone.isUndone ? 'undone' : 'nothing to undo')
    for (const each of undone.left) leave(each.path, each.error)
    ;({ name } = undone)
    if (undone.isKept) {
      const kept = pathOf({ base: merge.parent, path: name })
      if (!undone.isUndone) leave(kept, keptError(kept))
      return
    }
  } catch (error) {
    const told = unreadable(path, merge.mark?.uid, error)
    leave(path, told)
    // Of a merge that is over nothing is missing in dest but what it holds.
    failures.push(told)
    return
  }
  // A directory that cannot be removed is in nobody's way.
  await removeStaging(host, merge.parent, name).then(
    () => result.removed++,
    (error: unknown) => {
      leave(path, error)
    },
  )
}

function keptError(path: string): MergeError {
  const message =
    `${path} holds entries that were in dest before a merge, or were put into those since, and could not be put back (in old/ and taken/): ` +
    'move them where you want them, and remove the directory'
  return new MergeError('ERR_MERGE_UNRECOVERED', message, { paths: [path] })
}
