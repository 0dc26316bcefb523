import { append } from '../append'
import { errno } from '../errno'
import { SystemError } from '../errors'
import {
  below,
  identityLength,
  joinPath,
  Kind,
  pathOf,
  splitPath,
  type Host,
  type Listing,
  type NamesJob,
  type Place,
  type Stats,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import { Found, type RecordedDirectory } from '../manifest'
import { MergeError, type MergeConflictError } from '../merge-error'
import type { Conflict, Modified, PlanEntry } from '../types'
import { comparePaths } from './report'
import type { Ours, Standing, State } from './ours'
import { absentDirectories } from './recorded-directories'
import type { Taken } from './taken'

const placesPerCall = 64
const namesPerCall = 512

/** Tells what of the manifest stays wanted. */
export interface Wanted {
  /** Is the directory wanted, as a directory? */
  readonly hasDirectory: (path: string) => boolean
  /** Is anything wanted by this name in a directory that is? */
  readonly hasName: (path: string, name: string) => boolean
  /** Does the row go where nothing is wanted in its place? */
  readonly goes: (row: number) => boolean
}

/** Entries of one directory that are taken out. */
interface Gone {
  /** '/'-joined below dest. */
  readonly path: string
  readonly names: string[]
}

/** What is taken out of dest, and what is not though nobody wants it. */
export class Removals {
  /** Entries other than directories that go one by one. */
  readonly files: Gone[] = []
  /** Directories that go with all that is in them. */
  readonly directories: Gone[] = []
  /** What somebody has changed. */
  readonly modified: Modified[] = []
  /** The merge cannot go on with these. */
  readonly undecided: Conflict[] = []
  /** Rows that nobody will find in dest any more. */
  readonly rows = new Set<number>()
  /** Rows that somebody has changed: they stay in dest, and are nobody's from now on. */
  readonly released = new Set<number>()
  /** Entries other than directories, and directories, that are taken out. */
  count = 0
  directoryCount = 0
  /** By path: names of what is in a directory that goes as a whole. */
  private readonly contents = new Map<string, ReadonlyMap<string, Seen | undefined>>()
  private readonly singles = new Map<string, Seen>()
  private readonly listed: PlanEntry[] = []
  private readonly absent = new Set<string>()

  get isEmpty(): boolean {
    return this.files.length === 0 && this.directories.length === 0
  }

  /** What goes, sorted by path. */
  entries(): readonly PlanEntry[] {
    return this.listed.sort((a, b) => comparePaths(a.path, b.path))
  }

  /** Takes note of an entry that goes. */
  list(path: string, type: PlanEntry['type'], source: string, size: number): void {
    this.listed.push({ path, type, source, size, action: 'remove' })
  }

  /** These and those of a manifest, where they are not the same. */
  with(others: Removals): this {
    const paths = new Set(this.listed.map(({ path }) => path))
    for (const each of others.listed) if (!paths.has(each.path)) this.listed.push(each)
    const add = (to: Gone[], from: readonly Gone[]): void => {
      for (const { path, names } of from) {
        const left = names.filter((name) => !paths.has(joinPath(path, name)))
        if (left.length > 0) to.push({ path, names: left })
      }
    }
    add(this.files, others.files)
    add(this.directories, others.directories)
    for (const [path, contents] of others.contents) {
      if (!this.contents.has(path)) this.contents.set(path, contents)
    }
    for (const [path, seen] of others.singles)
      if (!this.singles.has(path)) this.singles.set(path, seen)
    append(this.modified, others.modified)
    append(this.undecided, others.undecided)
    for (const row of others.rows) this.rows.add(row)
    for (const row of others.released) this.released.add(row)
    this.directoryCount = this.listed.filter(({ type }) => type === 'directory').length
    this.count = this.listed.length - this.directoryCount
    return this
  }

  /** Is this a directory of ours with nothing else in it? */
  isWhole(path: string): boolean {
    return this.contents.has(path)
  }

  /** A directory that nobody wants is not there, or not any more. */
  noteAbsent(path: string): void {
    this.absent.add(path)
  }

  /** Is it a directory that dest has no more once this is done? */
  isGone(path: string): boolean {
    return this.contents.has(path) || this.absent.has(path)
  }

  /** Is the entry what it was when it was decided that it goes? */
  isSeen(path: string, stats: Stats, entry: number): boolean {
    const seen = this.singles.get(path)
    return seen !== undefined && areAsSeenAt(stats, seen, entry)
  }

  /** Takes note of what an entry was that goes on its own. */
  see(path: string, seen: Seen): void {
    this.singles.set(path, seen)
  }

  /** What the directory holds, by name: what files were when they were looked at; undefined for a directory. */
  holdsAt(path: string): ReadonlyMap<string, Seen | undefined> | undefined {
    return this.contents.get(path)
  }

  hold(path: string, contents: ReadonlyMap<string, Seen | undefined>): void {
    this.contents.set(path, contents)
  }
}

/** An entry as it was when it was decided about: inode, mtime and size. */
export interface Seen {
  readonly ino: bigint
  readonly mtime: bigint
  readonly size: number
}

/** Finds out what of a manifest is taken out of dest. */
export async function planRemovals(
  host: Host,
  dest: Place,
  ours: Ours,
  wanted: Wanted,
  taken: Taken,
): Promise<Removals> {
  return new Planner(host, dest, ours, wanted, taken).run()
}

/** A directory of the manifest of which something goes. */
interface Affected {
  readonly directory: RecordedDirectory
  /** The directory itself may go. */
  readonly isGoing: boolean
  readonly rows: number[]
  /** Undefined where it is wanted, so that it is not listed, or where it is missing. */
  listing: Listing | undefined
  isMissing: boolean
}

class Planner {
  private readonly result = new Removals()

  constructor(
    private readonly host: Host,
    private readonly dest: Place,
    private readonly ours: Ours,
    private readonly wanted: Wanted,
    private readonly taken: Taken,
  ) {}

  async run(): Promise<Removals> {
    const affected = this.affected()
    await this.markAbsent(affected)
    await this.list(affected.filter(({ isGoing, isMissing }) => isGoing && !isMissing))
    const going = await this.decide(affected)
    this.gather(affected, going)
    return this.result
  }

  private affected(): Affected[] {
    const { recorded } = this.ours
    const { directories, names } = recorded.manifest
    const affected: Affected[] = []
    for (const directory of directories) {
      const { path, first, end } = directory
      const isWanted = path === '' || this.wanted.hasDirectory(path)
      const rows: number[] = []
      for (let row = first; row < end; row++) {
        if (!this.wanted.goes(row)) continue
        if (isWanted && this.wanted.hasName(path, names[row] as string)) continue
        if (this.isTaken(row)) this.result.rows.add(row)
        else rows.push(row)
      }
      // Whatever stands there by now is somebody else's.
      if (this.taken.of(path) !== undefined) {
        this.result.noteAbsent(path)
        continue
      }
      if (rows.length > 0 || !isWanted) {
        affected.push({
          ...{ directory, rows, isGoing: !isWanted },
          ...{ listing: undefined, isMissing: false },
        })
      }
    }
    return affected
  }

  /** Throws where a symlink stands in the place of a directory: what it leads to is not ours. */
  private async markAbsent(affected: readonly Affected[]): Promise<void> {
    const paths = affected.map(({ directory }) => directory.path)
    const absent = await absentDirectories(this.host, this.dest, paths)
    for (const [path, absence] of absent) {
      if (absence === 'symlink') throw symlinkInPlace(path, pathOf(below(this.dest, path)))
    }
    for (const each of affected) each.isMissing = absent.has(each.directory.path)
  }

  private async list(all: readonly Affected[]): Promise<void> {
    for (let at = 0; at < all.length; at += placesPerCall) {
      const some = all.slice(at, at + placesPerCall)
      const listings = await this.host.list(
        some.map(({ directory: { path } }) => below(this.dest, path)),
      )
      for (const [index, each] of some.entries()) {
        const listing = listings[index] as Listing
        if (listing.errno === 0) each.listing = listing
        else if (listing.errno === errno.ENOENT) each.isMissing = true
        else {
          const where = pathOf(below(this.dest, each.directory.path), listing.failedName)
          throw new SystemError(listing.errno, { syscall: listing.syscall, path: where })
        }
      }
    }
  }

  /** The rows that go. */
  private async decide(affected: readonly Affected[]): Promise<Set<number>> {
    const going = new Set<number>()
    const standing: Standing[] = []
    for (const calls of inCalls(this.jobsOf(affected))) {
      const jobs = calls.map(({ job }) => job)
      const stats = await this.host.stat(jobs)
      throwIfFailed(jobs, stats, errno.ENOENT)
      let entry = 0
      for (const { rows, job } of calls) {
        job.names.forEach((name, index) => {
          const row = rows[index] as number
          standing.push({ row, place: job.to, name, stats, entry: entry++ })
        })
      }
    }
    const states = await this.ours.states(standing)
    standing.forEach((each, index) => {
      if (this.goes(each, states[index] as State)) going.add(each.row)
    })
    for (const { isMissing, isGoing, rows, directory } of affected) {
      if (!isMissing) continue
      for (const row of rows) this.noteMissing(row)
      if (isGoing) this.result.noteAbsent(directory.path)
    }
    return going
  }

  private jobsOf(affected: readonly Affected[]): { rows: number[]; job: NamesJob }[] {
    const { names } = this.ours.recorded.manifest
    return affected
      .filter(({ isMissing, rows }) => !isMissing && rows.length > 0)
      .map(({ rows, directory: { path } }) => {
        const own = rows.map((row) => names[row] as string)
        return { rows, job: { to: below(this.dest, path), names: own } }
      })
  }

  private goes(standing: Standing, state: State): boolean {
    const { row, stats, entry } = standing
    const { found } = this.ours.recorded.manifest.rows
    if (state === 'missing') {
      this.noteMissing(row)
      return false
    }
    if (found[row] !== Found.No) {
      this.note(row, 'found', true)
      return false
    }
    if (state === 'content' || state === 'type') return this.decideModified(standing, state)
    if (stats.kinds[entry] === Kind.File && !this.ours.hasMode(row, stats, entry)) {
      this.note(row, 'mode', false)
    }
    this.seen.set(row, seenOf(stats, entry))
    return true
  }

  private readonly seen = new Map<number, Seen>()

  private decideModified({ row, stats, entry }: Standing, how: 'content' | 'type'): boolean {
    const { policy } = this.ours
    const isDirectory = stats.kinds[entry] === Kind.Directory
    if (policy === 'error' || (isDirectory && policy === 'replace')) {
      const { path, source } = this.ours.modification(row, how, true)
      const kind = how === 'type' ? 'type' : 'existing'
      this.result.undecided.push({ path, kind, sources: [source], winner: null })
      return false
    }
    const isKept = policy === 'keep'
    this.note(row, how, isKept)
    if (!isKept) this.seen.set(row, seenOf(stats, entry))
    return !isKept
  }

  private note(row: number, how: Modified['how'], kept: boolean): void {
    this.result.modified.push(this.ours.modification(row, how, kept))
    if (kept) this.result.released.add(row)
  }

  private noteMissing(row: number): void {
    this.result.rows.add(row)
    this.note(row, 'missing', false)
  }

  /** Did this merge take it out, alone or with a directory that holds it? */
  private isTaken(row: number): boolean {
    const how = this.taken.of(this.ours.recorded.pathOf(row))
    if (how === 'removed') this.result.count++
    return how !== undefined
  }

  /** From the deepest up: a directory goes as a whole where nothing else is in it. */
  private gather(affected: readonly Affected[], going: ReadonlySet<number>): void {
    const { names } = this.ours.recorded.manifest
    const whole = new Set<string>()
    for (const each of affected.toReversed()) {
      const { directory, listing, rows } = each
      if (listing === undefined || !directory.isMade) continue
      const contents = new Map<string, Seen | undefined>()
      for (const row of rows) {
        if (going.has(row)) contents.set(names[row] as string, this.seen.get(row))
      }
      for (const name of listing.names) {
        if (whole.has(joinPath(directory.path, name))) contents.set(name, undefined)
      }
      const isAll =
        listing.notUtf8.length === 0 && listing.names.every((name) => contents.has(name))
      if (!isAll) continue
      // What is not there any more does not go.
      const present = new Set(listing.names)
      for (const name of contents.keys()) if (!present.has(name)) contents.delete(name)
      whole.add(directory.path)
      this.result.hold(directory.path, contents)
    }
    for (const { directory, rows } of affected) {
      const { path } = directory
      const own = rows.filter((row) => going.has(row))
      for (const row of own) {
        this.result.rows.add(row)
        this.listRow(row)
      }
      this.result.count += own.length
      if (whole.has(path)) this.addDirectory(path, whole)
      else if (own.length > 0) {
        for (const row of own) {
          this.result.see(joinPath(path, names[row] as string), this.seen.get(row) as Seen)
        }
        this.result.files.push({ path, names: own.map((row) => names[row] as string) })
      }
    }
  }

  private listRow(row: number): void {
    const { recorded } = this.ours
    const { kinds, sizes, owners } = recorded.manifest.rows
    const isFile = kinds[row] === Kind.File
    const source = recorded.sourceName(owners[row] ?? 0)
    const size = isFile ? (sizes[row] ?? 0) : 0
    this.result.list(this.ours.recorded.pathOf(row), isFile ? 'file' : 'symlink', source, size)
  }

  private addDirectory(path: string, whole: ReadonlySet<string>): void {
    const { parent, name } = splitPath(path)
    this.result.directoryCount++
    const { recorded } = this.ours
    const [source = -1] = recorded.directory(path)?.sources ?? []
    this.result.list(path, 'directory', recorded.sourceName(source), 0)
    if (whole.has(parent) && parent !== '') return
    // A source's file takes its place: it is moved aside there.
    if (this.wanted.hasDirectory(parent) && this.wanted.hasName(parent, name)) return
    const last = this.result.directories.at(-1)
    if (last?.path === parent) last.names.push(name)
    else this.result.directories.push({ path: parent, names: [name] })
  }
}

export function seenOf({ identities, sizes }: Stats, entry: number): Seen {
  const at = entry * identityLength
  return {
    ino: identities[at + 1] ?? 0n,
    mtime: identities[at + 2] ?? 0n,
    size: sizes[entry] ?? 0,
  }
}

function* inCalls<T extends { readonly job: NamesJob }>(all: readonly T[]): Generator<T[]> {
  let call: T[] = []
  let names = 0
  for (const each of all) {
    call.push(each)
    names += each.job.names.length
    if (names < namesPerCall) continue
    yield call
    call = []
    names = 0
  }
  if (call.length > 0) yield call
}

/** Nothing below a symlink is ours, so nothing at all is done. */
export function symlinkInPlace(path: string, inDest: string): MergeConflictError {
  const conflict: Conflict = { path, kind: 'type', sources: [], winner: null }
  const message =
    `'${inDest}' is a symlink where an earlier merge had made a directory; nothing was changed. Move the symlink ` +
    'away and try again: nothing is ever removed through a symlink'
  return new MergeError('ERR_MERGE_CONFLICT', message, { conflicts: [conflict] })
}

/** Does a directory that was moved aside hold what it held when it was decided about, and nothing else? */
export async function isAsSeen(
  host: Host,
  removals: Removals,
  path: string,
  place: Place,
): Promise<boolean> {
  const waiting = [{ path, place }]
  for (let some = waiting.splice(0, placesPerCall); some.length > 0;) {
    const listings = await host.list(some.map((each) => each.place))
    const jobs: NamesJob[] = []
    const expected: Seen[] = []
    for (const [index, each] of some.entries()) {
      const listing = listings[index] as Listing
      const contents = removals.holdsAt(each.path)
      if (listing.errno !== 0 || contents === undefined || listing.notUtf8.length > 0) return false
      if (listing.names.length !== contents.size) return false
      const names: string[] = []
      for (const [at, name] of listing.names.entries()) {
        if (!contents.has(name)) return false
        const seen = contents.get(name)
        if ((seen === undefined) !== (listing.kinds[at] === Kind.Directory)) return false
        if (seen === undefined) {
          waiting.push({ path: joinPath(each.path, name), place: below(each.place, name) })
          continue
        }
        names.push(name)
        expected.push(seen)
      }
      if (names.length > 0) jobs.push({ to: each.place, names })
    }
    if (jobs.length > 0 && !areAsSeen(await host.stat(jobs), expected)) return false
    some = waiting.splice(0, placesPerCall)
  }
  return true
}

/** Are these entries as they were? Renaming one moves its ctime alone. */
function areAsSeen(stats: Stats, expected: readonly Seen[]): boolean {
  return expected.every((seen, entry) => areAsSeenAt(stats, seen, entry))
}

function areAsSeenAt(stats: Stats, seen: Seen, entry: number): boolean {
  const now = seenOf(stats, entry)
  return now.ino === seen.ino && now.mtime === seen.mtime && now.size === seen.size
}
