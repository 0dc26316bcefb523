import { debug } from '../debug'
import { errno, linkNeverHere, linkNotThisFile } from '../errno'
import { SystemError, throwAfter } from '../errors'
import {
  below,
  eachName,
  entryOf,
  joinPath,
  Kind,
  pathOf,
  type Host,
  type NamesJob,
  type Outcomes,
  type PairJob,
  type Place,
} from '../host/host'
import { emptyOnes, removeTrees, throwIfFailed } from '../host/trees'
import { inGroups } from '../concurrency'
import type { OwnEntry, Round } from '../records'
import { isAsSeen, type Removals } from '../plan/removals'
import { collisions } from './collisions'
import { filled, throwIfFilled } from './emptied'
import { judgeContent } from './judge'
import type { Left } from './left'
import { renameHint } from './rename-hint'
import { find } from './standing'
import { swapIn, type Swapped } from './swap'
import { swapFiles, type SwappedFiles } from './swap-files'
import { TakeBack, type MergePlaces } from './take-back'

/** Entries of one directory. */
export interface Entries {
  /** '/'-joined below dest. */
  readonly path: string
  readonly names: readonly string[]
}

/** How far taking back has come. */
export interface Undone {
  readonly failures: unknown[]
  /** What stays where it stands, or lies aside, since somebody else has a hand in it. */
  readonly left: Left[]
  /** The staging directory holds something that must not be removed. */
  readonly isKept: boolean
}

const cannotLink: ReadonlySet<number> = new Set([...linkNeverHere, ...linkNotThisFile])

const namesPerCall = 256

/** Moves entries into dest by single renames, and can take each one back. */
export class Journal {
  private readonly done: OwnEntry[] = []
  private readonly intents = new Map<string, OwnEntry>()
  private time = 0n
  /** False once swapping files has done nothing: the others are not moved aside and back for it. */
  private canSwap = true
  /** Empty directories that gave way. */
  private readonly emptied: Place[] = []
  /** Directories that were taken out with all that is in them, which is known. */
  private readonly gone: { readonly path: string; readonly place: Place }[] = []
  /** Why something that dest had lies in `replaced` alone: undo must not pass for complete then. */
  private readonly notRestored: unknown[] = []

  constructor(
    private readonly host: Host,
    /** The one to put things back with: it goes on after an abort. */
    private readonly notAborted: Host,
    private readonly places: MergePlaces,
    /** Directories that may go though they are not empty. */
    private readonly removals?: Removals,
  ) {}

  /** What is about to be published: undo knows it again. */
  expect({ time, entries }: Round): void {
    this.time = time
    for (const entry of entries) this.intents.set(joinPath(entry.path, entry.name), entry)
  }

  /** Publishes entries where dest has nothing. One flag a name: false where something is there now. */
  async publish(entries: readonly Entries[]): Promise<boolean[]> {
    const jobs = this.publishing(entries)
    return this.record(entries, jobs, await this.renamed(entries, jobs, false))
  }

  /**
   * Publishes entries in the place of others. They are swapped, so that no path is ever empty: files many at once, what is of
   * another kind one after the other. Where that cannot be, a file gets a second name in `replaced` first. Where it cannot have
   * one, and where dest spells a name otherwise (name → its spelling), it is moved there.
   */
  async replace(
    { path, names }: Entries,
    move: boolean,
    spellings: ReadonlyMap<string, string>,
  ): Promise<boolean[]> {
    const results = new Map<string, boolean>()
    const mayLink = (name: string): boolean => !move && (spellings.get(name) ?? name) === name
    for (const some of inGroups(names.filter(mayLink), () => 1, namesPerCall)) {
      for (const [name, isDone] of await this.swapFiles(path, some)) results.set(name, isDone)
      const others = some.filter((name) => !results.has(name))
      for (const [name, isDone] of await this.replaceLinked(path, others)) results.set(name, isDone)
    }
    for (const name of names) {
      if (results.has(name)) continue
      results.set(name, await this.replaceOne(path, name, spellings.get(name) ?? name, move))
    }
    return names.map((name) => results.get(name) === true)
  }

  /**
   * Takes entries out of dest. One flag a name: false where it is gone, or no longer what it was when that was decided; then it
   * stands where it stood.
   */
  async remove({ path, names }: Entries): Promise<boolean[]> {
    const jobs = this.savingJobs(path, names)
    const outcomes = await this.renamed([{ path, names }], jobs, false)
    const results = this.record([{ path, names }], jobs, outcomes)
    const moved = names.filter((_, index) => results[index])
    const expected = await this.areExpected(path, moved)
    for (const [index, name] of moved.entries()) {
      if (expected[index] === true) continue
      results[names.indexOf(name)] = false
      await this.putBack(path, name, false)
    }
    return results
  }

  /** Is each entry that was put aside what it was when it was looked at? Renaming it changes its ctime alone. */
  private async areExpected(path: string, names: readonly string[]): Promise<boolean[]> {
    const { replaced } = this.places.twins(path)
    const stats = await this.notAborted.stat([{ to: replaced, names }])
    const results: boolean[] = []
    for (const [index, name] of names.entries()) {
      const at = joinPath(path, name)
      const isDirectory = stats.kinds[index] === Kind.Directory
      if (isDirectory !== (this.removals?.isWhole(at) === true)) results.push(false)
      else if (isDirectory) results.push(await this.isWhole(at, below(replaced, name)))
      else results.push(this.removals?.isSeen(at, stats, index) === true)
    }
    return results
  }

  /** A directory with nothing in it but what is to go with it. */
  private async isWhole(path: string, place: Place): Promise<boolean> {
    if (this.removals === undefined) return false
    const isWhole = await isAsSeen(this.notAborted, this.removals, path, place)
    if (isWhole) this.gone.push({ path, place })
    return isWhole
  }

  /** Those that can be swapped; there is nothing in the result for the others. */
  private async swapFiles(path: string, names: readonly string[]): Promise<Map<string, boolean>> {
    const results = new Map<string, boolean>()
    const { fresh, replaced } = this.places.twins(path)
    const swap = { fresh, replaced, dest: below(this.places.dest, path) }
    const known = this.canSwap ? names.filter((name) => this.isKnownAside(path, name)) : []
    let swapped: SwappedFiles
    try {
      swapped = await swapFiles(this.host, this.notAborted, { ...swap, names: known })
    } catch (error) {
      // Where nobody can say how far that came, undo is to look at each.
      for (const name of known) this.note(path, name)
      throw error
    }
    for (const name of swapped.done) {
      this.note(path, name)
      results.set(name, true)
    }
    if (swapped.failure !== undefined) throw swapped.failure
    if (known.length > 0 && swapped.done.length + swapped.gone.length === 0) this.canSwap = false
    for (const name of swapped.gone) results.set(name, false)
    return results
  }

  /** Undo can distinguish it from what it replaces, wherever each of them lies. */
  private isKnownAside(path: string, name: string): boolean {
    const intent = this.intents.get(joinPath(path, name))
    return intent !== undefined && (intent.birth !== 0n || intent.handle !== 0n)
  }

  /** Those that can have a second name; there is nothing in the result for the others. */
  private async replaceLinked(
    path: string,
    names: readonly string[],
  ): Promise<Map<string, boolean>> {
    if (names.length === 0) return new Map()
    const away = this.savingJobs(path, names)
    const links = await this.host.hardlink(away)
    const results = new Map<string, boolean>()
    const linked: string[] = []
    let failure: SystemError | undefined
    for (const { index, job, name } of eachName(away)) {
      const number = links.errnos[index] ?? 0
      if (number === 0) linked.push(name)
      else if (number === errno.ENOENT) results.set(name, false)
      else if (!cannotLink.has(number)) failure ??= this.error(job, name, number, links, index)
    }
    if (failure !== undefined) return throwAfter(failure, () => this.unlinkSaved(path, linked))
    const entries = [{ path, names: linked }]
    const jobs = this.publishing(entries)
    const renames = await this.renamed(entries, jobs, true)
    const failed = linked.filter((_, index) => renames.errnos[index] !== 0)
    try {
      this.record(entries, jobs, renames)
    } catch (error) {
      return throwAfter(error, () => this.unlinkSaved(path, failed))
    }
    await this.unlinkSaved(path, failed)
    for (const name of linked) results.set(name, true)
    for (const name of failed) results.set(name, false)
    return results
  }

  /** Renames into dest. Where nobody can say how far that came, undo is to look at each. */
  private async renamed(
    entries: readonly Entries[],
    jobs: readonly PairJob[],
    replace: boolean,
  ): Promise<Outcomes> {
    try {
      return await this.host.rename(jobs, replace)
    } catch (error) {
      for (const { path, names } of entries) for (const name of names) this.note(path, name)
      throw error
    }
  }

  /** What lies in `replaced` has its name in dest still. */
  private async unlinkSaved(path: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    const seconds = [{ to: this.places.twins(path).replaced, names }]
    throwIfFailed(seconds, await this.notAborted.unlink(seconds))
  }

  private async replaceOne(
    path: string,
    name: string,
    old: string,
    move: boolean,
  ): Promise<boolean> {
    if (name === old && (move || (await this.isDirectory(path, name)))) {
      const isDone = await this.swap(path, name, move)
      if (isDone !== undefined) return isDone
    }
    const one = [{ path, names: [name] }]
    const saved = await this.save(path, old, move || old !== name)
    if (saved === undefined) return false
    const linked = saved === 'linked'
    const jobs = this.publishing(one)
    try {
      const outcomes = await this.host.rename(jobs, linked || (await this.isStale(path, name, old)))
      const [published] = this.record(one, jobs, outcomes)
      if (published === true) return true
    } catch (error) {
      return throwAfter(error, () => this.putBack(path, old, linked))
    }
    await this.putBack(path, old, linked)
    return false
  }

  private async isDirectory(path: string, name: string): Promise<boolean> {
    const { kinds } = await this.host.stat([{ to: below(this.places.dest, path), names: [name] }])
    return kinds[0] === Kind.Directory
  }

  /** Undefined where names cannot be swapped. */
  private async swap(
    path: string,
    name: string,
    isDirectory: boolean,
  ): Promise<boolean | undefined> {
    const { fresh, replaced } = this.places.twins(path)
    const dest = below(this.places.dest, path)
    const at = joinPath(path, name)
    const isStaged = async (): Promise<boolean> => {
      const intent = this.intents.get(at)
      const [now] = await find(this.notAborted, [{ to: fresh, names: [name] }])
      return intent !== undefined && now !== undefined && judgeContent(intent, now) === 'ours'
    }
    const { removals } = this
    const mayGo = async (place: Place): Promise<boolean> => {
      if (removals?.isWhole(at) === true) return isAsSeen(this.notAborted, removals, at, place)
      return (await emptyOnes(this.notAborted, [place])).has(place)
    }
    const swap = { name, fresh, dest, replaced, isDirectory, mayGo, isStaged }
    let swapped: Swapped | undefined
    try {
      swapped = await swapIn(this.host, this.notAborted, swap)
    } finally {
      // Where nobody can say how far that came, undo is to look at it.
      if (swapped !== 'unsupported' && swapped !== 'again') this.note(path, name)
    }
    const place = below(replaced, name)
    if (swapped === Kind.Directory) {
      if (removals?.isWhole(at) === true) this.gone.push({ path: at, place })
      else this.emptied.push(place)
    }
    return swapped === 'unsupported' ? undefined : swapped !== 'again'
  }

  /**
   * FUSE remembers for a while that `name` led to what was just moved away under another spelling. The listing
   * tells that nothing is there, so nothing can be replaced.
   */
  private async isStale(path: string, name: string, old: string): Promise<boolean> {
    if (old === name) return false
    const place = below(this.places.dest, path)
    const { kinds } = await this.host.stat([{ to: place, names: [name] }])
    if (kinds[0] === Kind.Missing) return false
    const [listing] = await this.host.list([place])
    return listing?.errno === 0 && !listing.names.includes(name) && !listing.names.includes(old)
  }

  /** Puts what stands in dest into `replaced`; undefined if it is gone, or a directory by now. */
  private async save(
    path: string,
    name: string,
    move: boolean,
  ): Promise<'linked' | 'moved' | undefined> {
    const { replaced } = this.places.twins(path)
    const away = this.savingJobs(path, [name])
    if (!move) {
      const outcomes = await this.host.hardlink(away)
      const number = outcomes.errnos[0] ?? 0
      if (number === 0) return 'linked'
      if (number === errno.ENOENT) return undefined
      await this.attempt(away, () => Promise.resolve(outcomes), cannotLink)
    }
    const moved = await this.attempt(away, () => this.host.rename(away, false), collisions)
    if (!moved) return undefined
    const { kinds } = await this.notAborted.stat([{ to: replaced, names: [name] }])
    if (kinds[0] !== Kind.Directory) return 'moved'
    // Looked at again where nobody finds it by its path any more: somebody may have put something into it since.
    const place = below(replaced, name)
    const empty = await emptyOnes(this.notAborted, [place])
    if (empty.has(place)) {
      this.emptied.push(place)
      return 'moved'
    }
    if (await this.isWhole(joinPath(path, name), place)) return 'moved'
    await this.putBack(path, name, false)
    return undefined
  }

  /** What was saved but not replaced: gives it its only name again. */
  private async putBack(path: string, name: string, linked: boolean): Promise<void> {
    const { replaced } = this.places.twins(path)
    if (linked) {
      await this.unlinkSaved(path, [name])
      return
    }
    const back = [{ from: replaced, to: below(this.places.dest, path), names: [name] }]
    try {
      await this.attempt(back, () => this.notAborted.rename(back, false), new Set())
    } catch (error) {
      this.notRestored.push(error)
      throw error
    }
  }

  /** Throws where somebody has put something into a directory that gave way, or was removed, and lies in `replaced`. */
  async throwIfFilled(): Promise<void> {
    if (this.emptied.length > 0) await throwIfFilled(this.notAborted, this.emptied)
    for (const { path, place } of this.gone) {
      if (!(await this.isAsSeen(path, place))) throw filled(place)
    }
  }

  /**
   * Removes these directories once all is published. Returns those into which somebody, who may still be in one, has put
   * something since, or may have: they stay.
   */
  async removeMovedAside(): Promise<Place[]> {
    const stay: Place[] = []
    const { errnos } = await this.notAborted.rmdir(this.emptied.map(jobOf))
    for (const [index, place] of this.emptied.entries()) {
      const number = errnos[index] ?? 0
      if (number !== 0 && number !== errno.ENOENT) stay.push(place)
    }
    for (const { path, place } of this.gone) {
      if (!(await this.isRemoved(path, place))) stay.push(place)
    }
    return stay
  }

  private async isRemoved(path: string, place: Place): Promise<boolean> {
    if (!(await this.isAsSeen(path, place))) return false
    const { to, names } = jobOf(place)
    try {
      await removeTrees(this.notAborted, to, names)
      return true
    } catch (error) {
      // Some of it is gone, so that nobody can know any more whether the rest is what was seen.
      debug('removing %s: %s', pathOf(place), error)
      return false
    }
  }

  private async isAsSeen(path: string, place: Place): Promise<boolean> {
    const { removals } = this
    return removals === undefined || (await isAsSeen(this.notAborted, removals, path, place))
  }

  /** Takes everything back, the last first. Every failure is reported; none keeps the others from it. */
  async undo(): Promise<Undone> {
    const back = new TakeBack(this.notAborted, this.places)
    await back.run([{ time: this.time, entries: this.done }])
    const { left, failures, isKept } = back
    return { failures: [...this.notRestored, ...failures], left, isKept }
  }

  private record(
    entries: readonly Entries[],
    jobs: readonly PairJob[],
    outcomes: Outcomes,
  ): boolean[] {
    const results: boolean[] = []
    let failure: SystemError | undefined
    const paths = entries.flatMap(({ path, names }) => names.map(() => path))
    for (const { index, job, name } of eachName(jobs)) {
      const number = outcomes.errnos[index] ?? 0
      if (number === 0) this.note(paths[index] ?? '', name)
      else if (!collisions.has(number)) failure ??= this.error(job, name, number, outcomes, index)
      results.push(number === 0)
    }
    // Only now, so that what did succeed is known and can be taken back.
    if (failure !== undefined) throw failure
    return results
  }

  /** To be taken back, if it is there. */
  private note(path: string, name: string): void {
    const entry = this.intents.get(joinPath(path, name))
    if (entry !== undefined) this.done.push(entry)
  }

  /** Runs a job of one name: true if it succeeded, false for an allowed errno, else throws. */
  private async attempt(
    jobs: readonly PairJob[],
    run: () => Promise<Outcomes>,
    allowed: ReadonlySet<number>,
  ): Promise<boolean> {
    const outcomes = await run()
    const number = outcomes.errnos[0] ?? 0
    if (number === 0) return true
    if (allowed.has(number)) return false
    const [job] = jobs
    throw this.error(job as PairJob, job?.names[0] ?? '', number, outcomes, 0)
  }

  private error(job: PairJob, name: string, number: number, outcomes: Outcomes, index: number) {
    const hint = renameHint(number)
    const syscall = outcomes.syscall(index)
    return new SystemError(number, {
      ...{ syscall, path: pathOf(job.from, name), dest: pathOf(job.to, name), hint },
    })
  }

  /** From dest to where what it loses lies. */
  private savingJobs(path: string, names: readonly string[]): PairJob[] {
    const { replaced } = this.places.twins(path)
    return [{ from: below(this.places.dest, path), to: replaced, names }]
  }

  private publishing(entries: readonly Entries[]): PairJob[] {
    return entries.map(({ path, names }) => ({
      from: this.places.twins(path).fresh,
      to: below(this.places.dest, path),
      names,
    }))
  }
}

function jobOf(place: Place): NamesJob {
  const { directory, name } = entryOf(place)
  return { to: directory, names: [name] }
}
