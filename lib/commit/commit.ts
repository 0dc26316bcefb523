import { debug } from '../debug'
import { errno } from '../errno'
import { SystemError, throwAfter } from '../errors'
import {
  below,
  entryOf,
  joinPath,
  ownerAccess,
  type Directory,
  type Host,
  type Place,
} from '../host/host'
import { openReal } from '../host/open-real'
import { throwIfFailed } from '../host/trees'
import { namesOf, type PlanDirectory } from '../plan/plan'
import type { Survey } from '../plan/survey'
import { eachDirectory, isUnchanged } from '../plan/whole-directory'
import type { Target } from '../plan/target'
import type { Intent, MergeRecord, Restriction } from '../record'
import { foreignNames } from './foreign'
import { Journal } from './journal'
import { lockDirectory, type Lock, type LockOptions } from './lock'
import { publish } from './publish'
import { restrictionsOf, toRestrict } from './restrictions'

/** What was staged, and where what it replaces goes. */
interface StagedTree {
  /** Mirrors the nearest directory above dest that was there at the start, or dest itself. */
  readonly published: Place
  /** Mirrors dest. */
  readonly fresh: Place
  /** Mirrors dest. */
  readonly replaced: Place
  makeReplaced(path: string): Promise<void>
  /** From here to dest: '/'-joined names. */
  readonly prefix: string
  /** Keeps what this merge is about to do, in case it is killed. */
  write(record: MergeRecord): Promise<void>
  /** Keeps which directories of a dest that one rename makes are to get their own mode after it. */
  writeModes(restrictions: readonly Restriction[]): Promise<void>
  /** Has what others put into it kept. */
  keep(holding: MergeRecord['holding']): Promise<void>
  /** Has directories that gave way removed only as long as they are empty. */
  spare(emptied: readonly Place[]): void
  /** Nothing that was written counts any more: dest is as it is to be. */
  settle(): Promise<void>
  /** What was written counts again: what was done is about to be taken back. */
  reopen(): Promise<void>
}

export interface CommitContext {
  /** Starts nothing new after an abort. */
  readonly host: Host
  /** Goes on after an abort: to put things back. */
  readonly steady: Host
  readonly root: PlanDirectory
  readonly target: Target
  readonly lock: LockOptions | false
  /** Undoes merges that were killed; dest's lock is held. */
  readonly recover: () => Promise<void>
  /** What is published must survive a power cut. */
  readonly durable: boolean
  /** Looks at dest again; throws if it holds something in the way. */
  readonly survey: (dest: Directory) => Promise<Survey>
  /** Stages what the last survey found to be wanted besides; undefined if nothing ever was. */
  readonly stage: () => Promise<StagedTree | undefined>
  /** The lock is held, or none is taken. */
  readonly onLocked: () => void
}

export interface Committed {
  /** What dest held at last; undefined if dest was not there. */
  readonly survey: Survey | undefined
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

/** Publishes the staged tree: all of it, or nothing. */
export async function commit(context: CommitContext): Promise<Committed> {
  const commit = new Commit(context)
  try {
    return await commit.run()
  } catch (error) {
    const errors = await commit.undo()
    if (errors.length > 0) throw new UndoError(error, errors)
    throw error
  } finally {
    await commit.close()
  }
}

class Commit {
  /** How to take back what was done, in the order in which it was done; each answers its failures. */
  private readonly undos: (() => Promise<unknown[]>)[] = []
  private readonly opened: Directory[] = []
  private readonly journals: Journal[] = []
  /** Of all rounds. */
  private readonly intents: Intent[] = []
  private lock: Lock | undefined
  private staged: StagedTree | undefined

  constructor(private readonly context: CommitContext) {}

  async run(): Promise<Committed> {
    const committed = await this.publishAll()
    for (const journal of this.journals) this.staged?.spare(await journal.stillEmpty())
    // From now on a kill leaves dest as it is; before, it leads back to what dest was.
    await this.staged?.settle()
    if (this.context.durable) await this.sync()
    return committed
  }

  private async sync(): Promise<void> {
    const { host, target } = this.context
    const { errno: number, syscall } = await host.sync(target.nearest)
    if (number === 0) return
    const hint = "durability: 'full' cannot be had here"
    throw new SystemError(number, { syscall, path: target.nearest.path, hint })
  }

  /** Writes down what the next renames will do, and what the directories hold that they move. */
  private async intend(staged: StagedTree, some: readonly Intent[]): Promise<void> {
    if (some.length === 0) return
    const { prefix } = staged
    this.intents.push(...some.map((each) => ({ ...each, path: joinPath(prefix, each.path) })))
    await staged.write({ intents: this.intents, holding: this.holding(staged) })
    if (this.context.durable) await this.sync()
  }

  /** What the directories hold that are published with all that is in them. */
  private holding({ prefix }: StagedTree): MergeRecord['holding'] {
    const { missing } = this.context.target
    const between = missing
      .slice(1)
      .map((name, depth) => [missing.slice(0, depth + 1).join('/'), [name]] as const)
    const whole = [...wholeDirectories(this.context.root)].map(
      (each) => [joinPath(prefix, each.path), namesOf(each)] as const,
    )
    return [...between, ...whole]
  }

  private async publishAll(): Promise<Committed> {
    const { root, target } = this.context
    const dest = await this.publishWhole()
    if (dest === undefined) {
      this.context.onLocked()
      await this.restrict({ base: target.nearest, path: target.missing.join('/') })
      return { survey: undefined, locking: this.locking }
    }
    const locked = await this.lockDest(dest)
    if (this.context.lock !== false) await this.context.recover()
    this.context.onLocked()
    for (let round = 0; round < mostRounds; round++) {
      debug('publishing into %s, round %d', target.path, round + 1)
      const survey = await this.context.survey(locked)
      const staged = (this.staged = await this.context.stage())
      if (staged === undefined || (await this.publishInto(locked, root, staged))) {
        await this.restrict({ base: locked, path: '' })
        return { survey, locking: this.locking }
      }
    }
    const hint = 'Something else keeps changing dest while this merge writes to it'
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
    const restrictions = await restrictionsOf(this.context.host, root, staged)
    if (restrictions.length > 0) await staged.writeModes(restrictions)
    if (this.context.durable) await this.sync()
    await this.lockStaged(staged)
    for (const [depth, name] of target.missing.entries()) {
      const path = target.missing.slice(0, depth).join('/')
      const journal = this.journal(staged.published, staged.replaced, nearest)
      // No record of it: whoever is killed after this one rename leaves dest complete, but for modes.
      const entries = [{ path, names: [name] }]
      await journal.know(entries)
      const [done] = await journal.publish(entries)
      if (done === true) {
        debug('published %s by one rename', target.path)
        root.state = 'published'
        return undefined
      }
    }
    this.lock?.release()
    return this.keep(this.context.host.open(below(nearest, target.missing.join('/'))))
  }

  /**
   * Before anybody can find it: whoever does, once it is published, waits until it is sure to stay. What others had put
   * into it by then would go with it, should it be taken back.
   */
  private async lockStaged(staged: StagedTree): Promise<void> {
    const { host, lock } = this.context
    if (lock === false) return
    this.lock = await lockDirectory(host, await this.keep(host.open(staged.fresh)), lock)
  }

  private journal(fresh: Place, replaced: Place, dest: Place): Journal {
    const journal = new Journal(this.context.host, this.context.steady, { fresh, replaced, dest })
    this.journals.push(journal)
    this.undos.push(() => journal.undo())
    return journal
  }

  /** Open until the end. */
  private async keep(opening: Promise<Directory>): Promise<Directory> {
    const directory = await opening
    this.opened.push(directory)
    return directory
  }

  /** The lock on dest, which may have been replaced by another directory while we waited for it. */
  private async lockDest(dest: Directory): Promise<Directory> {
    const { host, lock, target } = this.context
    if (lock === false) return dest
    for (let directory = dest; ;) {
      this.lock = await lockDirectory(host, directory, lock)
      const now = await this.keep(openReal(host, target.path))
      if (now.identity === directory.identity) return directory
      this.lock.release()
      directory = now
    }
  }

  private async publishInto(
    dest: Directory,
    root: PlanDirectory,
    staged: StagedTree,
  ): Promise<boolean> {
    const journal = this.journal(staged.fresh, staged.replaced, { base: dest, path: '' })
    const makeReplaced = (path: string): Promise<void> => staged.makeReplaced(path)
    const intend = (some: readonly Intent[]): Promise<void> => this.intend(staged, some)
    return publish(root, { intend, journal, makeReplaced })
  }

  /** Directories get their own mode last: one that is not writable could not have been moved. */
  private async restrict(dest: Place): Promise<void> {
    for (const { path, mode } of toRestrict(this.context.root)) {
      await chmod(this.context.host, below(dest, path), mode)
      this.undos.push(() =>
        chmod(this.context.steady, below(dest, path), mode | ownerAccess).then(
          () => [],
          (error: unknown) => [error],
        ),
      )
    }
  }

  async undo(): Promise<unknown[]> {
    const errors: unknown[] = []
    // First, since whoever is killed while it takes things back needs the records.
    await this.staged?.reopen().catch((error: unknown) => errors.push(error))
    for (const undo of this.undos.reverse()) errors.push(...(await undo()))
    if (errors.length === 0 && this.staged !== undefined) {
      await this.keepForeign(this.staged).catch((error: unknown) => errors.push(error))
    }
    return errors
  }

  /** Throws where others have something in what was taken back, after it has seen to it that it stays. */
  private async keepForeign(staged: StagedTree): Promise<void> {
    const holding = this.holding(staged)
    try {
      await foreignNames(this.context.steady, staged.published, holding)
    } catch (error) {
      await throwAfter(error, () => staged.keep(holding))
    }
  }

  async close(): Promise<void> {
    this.lock?.release()
    for (const directory of this.opened) await this.context.steady.close(directory)
  }
}

async function chmod(host: Host, place: Place, mode: number): Promise<void> {
  const { directory, name } = entryOf(place)
  const jobs = [{ to: directory, names: [name], modes: Uint32Array.of(mode) }]
  throwIfFailed(jobs, await host.chmod(jobs))
}

/** Those that are published with all that is in them. */
function* wholeDirectories(directory: PlanDirectory): Generator<PlanDirectory> {
  if (directory.state === 'keep' || isUnchanged(directory)) return
  if (directory.state !== 'exists') {
    yield* eachDirectory(directory)
    return
  }
  for (const child of directory.directories.values()) yield* wholeDirectories(child)
}
