import { inspect } from 'node:util'
import { UndoError } from './commit/commit'
import { debug } from './debug'
import { EarlySources, type Arrived } from './early'
import { firstOf, invalidArgument, invalidState, throwAfter } from './errors'
import type { Host } from './host/host'
import { Merging } from './merging'
import { readPath, readRank, readSource } from './options'
import {
  needsSizes,
  openRecovered,
  prepare,
  scanChanged,
  scanSources,
  withFiles,
  type Context,
  type Recalled,
} from './planning'
import type { SourceTree } from './scan/tree'
import { listenForAbort, throwIfAborted } from './signal'
import type { Site } from './site'
import type { EarlyTree } from './stage/adopt'
import type { GivenSource } from './scan/given'
import type { MergeOptions, MergeResult, MergeSession, Source } from './types'

/** A source that was added, and not dropped. */
interface Member {
  readonly rank: number
  readonly name: string
  /** Undefined while it is being added. */
  outcome: Added | Failed | undefined
  /** Nothing more is to be done for it. */
  isDropped: boolean
  /** Settled once nothing runs for it; never rejects. */
  ended: Promise<unknown>
}

/** Only `tree` of what commit() gets all at once. */
type Added = Pick<Arrived, 'tree'> & Partial<Arrived>

interface Failed {
  readonly error: unknown
}

/** Waits for the sources. `recalled`: undefined where all of them are to be planned. */
type Gather = (recalled: Recalled | undefined) => Promise<void>

const ended = Promise.resolve()

// A context of node:vm, such as jest's, has none before Node 24; compilers of `await using` look for this one then.
const symbols: { readonly asyncDispose?: symbol } = Symbol
const asyncDispose: typeof Symbol.asyncDispose = (symbols.asyncDispose ??
  Symbol.for('Symbol.asyncDispose')) as typeof Symbol.asyncDispose

/**
 * A merge from its first source to its end. Sources that come one by one are staged while others are still to come, in trees
 * of their own; commit() unites all of them in the order of their ranks, moves what
 * it can use of those trees into the staged union, stages the rest, and publishes it.
 */
export class Session implements MergeSession {
  /** By name: the sources that commit() merges. */
  private readonly members = new Map<string, Member>()
  /** What commit() and abort() wait for; none of it rejects. */
  private readonly running = new Set<Promise<unknown>>()
  private merging: Merging
  private readonly early: EarlySources
  private nextRank = 0
  private ending: Promise<unknown> | undefined
  private readonly unlisten: () => void

  private readonly onAbort = (): void => {
    this.stop.abort(this.caller?.reason)
    // Nobody may ever ask again, and nothing is to stay behind.
    void this.end().catch(() => undefined)
  }

  /** `stop`: ends what runs in `context`. `caller`: the caller's own signal. */
  private constructor(
    private readonly context: Context,
    private site: Site,
    private readonly stop: AbortController,
    private readonly caller: AbortSignal | undefined,
  ) {
    this.merging = new Merging(context, site)
    this.early = new EarlySources(context, site, this.merging)
    this.unlisten = listenForAbort(caller, this.onAbort)
  }

  static async open(
    system: Host,
    dest: string,
    options: MergeOptions | undefined,
  ): Promise<Session> {
    const stop = new AbortController()
    const path = readPath('dest', dest)
    const context = prepare(system, options, stop.signal, path)
    const caller = options?.signal
    throwIfAborted(caller)
    const site = await openRecovered(context, path, caller)
    const session = new Session(context, site, stop, caller)
    if (caller?.aborted === true) session.onAbort()
    return session
  }

  add(source: Source, at?: { rank?: number }): Promise<void> {
    try {
      return this.begin(source, at)
    } catch (error) {
      return this.refuse(error)
    }
  }

  drop(name: string): Promise<void> {
    try {
      const member = this.takeOut(name)
      const work = member.ended.then(() => this.release(member))
      void this.track(work)
      return work
    } catch (error) {
      return this.refuse(error)
    }
  }

  /** What was staged of a source goes. */
  private async release({ outcome }: Member): Promise<void> {
    if (outcome !== undefined && 'tree' in outcome) await this.early.release(outcome)
  }

  private refuse(error: unknown): Promise<never> {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort's reason may be anything
    const failed = Promise.reject(error)
    // Nobody has to wait for a call that comes after an abort.
    if (this.stop.signal.aborted) failed.catch(() => undefined)
    return failed
  }

  /** Throws where the arguments are bad: those are nobody's but the caller's. */
  private begin(source: Source, at: { rank?: number } | undefined): Promise<void> {
    const rank = readRank(at)
    const read = readSource(source, 'source')
    this.throwIfEnded()
    const { name } = read
    if (isStanding(this.members.get(name))) {
      throw invalidArgument('VALUE', `source.name "${name}" is not unique`)
    }
    const member: Member = {
      ...{ rank: rank ?? this.nextRank++, name },
      ...{ outcome: undefined, isDropped: false, ended },
    }
    this.members.set(name, member)
    const work = this.addOne(read, member)
    // A failure is commit()'s too, so nobody has to wait for each source.
    member.ended = this.track(work)
    return work
  }

  /** From now on the source is not part of the merge, and its name is free. */
  private takeOut(name: string): Member {
    if (typeof name !== 'string') {
      throw invalidArgument('TYPE', `name must be a string, not ${inspect(name, { depth: 0 })}`)
    }
    this.throwIfEnded()
    const member = this.members.get(name)
    if (member === undefined) {
      throw invalidArgument('VALUE', `The session has no source "${name}" to drop`)
    }
    this.members.delete(name)
    member.isDropped = true
    return member
  }

  async commit(): Promise<MergeResult> {
    // Like any rejection, only once nothing runs any more.
    const { signal } = this.stop
    if (signal.aborted) await throwAfter(signal.reason, () => this.end())
    this.throwIfEnded()
    return this.endWith(() => this.settle())
  }

  /** All sources at once: what is wrong with any of them is reported together, and nothing is staged twice. */
  async merge(sources: readonly GivenSource[]): Promise<MergeResult> {
    const { signal } = this.stop
    if (signal.aborted) await throwAfter(signal.reason, () => this.end())
    return this.endWith((recalled) => this.addAll(sources, recalled), sources)
  }

  /** It has ended before anything runs: a callback may abort it at once, and it is given up only once. */
  private endWith(gather: Gather, given?: readonly GivenSource[]): Promise<MergeResult> {
    const result = Promise.resolve().then(() => this.finish(gather, given))
    this.ending = result.catch(() => undefined)
    return result
  }

  async abort(): Promise<void> {
    this.stop.abort(new DOMException('The merge was given up', 'AbortError'))
    await this.end()
  }

  async [asyncDispose](): Promise<void> {
    if (this.ending === undefined) await this.abort()
    // Anyone who ended it has been told how that went.
    else await this.ending.catch(() => undefined)
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

  /** Has commit() and abort() wait for the work; answers what never rejects. */
  private track(work: Promise<unknown>): Promise<unknown> {
    const noted = work
      .catch(() => undefined)
      .finally(() => {
        this.running.delete(noted)
      })
    this.running.add(noted)
    return noted
  }

  /** `recalled`: undefined where all of them are to be planned. */
  private async addAll(
    sources: readonly GivenSource[],
    recalled: Recalled | undefined,
  ): Promise<void> {
    const { context, site } = this
    const { progress, watch } = context
    progress.enter('scan')
    const sized = needsSizes(context)
    const trees = await (recalled === undefined
      ? scanSources(context, site, sources, sized)
      : scanChanged(context, site, sources, sized, recalled))
    for (const [rank, tree] of trees.entries()) {
      const { name } = tree
      const state = { outcome: { tree }, isDropped: false, ended }
      this.members.set(name, { rank, name, ...state })
    }
    watch.lap('scan')
  }

  private async addOne(source: GivenSource, member: Member): Promise<void> {
    try {
      member.outcome = await this.early.add(source, () => member.isDropped)
    } catch (error) {
      member.outcome = { error }
      throw error
    }
    throwIfDropped(member)
  }

  /** `gather`: waits for the sources; `given`: all of them, where they are known. */
  private async finish(
    gather: Gather,
    given: readonly GivenSource[] | undefined,
  ): Promise<MergeResult> {
    let result: MergeResult | undefined
    try {
      const recalled = given && (await this.merging.recall(given))
      result = recalled?.result ?? (await this.gatherAndCarryOut(gather, recalled))
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

  private async gatherAndCarryOut(
    gather: Gather,
    recalled: Recalled | undefined,
  ): Promise<MergeResult> {
    const { context } = this
    try {
      await gather(recalled)
      // What came one by one was read and staged by now.
      context.watch.lap('stage')
      this.throwFailures()
      const { trees, early } = this.inOrder()
      return await withFiles(context, trees, () => this.carryOut(trees, early))
    } catch (error) {
      if (!this.merging.isTooNarrow(error)) throw error
      debug('again, with all sources: %s', error)
    }
    if (context.life !== undefined) context.life.unchanged = undefined
    await this.startAgain()
    return this.gatherAndCarryOut(gather, undefined)
  }

  private async carryOut(
    trees: readonly SourceTree[],
    early: ReadonlyMap<number, EarlyTree>,
  ): Promise<MergeResult> {
    try {
      return await this.merging.carryOut(trees, early)
    } catch (error) {
      if (this.merging.isTooNarrow(error) || !this.merging.isOvertaken(error)) throw error
      debug('again, under the lock: %s', error)
    }
    await this.startAgain()
    return this.merging.carryOut(trees, new Map(), true)
  }

  /** With nothing staged. */
  private async startAgain(): Promise<void> {
    const { context, site } = this
    await site.sweep()
    this.site = await site.reopen(context.settings.existing)
    this.site.noteLeft(site.left)
    this.merging = new Merging(context, this.site)
    context.life?.forgetStaged()
    await site.close()
  }

  /** All of them in the order of the sources, whichever came first. */
  private throwFailures(): void {
    const failures = this.sorted.flatMap(({ outcome }) =>
      outcome !== undefined && 'error' in outcome ? [outcome.error] : [],
    )
    if (failures.length > 0) throw firstOf(failures)
  }

  private inOrder(): { trees: SourceTree[]; early: Map<number, EarlyTree> } {
    const early = new Map<number, EarlyTree>()
    const trees: SourceTree[] = []
    for (const { outcome } of this.sorted) {
      if (outcome === undefined || !('tree' in outcome)) continue
      if (outcome.early !== undefined) early.set(trees.length, outcome.early)
      trees.push({ ...outcome.tree, source: trees.length })
    }
    return { trees, early }
  }

  /** By rank, and by name where that is the same: never by the time of arrival. */
  private get sorted(): Member[] {
    const members = [...this.members.values()]
    return members.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
  }
}

/** It is part of the merge, or may still become so: one that failed may be added again. */
function isStanding(member: Member | undefined): boolean {
  const { outcome } = member ?? {}
  return member !== undefined && (outcome === undefined || 'tree' in outcome)
}

function throwIfDropped({ name, isDropped }: Member): void {
  if (isDropped) throw new DOMException(`The source "${name}" was dropped`, 'AbortError')
}
