import { commit, type Committed } from './commit/commit'
import { firstOf } from './errors'
import type { Union } from './plan/plan'
import { unsizedIn } from './plan/whole-directory'
import { look, plan, throwIfUndecided, type Context } from './planning'
import type { Place } from './host/host'
import type { Survey } from './plan/survey'
import { isBusy } from './recover/find'
import { recoverAlone } from './recover/recover'
import { durationOf, toResult } from './result'
import type { SourceTree } from './scan/tree'
import type { Site } from './site'
import type { EarlyTree } from './stage/adopt'
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
  private found: Survey | undefined

  constructor(
    private readonly context: Context,
    private readonly site: Site,
  ) {
    const options = { ...context.settings, dest: site.target.path }
    this.placer = new FilePlacer(context.host, options)
    this.cloner = new SubtreeCloner(context.host, options, this.placer.placements)
  }

  /** `trees`: in the order of the sources. `early`: what was staged of some of them before, by source. */
  async carryOut(
    trees: readonly SourceTree[],
    early: ReadonlyMap<number, EarlyTree>,
  ): Promise<MergeResult> {
    const { context, site, placer } = this
    const { watch, progress, host } = context
    progress.enter('plan')
    const { union, found } = await plan(context, site, trees)
    this.found = found
    watch.lap('plan')
    throwIfUndecided(context, union, found)
    progress.enter('stage')
    // What is wanted may grow until dest is locked; each time only what is not staged yet is built.
    const allocator = new Allocator(host, site.stagingSite, site.allocation)
    const { allocation } = site
    const target = async (number: number): Promise<StageTarget> =>
      (await site.staging()).target(number)
    const build = async (): Promise<Staging | undefined> => {
      if (this.needsStaging(union)) await site.staging()
      await allocator.allocate(union.root)
      await this.build(union, early, { allocation, target })
      const staging = await site.currentStaging
      if (staging !== undefined) {
        const fresh = (path: string): Place => staging.twins(path).fresh
        await context.life?.lookAtStaged(union, this.isDestNew, fresh)
      }
      return staging
    }
    await build()
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
      const modified = context.life?.modified ?? []
      const outcome = { ...committed, placements, dest, containment, left, unsupported, modified }
      result = toResult(union, outcome, watch)
    }
    await this.publish(union, build, conclude)
    if (result === undefined) throw new Error('a merge without a result')
    const leftover = await this.sweepOrTell()
    watch.lap('commit')
    return { ...result, ...(leftover && { leftover }), duration: durationOf(watch) }
  }

  /** Also where nothing is staged: what goes is moved there, and a new manifest is written there. */
  private needsStaging(union: Union): boolean {
    const { life } = this.context
    if (life === undefined) return false
    return this.isDestNew || life.isChanged(union, this.found)
  }

  private get isDestNew(): boolean {
    return this.found === undefined
  }

  /** Stages what the union wants and the staging directory lacks. From then on all sizes are known. */
  async build(
    union: Union,
    early: ReadonlyMap<number, EarlyTree>,
    places: StagePlaces,
  ): Promise<void> {
    const { host, settings, lanes, progress, learnSizes } = this.context
    const { signal, preserveTimestamps } = settings
    const placing = progress.placing()
    try {
      await stage(union, places, {
        ...{ host, early, signal, preserveTimestamps, learnSizes },
        placer: this.placer,
        cloner: this.cloner,
        concurrency: lanes,
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
    const { host, steady, settings, watch, progress } = context
    const { lock, signal } = settings
    return commit({
      ...{ host, steady, target: site.target, root: union.root, stage: build },
      lock: lock && { ...lock, signal },
      recover: async () => {
        const timeout = lock === false ? undefined : lock.timeout
        const rules = { timeout, signal }
        const { result, failures } = await recoverAlone(
          host,
          site.target.path,
          rules,
          (await site.currentStaging)?.path,
        )
        if (failures.length > 0) throw firstOf(failures)
        site.noteLeft(result.left)
      },
      isBusy: async () => {
        const own = await site.currentStaging
        return own !== undefined && isBusy(host, site.target.path, own.path)
      },
      conclude,
      durable: settings.durability === 'full',
      survey: async (dest) => {
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
      onTaken: (paths) => context.life?.noteTaken(paths),
      onLocked: () => {
        watch.lap('lock')
        progress.enter('commit')
      },
    })
  }

  /** dest is complete by now, so that an empty staging directory stays behind is told, but fails nothing. */
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
