import { sep } from 'node:path'
import { commit, type Committed } from './commit/commit'
import { commitRules } from './commit-rules'
import { errno, errnoOf } from './errno'
import { SystemError } from './errors'
import { MergeError } from './merge-error'
import { emptyPlan, type Union } from './plan/plan'
import { unsizedIn } from './plan/whole-directory'
import { look, throwIfUndecided, uniteAll, type Context, type Recalled } from './planning'
import type { Directory, Place } from './host/host'
import type { Life } from './life'
import type { Recorded } from './manifest'
import type { DestDiff } from './plan/diff'
import type { UnchangedSources } from './plan/unchanged-sources'
import { isDestAsRecorded, knownSources, notAsRecorded } from './rerun'
import { durationOf, toResult, unchangedResult } from './result'
import { resolveSources } from './into-self'
import type { GivenSource } from './scan/given'
import type { SourceTree } from './scan/tree'
import type { Site } from './site'
import type { EarlyTree } from './stage/adopt'
import { Allocation, mainStaging } from './stage/allocation'
import { Allocator } from './stage/allocator'
import { FilePlacer } from './stage/files'
import { stage, type StagePlaces } from './stage/stage'
import type { Staging, StageTarget } from './stage/staging'
import { SubtreeCloner } from './stage/subtree-cloner'
import type { MergeResult } from './types'

/** What becomes of the sources' trees: plan, stage, commit. */
export class Merging {
  private readonly placer: FilePlacer
  private readonly cloner: SubtreeCloner
  /** What dest held when it was last looked at; undefined while it is missing. */
  private found: DestDiff | undefined
  /** Has dest not been locked yet, so that it may hold something else by then? */
  private mayDiffer = false

  constructor(
    private readonly context: Context,
    private readonly site: Site,
  ) {
    const options = { ...context.settings, dest: site.target.path }
    this.placer = new FilePlacer(context.host, options)
    this.cloner = new SubtreeCloner(context.host, options, this.placer.placements)
  }

  /**
   * What is looked at and staged before dest is locked is what dest was by then: another merge may be at it. With `isLate`
   * all that is done under the lock. `trees`: in the order of the sources. `early`: what was staged of some of them before,
   * by source.
   */
  async carryOut(
    trees: readonly SourceTree[],
    early: ReadonlyMap<number, EarlyTree>,
    isLate = false,
  ): Promise<MergeResult> {
    const { context, site, placer } = this
    const { watch, progress, host } = context
    progress.enter('plan')
    const union = await uniteAll(context, site, trees)
    this.mayDiffer = site.dest !== undefined && union.undecided.length === 0
    if (!isLate && site.dest !== undefined) {
      this.found = await look(context, site, union, site.dest)
    }
    watch.lap('plan')
    throwIfUndecided(context, union, this.found)
    progress.enter('stage')
    // What is wanted may grow until dest is locked; each time only what is not staged yet is built.
    const allocator = new Allocator(host, site.stagingSite, site.allocation)
    const build = async (): Promise<Staging | undefined> => {
      if (this.needsStaging(union)) await site.staging()
      await allocator.allocate(union.root)
      return this.stage(union, early, site.allocation)
    }
    if (!isLate) {
      if (this.needsStaging(union)) await site.staging()
      const allocation = new Allocation()
      await Allocator.forMainOnly(host, site.stagingSite, allocation).allocate(union.root)
      await this.stage(union, early, allocation, true)
    }
    watch.lap('stage')
    progress.enter('lock')
    let result: MergeResult | undefined
    const { containment } = host
    const { path: dest } = site.target
    const { placements } = placer
    // Before the commit point, since nothing may fail after it.
    const conclude = (committed: Committed): void => {
      const unsupported = context.kept.missing(context.settings.preserveTimestamps)
      const { left } = site
      const { modified = [], unchanged } = context.life ?? {}
      const outcome = {
        ...{ ...committed, placements, dest, containment },
        ...{ left, unsupported, modified, unchanged },
      }
      result = toResult(union, outcome, watch)
    }
    await this.publish(union, build, conclude)
    if (result === undefined) throw new Error('a merge without a result')
    const leftover = await this.sweepOrTell()
    watch.lap('commit')
    return { ...result, ...(leftover && { leftover }), duration: durationOf(watch) }
  }

  private async stage(
    union: Union,
    early: ReadonlyMap<number, EarlyTree>,
    allocation: Allocation,
    isMainOnly = false,
  ): Promise<Staging | undefined> {
    const { context, site } = this
    const target = async (number: number): Promise<StageTarget> =>
      (await site.staging()).target(number)
    await this.build(union, early, { allocation, target, isMainOnly })
    const staging = await site.currentStaging
    if (staging !== undefined) {
      const fresh = (path: string): Place | undefined => {
        const isWaiting = isMainOnly && allocation.of(path) !== mainStaging
        return isWaiting ? undefined : staging.twins(path).fresh
      }
      await context.life?.lookAtStaged(union, this.isDestNew, fresh)
    }
    return staging
  }

  /**
   * May it have failed because another merge was changing dest? That takes directories out, and as long as it is at it dest is
   * not as the manifest tells.
   */
  isOvertaken(error: unknown): boolean {
    if (!this.mayDiffer) return false
    const { context, site } = this
    if (error instanceof MergeError && error.code === 'ERR_MERGE_CONFLICT') {
      return context.life !== undefined
    }
    const number = errnoOf(error)
    const isGone = number === errno.ENOENT || number === errno.ENOTDIR
    if (!isGone || !(error instanceof SystemError) || error.side === 'source') return false
    const inDest = site.target.path + sep
    return [error.path, error.dest].some((path) => path?.startsWith(inDest) === true)
  }

  /** Also where nothing is staged: what goes is moved there, and a new manifest is written there. */
  /**
   * Must all sources be planned after all? Dest is not as the manifest tells, or there are conflicts: all of them are reported.
   */
  isTooNarrow(error: unknown): boolean {
    if (this.context.life?.unchanged === undefined) return false
    const isConflict = error instanceof MergeError && error.code === 'ERR_MERGE_CONFLICT'
    return error === notAsRecorded || isConflict
  }

  private needsStaging(union: Union): boolean {
    const { life } = this.context
    if (this.found?.removals?.isEmpty === false) return true
    if (life === undefined) return false
    return this.isDestNew || life.isChanged(union, this.found)
  }

  private get isDestNew(): boolean {
    return this.found === undefined
  }

  /** What has not changed since the manifest was written; undefined where the manifest does not say. */
  async recall(
    given: readonly GivenSource[],
  ): Promise<(Recalled & { readonly result: MergeResult | undefined }) | undefined> {
    const { context, site } = this
    const { life, watch } = context
    if (life === undefined || site.dest === undefined || !life.mayRerun) return undefined
    const recorded = await life.load(site.target.path)
    const sources = await resolveSources(given)
    if (!life.isSettled()) return undefined
    const known = await knownSources(life.hosts, recorded, sources)
    watch.lap('scan')
    const result = known.areAll ? await this.rerun(life, recorded) : undefined
    return { recorded, known, result }
  }

  /** The result, where nothing has changed in dest either; else undefined. */
  private async rerun(life: Life, recorded: Recorded): Promise<MergeResult | undefined> {
    const { context, site } = this
    const { watch } = context
    let result: MergeResult | undefined
    try {
      await commit({
        ...commitRules(context, site),
        root: emptyPlan(),
        stage: () => Promise.resolve(undefined),
        diffDest: async (dest) => {
          await this.throwIfChanged(life, recorded, dest)
          return { decided: [], undecided: [], own: undefined, removals: undefined }
        },
        stageManifest: () => Promise.resolve(undefined),
        taken: undefined,
        onLocked: () => {
          watch.lap('lock')
        },
        conclude: ({ locking }) => {
          watch.lap('commit')
          result = unchangedResult(recorded, locking, context, site)
        },
      })
    } catch (error) {
      if (error !== notAsRecorded) throw error
    }
    return result
  }

  /** Has dest what the manifest lists of these sources? Undefined: of all. */
  private async throwIfChanged(
    life: Life,
    recorded: Recorded,
    dest: Directory,
    unchanged?: UnchangedSources,
  ): Promise<void> {
    const now = await life.load(this.site.target.path)
    const place = { base: dest, path: '' }
    if (now !== recorded || !(await isDestAsRecorded(life.hosts, now, place, unchanged))) {
      throw notAsRecorded
    }
  }

  /** Stages what the union wants and the staging directory lacks. From then on all sizes are known. */
  async build(
    union: Union,
    early: ReadonlyMap<number, EarlyTree>,
    places: StagePlaces,
  ): Promise<void> {
    const { host, settings, concurrencyLimit, progress, learnSizes } = this.context
    const { signal, preserveTimestamps } = settings
    const placing = progress.placing()
    try {
      await stage(union, places, {
        ...{ host, early, signal, preserveTimestamps, learnSizes },
        placer: this.placer,
        cloner: this.cloner,
        concurrency: concurrencyLimit,
        onStart: placing.expect,
        onFiles: placing.add,
      })
    } catch (error) {
      placing.giveUp()
      throw error
    }
    // Before anything is published: what fails now fails the merge.
    await learnSizes(unsizedIn(union.root))
  }

  private publish(
    union: Union,
    build: () => Promise<Staging | undefined>,
    conclude: (committed: Committed) => void,
  ): Promise<Committed> {
    const { context, site } = this
    const { watch, progress } = context
    return commit({
      ...commitRules(context, site),
      root: union.root,
      stage: build,
      conclude,
      diffDest: async (dest) => {
        const { life } = context
        if (this.mayDiffer) life?.forgetTold()
        this.mayDiffer = false
        if (life?.unchanged !== undefined) {
          await this.throwIfChanged(life, life.unchanged.recorded, dest, life.unchanged)
        }
        const found = await look(context, site, union, dest)
        throwIfUndecided(context, union, found)
        this.found = found
        return found
      },
      stageManifest: async (staged, dest) => {
        const { life } = context
        if (life === undefined) return undefined
        if (dest !== undefined && !life.isChanged(union, this.found)) return undefined
        const fresh = (path: string): Place => staged.twins(path).fresh
        return life.stage(union, this.found, fresh, dest, await staged.fence())
      },
      taken: context.life?.taken,
      onLocked: () => {
        watch.lap('lock')
        progress.enter('commit')
      },
    })
  }

  /** dest is complete by now, so that an empty staging directory stays behind is reported, but fails nothing. */
  private async sweepOrTell(): Promise<MergeResult['leftover']> {
    const staging = await this.site.currentStaging
    try {
      await this.site.sweep()
      return undefined
    } catch (error) {
      return staging && { path: staging.path, error }
    }
  }
}
