import { fstatSync, promises as fs } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { errno, errnoOf } from '../errno'
import { Kind, type Directory, type Host } from '../host/host'
import { openReal } from '../host/open-real'
import { readRecord } from './read'
import { destName, freshName } from '../record'
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
 * a directory above it. `dest`: absolute, without symlinks.
 */
export async function findAbandoned(host: Host, dest: string): Promise<Found> {
  const abandoned: Abandoned[] = []
  let running = 0
  for (let path = dest; ; path = dirname(path)) {
    const names = (await namesIn(path)).filter((name) => isStagingName.test(name))
    const prefix = relative(path, dest).split(sep).join('/')
    for (const name of names.sort()) {
      const found = await open(host, path, name, prefix)
      if (found === 'running') running++
      else if (found !== undefined) abandoned.push(found)
    }
    if (path === dirname(path)) return { abandoned, running }
  }
}

/** Names only: there may be many, and of others. */
async function namesIn(path: string): Promise<string[]> {
  try {
    return await fs.readdir(path)
  } catch (error) {
    if (unreadable.has(errnoOf(error))) return []
    throw error
  }
}

/** Undefined where it is another's, or of a merge into another dest. */
async function open(
  host: Host,
  path: string,
  name: string,
  prefix: string,
): Promise<Abandoned | 'running' | undefined> {
  const opened: Directory[] = []
  try {
    const parent = await openReal(host, path)
    opened.push(parent)
    const directory = await host.open({ base: parent, path: name })
    opened.push(directory)
    if (!isOurs(directory) || !(await isFor(host, directory, prefix))) return undefined
    if (host.tryLock(directory) !== 0) return 'running'
    // Its merge may have put something into it, and been killed, between the look and the lock.
    if (!(await isFor(host, directory, prefix))) return undefined
    opened.length = 0
    return { parent, name, directory, prefix }
  } catch (error) {
    if (unreadable.has(errnoOf(error))) return undefined
    throw error
  } finally {
    for (const each of opened) await host.close(each)
  }
}

/** Made by a merge of this user: what others planted is none of ours. */
function isOurs({ fd }: Directory): boolean {
  const { uid, mode } = fstatSync(fd)
  return (mode & 0o077) === 0 && uid === (process.geteuid?.() ?? uid)
}

/** In dest itself only its own merges have staging directories. One with nothing staged in it is anybody's to remove. */
async function isFor(host: Host, directory: Directory, prefix: string): Promise<boolean> {
  const at = { base: directory, path: '' }
  if (prefix === '' || (await readRecord(host, at, destName)) === prefix) return true
  const { kinds } = await host.stat([{ to: at, names: [freshName] }])
  return kinds[0] === Kind.Missing
}
