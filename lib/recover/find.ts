import { fstatSync, lstatSync, promises as fs } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { livePrefix } from '../stage/live'
import { errno, errnoOf, isDenied } from '../errno'
import { SystemError } from '../errors'
import { Kind, type Directory, type Host } from '../host/host'
import { openReal } from '../host/open-real'
import { withRetries } from '../host/retrying'
import {
  findableIds,
  isAlive,
  modesName,
  readStagingName,
  stagingNameOf,
  type Mark,
  type StagingState,
} from '../records'
import { blockedError } from './blocked'
import { claim, type Claim } from './claim'
import { readMark } from './mark'
import { showsOwners } from './owners'

/** A staging directory whose merge is gone. Nobody else can take it as long as it is open. */
export interface Abandoned {
  /** The directory in which it stands: dest, or one above it. */
  readonly parent: Directory
  readonly name: string
  readonly state: StagingState
  readonly directory: Directory
  /** '/'-joined names from there to dest. */
  readonly prefix: string
  /** Undefined where its merge was gone before it was written. */
  readonly mark: Mark | undefined
  readonly claim: Claim
}

export interface Found {
  readonly abandoned: Abandoned[]
  /** Of merges that run, or of which nobody can know. */
  running: number
  /** One of these is changing dest. */
  isChanging: boolean
  /** Of merges that were changing dest, and cannot be undone by us. */
  readonly blocked: { readonly path: string; readonly error: unknown }[]
  /** Directories that only look like those of a merge. */
  readonly foreign: string[]
}

// ms. A look takes less than one.
const longestLook = 5000
const firstPause = 1

// Nothing to be found there by us; what is wrong with dest itself, the merge will tell.
const unreadable: ReadonlySet<number | undefined> = new Set([
  errno.ENOENT,
  errno.ENOTDIR,
  errno.EACCES,
  errno.EPERM,
  // Somebody has put a symlink into the way.
  errno.ELOOP,
])
/** Node's permission model may forbid to look above dest. */
function isUnreadable(error: unknown): boolean {
  return isDenied(error) || unreadable.has(errnoOf(error))
}

const forbidden: ReadonlySet<number | undefined> = new Set([errno.EACCES, errno.EPERM])

/** How to look for merges into `dest`, which is an absolute path without symlinks. */
export interface Search {
  readonly dest: string
  /** Dest's lock is held. */
  readonly isGuarded: boolean
  /** Path of the caller's own staging directory, which is passed by. */
  readonly own?: string | undefined
  /** Directories above dest are listed, and not only asked for the names that merges into a missing dest choose first. */
  readonly isThorough: boolean
}

/**
 * Staging directories of merges that were killed. They stand in dest, or, where dest was missing then, in a directory above
 * it; those of merges that have begun to change dest always stand in dest.
 */
export async function findAbandoned(
  host: Host,
  { dest, isGuarded, own, isThorough }: Search,
): Promise<Found> {
  const found: Found = { abandoned: [], running: 0, isChanging: false, blocked: [], foreign: [] }
  for (let path = dest; ; path = dirname(path)) {
    const prefix = relative(path, dest).split(sep).join('/')
    const isListed = isThorough || prefix === ''
    const names = isListed ? await stagingNamesIn(path) : await foundIn(host, path, prefix)
    for (const name of names.sort()) {
      const { state = '' } = readStagingName(name) ?? {}
      if ((prefix !== '' && state !== '') || join(path, name) === own) continue
      const live = state === '' ? livePrefix(join(path, name)) : undefined
      if (live !== undefined) {
        if (live === prefix) found.running++
        continue
      }
      await open(host, path, { name, state, prefix, isGuarded }, found)
    }
    if (path === dirname(path)) return found
  }
}

/**
 * Is a merge changing dest, or was one killed while it did? But for the one whose staging directory is `own`, which others
 * can see by now.
 */
export async function isBusy(host: Host, dest: string, own: string): Promise<boolean> {
  const begun = (await stagingNamesIn(dest)).filter((name) => {
    return join(dest, name) !== own && readStagingName(name)?.state === '-begun'
  })
  if (begun.length === 0) return false
  const found: Found = { abandoned: [], running: 0, isChanging: false, blocked: [], foreign: [] }
  for (const name of begun) {
    await open(host, dest, { name, state: '-begun', prefix: '', isGuarded: false }, found)
  }
  for (const each of found.abandoned) await release(host, each)
  return found.isChanging || found.abandoned.length > 0 || found.blocked.length > 0
}

/** Lets others have it. */
export async function release(host: Host, { claim, directory, parent }: Abandoned): Promise<void> {
  await claim.release()
  await host.close(directory)
  await host.close(parent)
}

/** Names only: there may be many, and of others. */
async function stagingNamesIn(path: string): Promise<string[]> {
  try {
    const names = await withRetries(undefined, () => fs.readdir(path))
    return names.filter((name) => readStagingName(name) !== undefined)
  } catch (error) {
    if (isUnreadable(error)) return []
    throw error
  }
}

/** The same of merges into one dest, without a look at what else there is. */
async function foundIn(host: Host, path: string, prefix: string): Promise<string[]> {
  const names = findableIds(prefix).map((id) => stagingNameOf(id, ''))
  const job = { to: { base: path, path: '' }, names }
  const stats = await unlessUnreadable(host.stat([job]))
  for (const [index, number] of (stats?.errnos ?? []).entries()) {
    if (number === 0 || unreadable.has(number)) continue
    throw new SystemError(number, { syscall: stats?.syscall(index) ?? '', path })
  }
  return names.filter((_, index) => (stats?.kinds[index] ?? Kind.Missing) !== Kind.Missing)
}

interface Wanted {
  readonly name: string
  readonly state: StagingState
  readonly prefix: string
  readonly isGuarded: boolean
}

async function open(host: Host, path: string, wanted: Wanted, found: Found): Promise<void> {
  const parent = await unlessUnreadable(openReal(host, path))
  if (parent === undefined) return
  let isKept = false
  try {
    const taken = await take(host, parent, wanted)
    if (typeof taken === 'object') {
      if ('error' in taken) found.blocked.push(taken)
      else {
        isKept = true
        found.abandoned.push(taken)
      }
    }
    if (taken === 'running') {
      found.running++
      found.isChanging ||= wanted.state === '-begun'
    }
    if (taken === 'foreign' && wanted.prefix === '') found.foreign.push(join(path, wanted.name))
  } finally {
    if (!isKept) await host.close(parent)
  }
}

interface Blocked {
  readonly path: string
  readonly error: unknown
}

type Taken = Abandoned | Blocked | 'running' | 'foreign' | undefined

/** Opens the staging directory of a merge that is gone, and keeps others from it. */
async function take(host: Host, parent: Directory, wanted: Wanted): Promise<Taken> {
  const { name, state } = wanted
  const path = join(parent.path, name)
  const isBegun = state === '-begun'
  let directory: Directory
  try {
    directory = await host.open({ base: parent, path: name })
  } catch (error) {
    const number = errnoOf(error)
    if (!unreadable.has(number)) throw error
    if (number === errno.ENOTDIR || number === errno.ELOOP) return 'foreign'
    if (!isBegun || !forbidden.has(number)) return undefined
    return {
      path,
      error: blockedError(path, uidOf(path), 'this user is not allowed to open its directory'),
    }
  }
  let taken: Taken
  try {
    taken = await unlessUnreadable(claimIt(host, parent, directory, wanted))
  } finally {
    if (typeof taken !== 'object' || 'error' in taken) await host.close(directory)
  }
  return taken
}

async function claimIt(
  host: Host,
  parent: Directory,
  directory: Directory,
  { name, state, prefix, isGuarded }: Wanted,
): Promise<Taken> {
  const path = join(parent.path, name)
  const isBegun = state === '-begun'
  const marked = await readMark(host, parent, name, directory)
  if (marked === undefined) return undefined
  const { kind, mark } = marked
  if (kind === 'foreign' || (kind === 'scrap' && state !== '')) return 'foreign'
  const { uid } = fstatSync(directory.fd)
  const isOurs = await isOurUser(host, parent, uid, mark)
  if (!isOurs) {
    if (!isBegun) return undefined
    return { path, error: blockedError(path, mark?.uid ?? uid, 'it belongs to another user') }
  }
  // Somebody may be making it right now.
  if (mark === undefined && host.tryLock(directory) !== 0 && isYoung(directory)) return 'running'
  // Above dest: one that counts for another dest is left to those who merge into that.
  const isForDest = prefix === '' || mark === undefined || mark.dest === prefix
  const life = await lifeOf(host, directory, mark, isForDest && isGuarded && isBegun)
  if (life === 'alive') return isForDest ? 'running' : undefined
  if (life === 'unknown') {
    if (!isForDest) return undefined
    if (!isBegun || !isGuarded) return 'running'
    const why = 'it may still run, on another machine or in another container'
    return { path, error: blockedError(path, mark?.uid, why) }
  }
  // Only now, since its merge may have put something into it, and been killed, before the lock was taken.
  if (!isForDest && (await counts(host, directory))) return undefined
  const claimed = await claim(host, directory)
  if (claimed === undefined) return isForDest ? 'running' : undefined
  return { parent, name, state, directory, prefix, mark, claim: claimed }
}

type Life = 'dead' | 'alive' | 'unknown'

/** Only a lock that its owner has held tells that the owner is gone; else its process does. */
async function lifeOf(
  host: Host,
  directory: Directory,
  mark: Mark | undefined,
  isPatient: boolean,
): Promise<Life> {
  const isLocked = await hold(host, directory, isPatient)
  if (isLocked === false) return 'alive'
  // It had not written down whose it is, and so nothing else.
  if (mark === undefined) return 'dead'
  if (isLocked === true && mark.isLocked) return 'dead'
  const alive = isAlive(mark)
  if (alive === undefined) return 'unknown'
  return alive ? 'alive' : 'dead'
}

/**
 * Undefined where there are no locks. As long as dest's lock is held nobody else publishes, so anyone who holds a merge that
 * has begun to most likely only looks whether it is alive: to pass it by would be to build on what is going to be undone.
 */
async function hold(
  host: Host,
  directory: Directory,
  isPatient: boolean,
): Promise<boolean | undefined> {
  const end = performance.now() + longestLook
  for (let pause = firstPause; ; pause *= 2) {
    const number = host.tryLock(directory)
    if (number === 0) return true
    if (number !== errno.EWOULDBLOCK && number !== errno.EINTR) return undefined
    if (!isPatient || performance.now() >= end) return false
    await sleep(pause)
  }
}

// ms
const youth = 10_000

function isYoung({ fd }: Directory): boolean {
  return Math.abs(Date.now() - fstatSync(fd).ctimeMs) < youth
}

async function unlessUnreadable<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isUnreadable(error)) return undefined
    throw error
  }
}

/**
 * Made by a merge of this user: what other users write into records is not carried out. Where a file system keeps no owners,
 * the mark tells.
 */
async function isOurUser(
  host: Host,
  parent: Directory,
  uid: number,
  mark: Mark | undefined,
): Promise<boolean> {
  const own = process.geteuid?.()
  if (own === undefined || uid === own) return true
  return mark?.uid === own && !(await showsOwners(host, parent, own))
}

function uidOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid
  } catch {
    return undefined
  }
}

/**
 * Its merge has something written down that is to be finished: that is left to those who merge into the same dest. Otherwise
 * it is anybody's to remove, also where a power cut took the name of its dest.
 */
async function counts(host: Host, directory: Directory): Promise<boolean> {
  const { kinds } = await host.stat([{ to: { base: directory, path: '' }, names: [modesName] }])
  return kinds[0] !== Kind.Missing
}
