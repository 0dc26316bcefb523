import { append } from '../append'
import { errno } from '../errno'
import { SystemError } from '../errors'
import { forEachLimited } from '../concurrency'
import {
  below,
  eachName,
  entryOf,
  Kind,
  ownerAccess,
  pathOf,
  splitPath,
  type Host,
  type Listing,
  type NamesJob,
  type Outcomes,
  type Place,
} from './host'

/** A directory to make: its path below a start, and its mode. */
export interface NewDirectory {
  readonly path: string
  /** Permission bits; undefined: 0777 less the umask, as mkdir makes it. */
  readonly mode: number | undefined
}

const namesPerCall = 256

const isZero = (number: number): boolean => number === 0

/** Throws for the first name that failed. */
export function throwIfFailed(
  jobs: readonly {
    readonly to: Place
    readonly names: readonly string[]
    readonly toNames?: readonly string[]
  }[],
  outcomes: Outcomes,
  allowed?: number,
): void {
  if (outcomes.errnos.every(isZero)) return
  for (const { index, job, name, position } of eachName(jobs)) {
    const number = outcomes.errnos[index] ?? 0
    if (number === 0 || number === allowed) continue
    const path = pathOf(job.to, job.toNames?.[position] ?? name)
    throw new SystemError(number, { syscall: outcomes.syscall(index), path })
  }
}

interface MakeOptions {
  /** An errno that is fine. */
  readonly allowed?: number
  /** Calls at once. */
  readonly concurrencyLimit?: number
}

/** Makes directories of one level: their parents must be there. One job a parent. */
export async function makeDirectories(
  host: Host,
  start: Place,
  directories: readonly NewDirectory[],
  { allowed, concurrencyLimit = 1 }: MakeOptions = {},
): Promise<void> {
  const calls: { jobs: NamesJob[]; exact: boolean }[] = []
  for (const exact of [true, false]) {
    const wanted = directories.filter(({ mode }) => (mode !== undefined) === exact)
    for (let at = 0; at < wanted.length; at += namesPerCall) {
      calls.push({ jobs: mkdirJobs(start, wanted.slice(at, at + namesPerCall)), exact })
    }
  }
  await forEachLimited(concurrencyLimit, undefined, calls, ({ jobs, exact }) =>
    make(host, jobs, exact, allowed),
  )
}

async function make(
  host: Host,
  jobs: readonly NamesJob[],
  exact: boolean,
  allowed: number | undefined,
): Promise<void> {
  throwIfFailed(jobs, await host.mkdir(jobs, exact), allowed)
}

function mkdirJobs(start: Place, directories: readonly NewDirectory[]): NamesJob[] {
  const byParent = new Map<string, { names: string[]; modes: number[] }>()
  for (const { path, mode } of directories) {
    const { parent, name } = splitPath(path)
    let job = byParent.get(parent)
    if (job === undefined) byParent.set(parent, (job = { names: [], modes: [] }))
    job.names.push(name)
    job.modes.push(mode ?? 0o777)
  }
  return [...byParent].map(([parent, { names, modes }]) => ({
    to: below(start, parent),
    names,
    modes: Uint32Array.from(modes),
  }))
}

/**
 * Makes a directory and what leads to it, all of them 0700; existing ones are fine. `made`: what this made before, which is
 * not tried again.
 */
export async function makePath(
  host: Host,
  start: Place,
  path: string,
  made: Set<string>,
): Promise<void> {
  const missing: string[] = []
  for (let at = path; at !== '' && !made.has(at); at = splitPath(at).parent) missing.push(at)
  for (const at of missing.reverse()) {
    await makeDirectories(host, start, [{ path: at, mode: ownerAccess }], {
      allowed: errno.EEXIST,
    })
    made.add(at)
  }
}

/** Makes a place, and what of it is missing, as mkdir makes it. */
export async function makeMissing(host: Host, { base, path }: Place): Promise<void> {
  const names = path === '' ? [] : path.split('/')
  for (let depth = 1; depth <= names.length; depth++) {
    const at = { path: names.slice(0, depth).join('/'), mode: undefined }
    await makeDirectories(host, { base, path: '' }, [at], { allowed: errno.EEXIST })
  }
}

const directoriesPerCall = 64

/** Those of the directories that hold nothing. One that may not be read may hold something. */
export async function emptyOnes(host: Host, places: readonly Place[]): Promise<Set<Place>> {
  const empty = new Set<Place>()
  for (const some of chunks(places)) {
    const listings = await host.list(some)
    listings.forEach(({ errno: number, names, notUtf8 }, index) => {
      if (number === 0 && names.length + notUtf8.length === 0) empty.add(some[index] as Place)
    })
  }
  return empty
}

/** Removes a directory with all that is in it. Nothing is followed; what is gone is fine. */
export function removeTree(host: Host, parent: Place, name: string): Promise<void> {
  return removeTrees(host, parent, [name])
}

/** The same for several directories of one, in as few calls. */
export async function removeTrees(
  host: Host,
  parent: Place,
  names: readonly string[],
): Promise<void> {
  const levels: Place[][] = []
  let level = names.map((name): Place => below(parent, name))
  while (level.length > 0) {
    levels.push(level)
    const next: Place[] = []
    for (const places of chunks(level)) append(next, await removeFiles(host, places))
    level = next
  }
  for (const places of levels.reverse().flatMap(chunks)) {
    const jobs = places.map((place) => {
      const { directory, name: last } = entryOf(place)
      return { to: directory, names: [last] }
    })
    throwIfFailed(jobs, await host.rmdir(jobs), errno.ENOENT)
  }
}

function chunks(places: readonly Place[]): Place[][] {
  return Array.from({ length: Math.ceil(places.length / directoriesPerCall) }, (_, index) =>
    places.slice(index * directoriesPerCall, (index + 1) * directoriesPerCall),
  )
}

/** Removes what is not a directory; answers the directories. */
async function removeFiles(host: Host, places: readonly Place[]): Promise<Place[]> {
  const listings = await host.list(places)
  const jobs: NamesJob[] = []
  const found: Place[] = []
  const tight: Place[] = []
  for (const [index, place] of places.entries()) {
    const listing = await readable(host, place, listings[index])
    if (listing === undefined || listing.errno === errno.ENOENT) continue
    const { kinds, names, syscall, failedName } = listing
    if (listing.errno !== 0) {
      throw new SystemError(listing.errno, { syscall, path: pathOf(place, failedName) })
    }
    const files = names.filter((_, at) => kinds[at] !== Kind.Directory)
    if (files.length > 0) jobs.push({ to: place, names: files })
    for (const [at, name] of names.entries()) {
      if (kinds[at] === Kind.Directory) found.push(below(place, name))
    }
    if (names.length > 0 && (listing.mode & ownerAccess) !== ownerAccess) tight.push(place)
  }
  await loosen(host, tight)
  if (jobs.length > 0) throwIfFailed(jobs, await host.unlink(jobs), errno.ENOENT)
  return found
}

/** A package's directory that may not be read: it is ours, so we may change that. */
async function readable(
  host: Host,
  place: Place,
  listing: Listing | undefined,
): Promise<Listing | undefined> {
  if (listing?.errno !== errno.EACCES) return listing
  await loosen(host, [place])
  return (await host.list([place]))[0]
}

/** Where that fails, what it is for tells why. */
async function loosen(host: Host, directories: readonly Place[]): Promise<void> {
  if (directories.length === 0) return
  await host.chmod(
    directories.map((place) => {
      const { directory, name } = entryOf(place)
      return { to: directory, names: [name], modes: Uint32Array.of(ownerAccess) }
    }),
  )
}
