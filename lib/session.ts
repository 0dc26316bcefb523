import { getMaxListeners, setMaxListeners } from 'node:events'
import { UndoError } from './commit/commit'
import { debug } from './debug'
import { errnoOf, ofTheMachine } from './errno'
import { firstOf, invalidArgument, invalidState, throwAfter } from './errors'
import { Equality, type Host } from './host/host'
import { Merging } from './merging'
import { readPath, readRank, readSource } from './options'
import type { Compare } from './plan/compare'
import { undecided } from './plan/policy'
import type { NameGroup } from './plan/spelling'
import { unite, type NameOracle } from './plan/union'
import { look, needsSizes, openRecovered, prepare, scanSources, type Context } from './planning'
import type { SourceTree } from './scan/tree'
import type { Site } from './site'
import type { EarlyTree } from './stage/adopt'
import type { StageTarget } from './stage/staging'
import type { MergeOptions, MergeResult, MergeSession, Source } from './types'

/** Where a source stands among the others. */
interface Standing {
  readonly rank: number
  readonly name: string
}

/** A source that could not be read. */
interface Failure extends Standing {
  readonly error: unknown
}

/** A source that is in the session. */
interface Added extends Standing {
  readonly tree: SourceTree
  /** Undefined where it was not staged alone. */
  readonly early: EarlyTree | undefined
}

// What looks like dest's own is left alone until all sources are known: no byte is read twice.
const takenForSame: Compare = (jobs) => {
  const pairs = jobs.reduce((sum, { names }) => sum + names.length, 0)
  return Promise.resolve(new Uint8Array(pairs).fill(Equality.SameBytes))
}

/**
 * A merge from its first source to its end. Sources that come one by one are staged alone, each in a tree of
 * its own, while others are still to come; commit() unites all of them in the order of their ranks, moves what
 * it can use of those trees into the staged union, stages the rest, and publishes it.
 */
export class Session implements MergeSession {
  private readonly added: Added[] = []
  private readonly names = new Set<string>()
  private readonly running = new Set<Promise<void>>()
  private readonly merging: Merging
  private nextRank = 0
  private readonly failures: Failure[] = []
  private ending: Promise<unknown> | undefined

  private readonly onAbort = (): void => {
    this.stop.abort(this.caller?.reason)
    // Nobody may ever ask again, and nothing is to stay behind.
    void this.end().catch(() => undefined)
  }

  /** `stop`: ends what runs in `context`. `caller`: the caller's own signal. */
  private constructor(
    private readonly context: Context,
    private readonly site: Site,
    private readonly stop: AbortController,
    private readonly caller: AbortSignal | undefined,
  ) {
    this.merging = new Merging(context, site)
    this.listen()
  }

  static async open(
    system: Host,
    dest: string,
    options: MergeOptions | undefined,
  ): Promise<Session> {
    const stop = new AbortController()
    const context = prepare(system, options, stop.signal)
    const path = readPath('dest', dest)
    const caller = options?.signal
    caller?.throwIfAborted()
    const site = await openRecovered(context, path, caller)
    const session = new Session(context, site, stop, caller)
    if (caller?.aborted === true) session.onAbort()
    return session
  }

  private listen(): void {
    if (this.caller === undefined) return
    // One signal may end many sessions; that is no leak for Node to warn of.
    allowListeners(this.caller, 1)
    this.caller.addEventListener('abort', this.onAbort)
  }

  private unlisten(): void {
    if (this.caller === undefined) return
    this.caller.removeEventListener('abort', this.onAbort)
    allowListeners(this.caller, -1)
  }

  add(source: Source, at?: { rank?: number }): Promise<void> {
    try {
      const work = this.begin(source, at)
      // A failure is commit()'s too, so nobody has to wait for each source.
      work.catch(() => undefined)
      return work
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort's reason may be anything
      const failed = Promise.reject(error)
      // Nor has anybody to wait for one that comes after the end.
      if (this.stop.signal.aborted) failed.catch(() => undefined)
      return failed
    }
  }

  /** Throws where the arguments are bad: those are nobody's but the caller's. */
  private begin(source: Source, at: { rank?: number } | undefined): Promise<void> {
    const rank = readRank(at)
    const read = readSource(source, 'source')
    this.throwIfEnded()
    if (this.names.has(read.name)) {
      throw invalidArgument('VALUE', `source.name "${read.name}" is not unique`)
    }
    const { name } = read
    this.names.add(name)
    const standing = { rank: rank ?? this.nextRank++, name }
    return this.track(standing, this.addOne(read, standing))
  }

  async commit(): Promise<MergeResult> {
    // Like any rejection, only once nothing runs any more.
    const { signal } = this.stop
    if (signal.aborted) await throwAfter(signal.reason, () => this.end())
    this.throwIfEnded()
    const result = this.finish()
    this.ending = result.catch(() => undefined)
    return result
  }

  /** All sources at once: what is wrong with any of them is told together, and nothing is staged twice. */
  async merge(sources: readonly Source[]): Promise<MergeResult> {
    void this.track({ rank: 0, name: '' }, this.addAll(sources)).catch(() => undefined)
    return this.commit()
  }

  async abort(): Promise<void> {
    this.stop.abort(new DOMException('The merge was given up', 'AbortError'))
    await this.end()
  }

  private throwIfEnded(): void {
    this.stop.signal.throwIfAborted()
    if (this.ending !== undefined) throw invalidState('The merge session has ended')
  }

  /** Waits for what runs, and leaves nothing behind. A commit does so itself. */
  private async end(): Promise<void> {
    this.ending ??= this.giveUp()
    await this.ending
  }

  private async giveUp(): Promise<void> {
    try {
      await this.settle()
      await this.site.sweep()
    } finally {
      await this.close()
    }
  }

  private async close(): Promise<void> {
    this.unlisten()
    await this.site.close()
  }

  private async settle(): Promise<void> {
    await Promise.allSettled(this.running)
  }

  /** Work that commit() waits for, and fails with. */
  private async track(standing: Standing, work: Promise<void>): Promise<void> {
    const noted = work.catch((error: unknown) => {
      this.failures.push({ ...standing, error })
    })
    this.running.add(noted)
    await noted
    this.running.delete(noted)
    return work
  }

  private async addAll(sources: readonly Source[]): Promise<void> {
    const { progress, watch } = this.context
    progress.enter('scan')
    const sized = needsSizes(this.context)
    const trees = await scanSources(this.context, this.site, sources, sized)
    const { added } = this
    added.push(...trees.map((tree, rank) => ({ rank, name: tree.name, tree, early: undefined })))
    watch.lap('scan')
  }

  /** Reads a source and stages it alone. */
  private async addOne(source: Source, standing: Standing): Promise<void> {
    const [tree] = await scanSources(this.context, this.site, [source], true)
    if (tree === undefined) return
    this.added.push({ ...standing, tree, early: await this.stageEarly(tree) })
  }

  /** A file that cannot be placed may not be wanted in the end; if it is, it fails then, as in merge(). */
  private async stageEarly(tree: SourceTree): Promise<EarlyTree | undefined> {
    try {
      return await this.stageAlone(tree)
    } catch (error) {
      if (this.stop.signal.aborted || ofTheMachine.has(errnoOf(error))) throw error
      return undefined
    }
  }

  private async stageAlone(tree: SourceTree): Promise<EarlyTree | undefined> {
    const { context, site } = this
    const doubts: NameGroup[] = []
    const sameEntries: NameOracle = (groups) => {
      doubts.push(...groups)
      return Promise.resolve(groups.map(() => []))
    }
    const { learnSizes } = context
    const rules = { policy: undecided, compare: takenForSame, learnSizes, sameEntries }
    const union = await unite([tree], rules)
    // Names that may be one entry to dest: who gets it is decided later, with all other conflicts.
    if (doubts.length > 0) return undefined
    const { root } = union
    if (site.dest === undefined) root.state = 'exists'
    else await look({ ...context, compare: takenForSame, match: undefined }, site, union, site.dest)
    let target: StageTarget | undefined
    await this.merging.build(union, new Map(), async () => {
      const staging = await site.staging()
      return (target = { fresh: await staging.makeRoom(), scratch: staging.scratch })
    })
    return target && { root, place: target.fresh }
  }

  private async finish(): Promise<MergeResult> {
    let result: MergeResult | undefined
    try {
      await this.settle()
      // What came one by one was read and staged by now.
      this.context.watch.lap('stage')
      this.throwFailures()
      const { trees, early } = this.inOrder()
      result = await this.merging.carryOut(trees, early)
      return result
    } catch (error) {
      if (!(error instanceof UndoError)) return await throwAfter(error, () => this.site.sweep())
      // What could not be put back lies in the staging directory.
      await this.site.abandon()
      throw firstOf([error.cause, ...error.errors])
    } finally {
      // dest is complete: what cannot be closed fails nothing any more.
      if (result === undefined) await this.close()
      else {
        await this.close().catch((error: unknown) => {
          debug('closing: %s', error)
        })
      }
    }
  }

  /** All of them in the order of the sources, whichever came first. */
  private throwFailures(): void {
    if (this.failures.length === 0) return
    throw firstOf(this.failures.sort(byStanding).map(({ error }) => error))
  }

  /** By rank, and by name where that is the same: never by the time of arrival. */
  private inOrder(): { trees: SourceTree[]; early: Map<number, EarlyTree> } {
    const sorted = this.added.sort(byStanding)
    const early = new Map<number, EarlyTree>()
    const trees = sorted.map((each, source) => {
      if (each.early !== undefined) early.set(source, each.early)
      return { ...each.tree, source }
    })
    return { trees, early }
  }
}

/** By rank, and by name where that is the same. */
function byStanding(a: Standing, b: Standing): number {
  return a.rank - b.rank || (a.name < b.name ? -1 : 1)
}

/** Where any number is allowed, there is nothing to do. */
function allowListeners(signal: AbortSignal, more: number): void {
  const most = mostListeners(signal)
  if (most > 0) setMaxListeners(most + more, signal)
}

/** 0 stands for any number; asked about a signal that has it, Node 20 throws. */
function mostListeners(signal: AbortSignal): number {
  try {
    return getMaxListeners(signal)
  } catch {
    return 0
  }
}
