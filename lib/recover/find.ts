import { randomBytes } from 'node:crypto'
import { fstatSync, promises as fs, type Stats } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { livePrefix } from '../stage/live'
import { errno, errnoOf } from '../errno'
import { Kind, ownerAccess, type Directory, type Host } from '../host/host'
import { holdsAttributes } from '../host/kept-attributes'
import { openReal } from '../host/open-real'
import { patiently } from '../host/patient'
import { throwIfFailed } from '../host/trees'
import { readRecord } from './read'
import { destName, journalName, modesName } from '../record'
import { reservedPrefix } from '../scan/scan'

/** A staging directory whose merge is gone. Nobody else can take it as long as it is open. */
export interface Abandoned {
  /** The directory in which it stands: dest, or one above it. */
  readonly parent: Directory
  readonly name: string
  readonly directory: Directory
  /** '/'-joined names from there to dest. */
  readonly prefix: string
}

export interface Found {
  readonly abandoned: Abandoned[]
  /** Of merges that run, or of which nobody can tell. */
  readonly running: number
}

const isStagingName = new RegExp(`^${reservedPrefix.replaceAll('.', '\\.')}[0-9a-f]{16}$`)

// ms. A look takes less than one; a merge that takes no lock may publish for longer.
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

/**
 * Staging directories of merges into `dest` that were killed. They stand in dest, or, where dest was missing then, in
 * a directory above it. `dest`: absolute, without symlinks. `isGuarded`: dest's lock is held.
 */
export async function findAbandoned(host: Host, dest: string, isGuarded: boolean): Promise<Found> {
  const abandoned: Abandoned[] = []
  let running = 0
  for (let path = dest; ; path = dirname(path)) {
    const names = (await namesIn(path)).filter((name) => isStagingName.test(name))
    const prefix = relative(path, dest).split(sep).join('/')
    for (const name of names.sort()) {
      const live = livePrefix(name)
      if (live !== undefined) {
        if (live === prefix) running++
        continue
      }
      const found = await open(host, path, { name, prefix, isGuarded })
      if (found === 'running') running++
      else if (found !== undefined) abandoned.push(found)
    }
    if (path === dirname(path)) return { abandoned, running }
  }
}

/** Names only: there may be many, and of others. */
async function namesIn(path: string): Promise<string[]> {
  try {
    return await patiently(undefined, () => fs.readdir(path))
  } catch (error) {
    if (unreadable.has(errnoOf(error))) return []
    throw error
  }
}

interface Wanted {
  readonly name: string
  readonly prefix: string
  readonly isGuarded: boolean
}

/** Undefined where it is another user's, or counts for another dest. */
async function open(
  host: Host,
  path: string,
  wanted: Wanted,
): Promise<Abandoned | 'running' | undefined> {
  const parent = await unlessUnreadable(openReal(host, path))
  if (parent === undefined) return undefined
  let directory: Directory | 'running' | undefined
  try {
    directory = await take(host, parent, wanted)
  } finally {
    if (typeof directory !== 'object') await host.close(parent)
  }
  if (typeof directory !== 'object') return directory
  return { parent, name: wanted.name, directory, prefix: wanted.prefix }
}

/** Opens the staging directory of a merge that is gone, and keeps others from it. */
export async function take(
  host: Host,
  parent: Directory,
  { name, prefix, isGuarded }: Wanted,
): Promise<Directory | 'running' | undefined> {
  const directory = await unlessUnreadable(host.open({ base: parent, path: name }))
  if (directory === undefined) return undefined
  let taken: 'running' | 'ours' | undefined
  try {
    taken = await unlessUnreadable(claim(host, parent, directory, { prefix, isGuarded }))
  } finally {
    if (taken !== 'ours') await host.close(directory)
  }
  return taken === 'ours' ? directory : taken
}

async function claim(
  host: Host,
  parent: Directory,
  directory: Directory,
  { prefix, isGuarded }: Pick<Wanted, 'prefix' | 'isGuarded'>,
): Promise<'running' | 'ours' | undefined> {
  if (!(await isOurs(host, parent, directory))) return undefined
  const isMine = await isFor(host, directory, prefix)
  if (!(await hold(host, directory, isMine && isGuarded))) return isMine ? 'running' : undefined
  // Only now, since its merge may have put something into it, and been killed, before the lock was taken.
  return isMine || !(await counts(host, directory)) ? 'ours' : undefined
}

/**
 * As long as dest's lock is held nobody else publishes, so whoever holds a merge that has begun to only looks whether
 * it is alive: to pass it by would be to build on what is going to be undone.
 */
async function hold(host: Host, directory: Directory, isGuarded: boolean): Promise<boolean> {
  const end = performance.now() + longestLook
  for (let pause = firstPause; ; pause *= 2) {
    if (host.tryLock(directory) === 0) return true
    if (!isGuarded || performance.now() >= end || !(await hasBegun(host, directory))) return false
    await sleep(pause)
  }
}

/** Has it written down what it will do to dest? */
export function hasBegun(host: Host, directory: Directory): Promise<boolean> {
  return holds(host, directory, [journalName])
}

/** Any of these names? */
async function holds(host: Host, directory: Directory, names: readonly string[]): Promise<boolean> {
  const { kinds } = await host.stat([{ to: { base: directory, path: '' }, names }])
  return kinds.some((kind) => kind !== Kind.Missing)
}

async function unlessUnreadable<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (unreadable.has(errnoOf(error))) return undefined
    throw error
  }
}

/** Made by a merge of this user: what others planted is none of ours. */
async function isOurs(host: Host, parent: Directory, directory: Directory): Promise<boolean> {
  const { uid, mode } = fstatSync(directory.fd)
  if ((mode & 0o077) === 0 && uid === (process.geteuid?.() ?? uid)) return true
  if (await holdsAttributes(parent.path)) return false
  // Some file systems show what anybody makes in their own way: as they show what we make now.
  const shown = await shownNow(host, parent)
  return shown?.uid === uid && (shown.mode & 0o777) === (mode & 0o777)
}

/** Owner and mode that a new directory shows; undefined where it vanished, as one that others take for abandoned may. */
async function shownNow(host: Host, parent: Directory): Promise<Stats | undefined> {
  const at = { base: parent, path: '' }
  const name = reservedPrefix + randomBytes(8).toString('hex')
  const jobs = [{ to: at, names: [name], modes: Uint32Array.of(ownerAccess) }]
  const { errnos } = await host.mkdir(jobs, false)
  if (errnos[0] !== 0) return undefined
  const directory = await unlessUnreadable(host.open({ base: parent, path: name }))
  if (directory === undefined) return undefined
  try {
    return fstatSync(directory.fd)
  } finally {
    await host.close(directory)
    throwIfFailed(jobs, await host.rmdir(jobs), errno.ENOENT)
  }
}

/** In dest itself only its own merges have staging directories. */
async function isFor(host: Host, directory: Directory, prefix: string): Promise<boolean> {
  if (prefix === '') return true
  return (await readRecord(host, { base: directory, path: '' }, destName)) === prefix
}

/**
 * Its merge had written down something that is to be taken back, or finished: that is left to those who merge into the same
 * dest. Otherwise it has changed nothing and is anybody's to remove, also where a power cut took the name of its dest.
 */
function counts(host: Host, directory: Directory): Promise<boolean> {
  return holds(host, directory, [journalName, modesName])
}
