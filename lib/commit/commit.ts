import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { debug } from '../debug'
import { errno } from '../errno'
import { firstOf, SystemError } from '../errors'
import {
  below,
  entryOf,
  joinPath,
  pathOf,
  splitPath,
  type Directory,
  type Host,
  type NamesJob,
  type Place,
} from '../host/host'
import { openReal } from '../host/open-real'
import { throwIfFailed } from '../host/trees'
import { emptyPlan, type PlanDirectory } from '../plan/plan'
import { absentDirectories } from '../plan/recorded-directories'
import type { Removals } from '../plan/removals'
import type { DestDiff } from '../plan/diff'
import type { Taken } from '../plan/taken'
import type { Target } from '../plan/target'
import type { OwnDirectory, OwnEntry, Restriction, Round } from '../records'
import { Journal } from './journal'
import type { Left } from './left'
import { lockDirectory, type Lock, type LockOptions } from './lock'
import { ownDirectories, type PlaceOf, type Whole } from './own'
import { publish, type Intended } from './publish'
import { restrictionsOf, toRestrict } from './restrictions'
import { find, identify } from './standing'
import type { MergePlaces } from './take-back'

/** What was staged, and where what it replaces goes. */
interface StagedTree {
  /** Mirrors the nearest directory above dest that was there at the start, or dest itself. */
  readonly published: Place
  /** Mirrors dest. */
  readonly fresh: Place
  /** Where what is staged for a directory of dest lies, and what it lost. */
  readonly twins: MergePlaces['twins']
  /** A directory for what is taken back from a directory of dest. */
  readonly taken: MergePlaces['taken']
  makeReplaced(path: string): Promise<void>
  /** From the directory that `published` mirrors to dest: '/'-joined names. */
  readonly prefix: string
  /** Staging directories of this merge inside directories of dest; they may lie on other file systems. */
  readonly nestedPlaces: readonly Place[]
  /** ns, by dest's file system: see `Round.time`. */
  fence(): Promise<bigint>
  /** Keeps what this merge is about to do, in case it is killed. `sync` is called before the record counts. */
  write(round: Round, sync: () => Promise<void>): Promise<void>
  /** From now on everybody sees that dest is being changed. False where another merge is at it already. */
  begin(dest: Directory): Promise<void>
  /** Nothing that was written counts any more: dest is as it is to be, or as it was. */
  settle(): Promise<void>
  /** The same when dest has been put back, also after an abort. */
  withdraw(): Promise<void>
  /** What was written counts again: what was done is about to be taken back. */
  reopen(dest: Directory): Promise<void>
  /** What could not be put back stays in it. */
  keep(): Promise<void>
  /** Keeps which directories of a dest that one rename makes are to get their own mode after it. */
  writeModes(restrictions: readonly Restriction[]): Promise<void>
  /** Removes the staging directories inside directories of dest, and what they hold. */
  removeNested(): Promise<void>
  /** Directories of dest that were moved aside, into which somebody has put something since, stay in it. */
  keepFilled(places: readonly Place[]): Promise<void>
}

export interface CommitContext {
  /** Starts nothing new after an abort. */
  readonly host: Host
  /** Goes on after an abort: to put things back. */
  readonly notAborted: Host
  readonly root: PlanDirectory
  readonly target: Target
  readonly lock: LockOptions | false
  /** Undoes merges that were killed, and waits for those that are changing dest; dest's lock is held, unless none is taken. */
  readonly recover: () => Promise<void>
  /** Is a merge, other than that of this staging directory, changing dest, or was killed while it did? */
  readonly isBusy: () => Promise<boolean>
  /** What is published must survive a power cut. */
  readonly durable: boolean
  /** Looks at dest again; throws if it holds something in the way. */
  readonly diffDest: (dest: Directory) => Promise<DestDiff>
  /** Stages what else the last diff found to be wanted; undefined if nothing ever was. */
  readonly stage: () => Promise<StagedTree | undefined>
  /**
   * Writes the manifest of what stands in dest by now into the staging directory, and returns where it goes: below dest.
   * `dest`: undefined where one rename is about to make it. Undefined where no manifest is kept, or it stays as it is.
   */
  readonly stageManifest: (
    staged: StagedTree,
    dest: Place | undefined,
  ) => Promise<{ readonly path: string; readonly name: string } | undefined>
  /** Takes note of what is taken out of dest; undefined without a manifest. */
  readonly taken: Taken | undefined
  /** The lock is held, or none is taken. */
  readonly onLocked: () => void
  /** Everything is published, and can still be taken back: whatever may fail is done now. */
  readonly conclude: (committed: Committed) => void
}

export interface Committed {
  /** What dest held at last; undefined if dest was not there. */
  readonly diffDest: DestDiff | undefined
  readonly locking: 'exclusive' | 'degraded' | 'none'
}

/** dest could not be put back as it was: what it lost lies in the staging directory. */
export class UndoError extends Error {
  constructor(
    override readonly cause: unknown,
    readonly errors: readonly unknown[],
  ) {
    super('dest could not be put back as it was')
  }
}

// Each round something that does not ask for the lock got in the way.
const mostRounds = 100
// ms
const longestPause = 20

const unknown = { ino: 0n, birth: 0n, handle: 0n }

/** Publishes the staged tree: all of it, or nothing. */
export async function commit(context: CommitContext): Promise<Committed> {
  const commit = new Commit(context)
  let committed: Committed
  try {
    committed = await commit.run()
  } catch (error) {
    try {
      const { failures, left } = await commit.undo()
      if (failures.length > 0) throw new UndoError(error, [...failures, ...left])
      await commit.clear()
      throw firstOf([error, ...left])
    } finally {
      await commit.close()
    }
  }
  // Nothing may fail any more.
  await commit.removeMovedAside()
  await commit.clear()
  await commit.close()
  return committed
}

class Commit {
  /** In the order in which they published something. */
  private readonly journals: Journal[] = []
  private readonly opened: Directory[] = []
  private lock: Lock | undefined
  private staged: StagedTree | undefined
  /** dest, once everybody sees that it is being changed. */
  private begun: Directory | undefined

  constructor(private readonly context: CommitContext) {}

  async run(): Promise<Committed> {
    const committed = await this.publishAll()
    for (const journal of this.journals) await journal.throwIfFilled()
    this.context.conclude(committed)
    // From now on a kill leaves dest as it is; before, it leads back to what dest was.
    if (this.begun !== undefined) await this.staged?.settle()
    // Until this is done a power cut may lead back to what dest was. So where it fails the merge does, and takes all back.
    await this.sync()
    return committed
  }

  /** All that was written so far survives a power cut, where that was asked for. */
  private async sync(): Promise<void> {
    const { host, target, durable } = this.context
    if (!durable) return
    await this.syncOne(target.nearest)
    for (const place of this.staged?.nestedPlaces ?? []) {
      const other = await host.open(place)
      await this.syncOne(other).finally(() => host.close(other))
    }
  }

  private async syncOne(directory: Directory): Promise<void> {
    const { errno: number, syscall } = await this.context.host.sync(directory)
    if (number === 0) return
    const hint = "`durability: 'full'` is not possible there"
    throw new SystemError(number, { syscall, path: directory.path, hint })
  }

  /**
   * Writes down what the next renames will do, and lets everybody see it; false where another merge has done so too, by
   * which time nothing is published.
   */
  private async intend(
    staged: StagedTree,
    dest: Directory,
    journal: Journal,
    intended: readonly Intended[],
  ): Promise<boolean> {
    if (intended.length === 0) return true
    const round = await this.roundOf(staged, { base: dest, path: '' }, intended)
    journal.expect(round)
    // A power cut may keep the name of a record, and lose what is in it.
    await staged.write(round, () => this.sync())
    const isFirst = this.begun === undefined
    if (isFirst) await staged.begin(dest)
    this.begun = dest
    // Anyone who begins after this one sees it, and steps back.
    if (isFirst && (await this.context.isBusy())) {
      await staged.withdraw()
      this.begun = undefined
      return false
    }
    // What is published next may be on disk earlier: nested staging directories may lie on other file systems, and anyone who
    // has a file synced that was published has its new name on disk.
    await this.sync()
    return true
  }

  /** What is about to be published, so that it is known again. */
  private async roundOf(
    staged: StagedTree,
    dest: Place,
    intended: readonly Intended[],
  ): Promise<Round> {
    const { host } = this.context
    const fresh: PlaceOf = (path) => staged.twins(path).fresh
    const isPublished = ({ isRemoval }: Intended): boolean => !isRemoval
    const found = await identify(
      host,
      jobsOf(fresh, intended.filter(isPublished), ({ name }) => name),
    )
    const fresher = found.values()
    const old = await find(
      host,
      jobsOf(
        (path) => below(dest, path),
        intended,
        ({ replaced }) => replaced,
      ),
    )
    const before = old.values()
    const time = await staged.fence()
    const wholes: Whole[] = []
    for (const { whole, path, name } of intended) {
      if (whole !== undefined) wholes.push({ plan: whole, path: joinPath(path, name) })
    }
    const owns = (await ownDirectories(host, fresh, wholes, time === 0n)).values()
    const entries = intended.map(({ path, name, whole, replaced, isRemoval }): OwnEntry => {
      const staged = isRemoval ? undefined : fresher.next().value
      const known = staged ?? { ...unknown, size: 0, mtime: 0n }
      const isDirectory = whole !== undefined
      return {
        ...{ path, name, ...known, isDirectory, isRemoval },
        own: isDirectory ? owns.next().value : undefined,
        replaced:
          replaced === undefined
            ? undefined
            : { name: replaced, identity: before.next().value ?? unknown },
      }
    })
    return { time, entries }
  }

  private async publishAll(): Promise<Committed> {
    const { target } = this.context
    const dest = await this.publishWhole()
    if (dest === undefined) {
      this.context.onLocked()
      await this.restrict({ base: target.nearest, path: target.missing.join('/') })
      return { diffDest: undefined, locking: this.locking }
    }
    const locked = await this.lockDest(dest)
    for (let round = 0; round < mostRounds;) {
      await this.context.recover()
      if (round === 0) this.context.onLocked()
      debug('publishing into %s, round %d', target.path, round + 1)
      const diffDest = await this.context.diffDest(locked)
      const staged = (this.staged = await this.context.stage())
      const outcome =
        staged === undefined ? 'done' : await this.publishAllInto(locked, staged, diffDest)
      if (outcome === 'done') {
        await this.restrict({ base: locked, path: '' })
        return { diffDest, locking: this.locking }
      }
      if (outcome === 'again') round++
      // Of two that see each other both have stepped back.
      else await sleep(randomInt(longestPause))
    }
    const hint = 'Something else keeps changing dest while this merge is writing to it'
    throw new SystemError(errno.EBUSY, { syscall: 'rename', path: target.path, hint })
  }

  private get locking(): Committed['locking'] {
    return this.lock?.locking ?? 'none'
  }

  /**
   * Where dest is missing: one rename of the highest staged directory that is missing too. Somebody may
   * have made it meanwhile, then the next one below is tried; answers dest once it turns out to be there.
   */
  private async publishWhole(): Promise<Directory | undefined> {
    const { root, target } = this.context
    const nearest: Place = { base: target.nearest, path: '' }
    if (target.missing.length === 0) return target.nearest
    const staged = (this.staged = await this.context.stage())
    if (staged === undefined) return target.nearest
    await this.context.stageManifest(staged, undefined)
    const restrictions = await restrictionsOf(this.context.host, root, staged)
    if (restrictions.length > 0) await staged.writeModes(restrictions)
    await this.sync()
    await this.lockStaged(staged)
    const time = await staged.fence()
    const { missing } = target
    // What lies in it is known by its times alone, unless something is likely to fail later.
    const isLooked = restrictions.length > 0 || this.context.durable || time === 0n
    const wholes = [{ plan: root, path: missing.join('/') }]
    const published: PlaceOf = (path) => below(staged.published, path)
    const [own] = isLooked
      ? await ownDirectories(this.context.host, published, wholes, time === 0n)
      : []
    for (const [depth, name] of missing.entries()) {
      const path = missing.slice(0, depth).join('/')
      const journal = this.journal({
        dest: nearest,
        twins: (at) => ({
          fresh: below(staged.published, at),
          replaced: staged.twins(at).replaced,
        }),
        taken: (at) => staged.taken(at),
      })
      // No record of it: anyone who is killed after this one rename leaves dest complete, but for modes.
      journal.expect({ time, entries: [await this.wholeEntry(staged, path, name, own)] })
      const [done] = await journal.publish([{ path, names: [name] }])
      if (done === true) {
        debug('published %s by one rename', target.path)
        root.state = 'published'
        return undefined
      }
    }
    this.lock?.release()
    return this.keep(this.context.host.open(below(nearest, target.missing.join('/'))))
  }

  /** The highest directory that is missing: it holds the next one, and so on down to dest. */
  private async wholeEntry(
    staged: StagedTree,
    path: string,
    name: string,
    inDest: OwnDirectory | undefined,
  ): Promise<OwnEntry> {
    const { host, target } = this.context
    const names = target.missing.slice(path === '' ? 0 : path.split('/').length)
    const jobs = names.map((_, depth) => {
      const { directory, name: last } = entryOf(
        below(staged.published, joinPath(path, names.slice(0, depth + 1).join('/'))),
      )
      return { to: directory, names: [last] }
    })
    const found = await identify(host, jobs)
    let own: OwnDirectory | undefined = inDest && { ...inDest, identity: found.at(-1) ?? unknown }
    for (let depth = names.length - 2; own !== undefined && depth >= 0; depth--) {
      const directories = new Map([[names[depth + 1] ?? '', own]])
      own = { identity: found[depth] ?? unknown, directories, files: undefined }
    }
    const [known = unknown] = found
    const entry = { path, name, ...known, isDirectory: true, size: 0, mtime: 0n }
    return { ...entry, own, replaced: undefined, isRemoval: false }
  }

  /**
   * Before anybody can find it: anyone who does, once it is published, waits until it is sure to stay. What others had put
   * into it by then would go with it, should it be taken back.
   */
  private async lockStaged(staged: StagedTree): Promise<void> {
    const { host, lock } = this.context
    if (lock === false) return
    this.lock = await lockDirectory(host, await this.keep(host.open(staged.fresh)), lock)
  }

  private journal(places: MergePlaces, removals?: Removals): Journal {
    const journal = new Journal(this.context.host, this.context.notAborted, places, removals)
    this.journals.push(journal)
    return journal
  }

  /** Open until the end. */
  private async keep(opening: Promise<Directory>): Promise<Directory> {
    const directory = await opening
    this.opened.push(directory)
    return directory
  }

  /**
   * The lock on dest, which may have been replaced by another directory while we waited for it. It hangs on a descriptor of
   * its own, so that it is free for the next as soon as that is closed, while this merge still sweeps.
   */
  private async lockDest(dest: Directory): Promise<Directory> {
    const { host, lock, target } = this.context
    if (lock === false) return dest
    for (let directory = await this.keep(openReal(host, target.path)); ;) {
      this.lock = await lockDirectory(host, directory, lock)
      const now = await this.keep(openReal(host, target.path))
      if (now.identity === directory.identity) return directory
      this.lock.release()
      directory = now
    }
  }

  private async publishAllInto(
    dest: Directory,
    staged: StagedTree,
    diffDest: DestDiff,
  ): ReturnType<typeof publish> {
    const outcome = await this.publishInto(dest, staged, diffDest)
    return outcome === 'done' ? this.publishManifest(dest, staged) : outcome
  }

  private async publishInto(
    dest: Directory,
    staged: StagedTree,
    { removals }: DestDiff,
  ): ReturnType<typeof publish> {
    const journal = this.journalInto(dest, staged, removals)
    return publish(this.context.root, {
      journal,
      makeReplaced: (path) => staged.makeReplaced(path),
      intend: (intended) => this.intend(staged, dest, journal, intended),
      removals,
      taken: this.context.taken,
    })
  }

  /** Last, since it tells of all that was published. */
  private async publishManifest(dest: Directory, staged: StagedTree): ReturnType<typeof publish> {
    const entry = await this.context.stageManifest(staged, { base: dest, path: '' })
    if (entry === undefined) return 'done'
    const { path, name } = entry
    const place = await this.missingAbove(dest, path)
    if (place !== undefined) return this.publishDirectories(dest, staged, place)
    const [old] = await find(this.context.host, [
      { to: below({ base: dest, path: '' }, path), names: [name] },
    ])
    const journal = this.journalInto(dest, staged)
    const replaced = old === undefined ? undefined : name
    const intended = { path, name, whole: undefined, replaced, isRemoval: false }
    if (!(await this.intend(staged, dest, journal, [intended]))) return 'withdrawn'
    const entries = { path, names: [name] }
    if (replaced === undefined) {
      const [isDone] = await journal.publish([entries])
      return isDone === true ? 'done' : 'again'
    }
    await staged.makeReplaced(path)
    const [isDone] = await journal.replace(entries, false, new Map())
    return isDone === true ? 'done' : 'again'
  }

  /** The topmost directory above a manifest that dest lacks; undefined where it has all of them. */
  private async missingAbove(
    dest: Directory,
    path: string,
  ): Promise<{ readonly parent: string; readonly names: readonly string[] } | undefined> {
    if (path === '') return undefined
    const absent = await absentDirectories(this.context.host, { base: dest, path: '' }, [path])
    const names = path.split('/')
    for (let depth = 1; depth <= names.length; depth++) {
      const at = names.slice(0, depth).join('/')
      const absence = absent.get(at)
      if (absence === undefined) continue
      if (absence === 'missing') {
        return { parent: names.slice(0, depth - 1).join('/'), names: names.slice(depth - 1) }
      }
      const hint = 'A directory of the manifest is wanted there'
      const shown = pathOf({ base: dest, path: at })
      throw new SystemError(errno.ENOTDIR, { syscall: 'rename', path: shown, hint })
    }
    return undefined
  }

  /** A manifest with directories that lead to it. */
  private async publishDirectories(
    dest: Directory,
    staged: StagedTree,
    { parent, names }: { readonly parent: string; readonly names: readonly string[] },
  ): ReturnType<typeof publish> {
    const [name = ''] = names
    const journal = this.journalInto(dest, staged)
    const whole = chainOf(joinPath(parent, name), names.slice(1))
    const intended = { path: parent, name, whole, replaced: undefined, isRemoval: false }
    if (!(await this.intend(staged, dest, journal, [intended]))) return 'withdrawn'
    const [isDone] = await journal.publish([{ path: parent, names: [name] }])
    return isDone === true ? 'done' : 'again'
  }

  private journalInto(dest: Directory, staged: StagedTree, removals?: Removals): Journal {
    return this.journal(
      {
        dest: { base: dest, path: '' },
        twins: (path) => staged.twins(path),
        taken: (path) => staged.taken(path),
      },
      removals,
    )
  }

  /** Directories get their own mode last: one that is not writable could not have been moved. */
  private async restrict(dest: Place): Promise<void> {
    for (const { path, mode } of toRestrict(this.context.root)) {
      await chmod(this.context.host, below(dest, path), mode)
    }
  }

  /** Never throws. */
  async undo(): Promise<{ failures: unknown[]; left: Error[] }> {
    const failures: unknown[] = []
    const left: Left[] = []
    const kept: Left[] = []
    const attempt = async (work: () => Promise<void> | undefined): Promise<void> => {
      await Promise.resolve()
        .then(work)
        .catch((error: unknown) => failures.push(error))
    }
    // First, since anyone who is killed while it takes things back needs the records.
    const { begun } = this
    if (begun !== undefined) await attempt(() => this.staged?.reopen(begun))
    for (const journal of this.journals.reverse()) {
      await attempt(async () => {
        const undone = await journal.undo()
        for (const failure of undone.failures) failures.push(failure)
        for (const each of undone.left) left.push(each)
        if (undone.isKept) for (const each of undone.left) kept.push(each)
      })
    }
    if (failures.length === 0 && kept.length > 0) await attempt(() => this.staged?.keep())
    else if (failures.length === 0) await attempt(() => this.staged?.withdraw())
    return { failures, left: left.map(({ error }) => error) }
  }

  /** What directories of dest that were moved aside hold by now may be of others. Never throws. */
  async removeMovedAside(): Promise<void> {
    for (const journal of this.journals) {
      await journal
        .removeMovedAside()
        .then((filled) => this.staged?.keepFilled(filled))
        .catch((error: unknown) => {
          debug('removing what was moved aside: %s', error)
        })
    }
  }

  /**
   * Directories of dest hold nothing of this merge any more when the next one has the lock: it may take them out. Never
   * throws: anyone who sweeps tries again.
   */
  async clear(): Promise<void> {
    await this.staged?.removeNested().catch((error: unknown) => {
      debug('clearing: %s', error)
    })
  }

  /** Never throws. */
  async close(): Promise<void> {
    // Anyone who is next in this process's queue must not find the lock taken, and have to poll.
    for (const directory of this.opened) {
      await this.context.notAborted.close(directory).catch((error: unknown) => {
        debug('closing %s: %s', directory.path, error)
      })
    }
    this.lock?.release()
  }
}

/** Directories that hold one another. */
function chainOf(path: string, [name, ...others]: readonly string[]): PlanDirectory {
  const directory = { ...emptyPlan(), path, name: splitPath(path).name }
  if (name !== undefined) directory.directories.set(name, chainOf(joinPath(path, name), others))
  return directory
}

/** One job for neighbours in one directory. */
function jobsOf(
  placeOf: PlaceOf,
  intended: readonly Intended[],
  nameOf: (each: Intended) => string | undefined,
): NamesJob[] {
  const jobs: { path: string; to: Place; names: string[] }[] = []
  for (const each of intended) {
    const name = nameOf(each)
    if (name === undefined) continue
    const last = jobs.at(-1)
    if (last?.path === each.path) last.names.push(name)
    else jobs.push({ path: each.path, to: placeOf(each.path), names: [name] })
  }
  return jobs
}

async function chmod(host: Host, place: Place, mode: number): Promise<void> {
  const { directory, name } = entryOf(place)
  const jobs = [{ to: directory, names: [name], modes: Uint32Array.of(mode) }]
  throwIfFailed(jobs, await host.chmod(jobs))
}
