import { commit, UndoError, type Committed } from './commit/commit'
import { withErrors } from './errors'
import { defaultHost } from './host'
import type { Directory, Host } from './host/host'
import { patient } from './host/patient'
import { refuseIntoSelf, resolveSources } from './into-self'
import { readOptions, readPath, readSources, type Settings } from './options'
import { comparer, type Compare } from './plan/compare'
import { conflictError } from './plan/conflict-error'
import type { Union } from './plan/plan'
import { decider } from './plan/policy'
import { effectsOf, entriesOf, totalsOf } from './plan/report'
import { survey, type Survey } from './plan/survey'
import { openTarget, type Target } from './plan/target'
import { unite } from './plan/union'
import { Progress } from './progress'
import { scan } from './scan/scan'
import { FilePlacer } from './stage/files'
import { stage } from './stage/stage'
import { Staging } from './stage/staging'
import { Stopwatch } from './stopwatch'
import type { Conflict, MergeOptions, MergePlan, MergeResult, Source } from './types'

/**
 * Puts the trees of all sources into dest, all or nothing.
 *
 * scan reads each source into a tree, plan makes their union and finds every conflict, stage builds what
 * dest lacks out of sight, commit publishes it by renames under dest's lock. If it rejects, dest is as it
 * was.
 *
 * Rejects with `ERR_MERGE_CONFLICT`, `ERR_MERGE_INVALID_PATH`, `ERR_MERGE_INTO_SELF`,
 * `ERR_MERGE_UNSUPPORTED_FILE`, `ERR_MERGE_LOCK_TIMEOUT`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`,
 * `signal.reason`, or the error of a failed system call (`code`, `errno`, `syscall`, `path`, `dest`).
 */
export async function merge(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  return mergeOn(defaultHost, sources, dest, options)
}

/**
 * What merge() would do: every conflict, and every entry. Nothing is written. Rejects like merge(), but
 * for conflicts, which it lists.
 */
export async function planMerge(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  return planOn(defaultHost, sources, dest, options)
}

/** merge() on a host of choice. */
export async function mergeOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  const context = prepare(system, options)
  return withPlan(context, sources, dest, (plan) => carryOut(context, plan))
}

/** planMerge() on a host of choice. */
export async function planOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  return withPlan(prepare(system, options), sources, dest, ({ union, found }) => {
    const conflicts = allConflicts(union, found)
    return Promise.resolve({ ...totalsOf(union), conflicts, entries: () => entriesOf(union) })
  })
}

/** What every phase needs. */
interface Context {
  readonly host: Host
  readonly settings: Settings
  readonly lanes: number
  readonly compare: Compare
  readonly progress: Progress
  readonly watch: Stopwatch<'scan' | 'plan' | 'stage' | 'lock' | 'commit'>
}

function prepare(system: Host, options: MergeOptions | undefined): Context {
  const settings = readOptions(options)
  const { signal } = settings
  const host = patient(system, signal)
  const lanes = settings.concurrency ?? host.parallelism
  const progress = new Progress(settings.onProgress)
  return {
    ...{ host, settings, lanes, progress },
    compare: comparer(host, lanes, signal),
    watch: new Stopwatch(),
  }
}

interface Plan {
  readonly union: Union
  readonly target: Target
  /** What dest holds that differs; undefined if dest is not there. */
  readonly found: Survey | undefined
}

/** scan, then plan. */
async function withPlan<T>(
  context: Context,
  given: readonly Source[],
  dest: string,
  use: (plan: Plan) => Promise<T>,
): Promise<T> {
  const { host, settings, progress, watch } = context
  const named = readSources(given)
  const path = readPath('dest', dest)
  settings.signal?.throwIfAborted()
  const sources = await resolveSources(named)
  const target = await openTarget(host, path)
  try {
    refuseIntoSelf(sources, target.path)
    progress.enter('scan')
    const trees = await scan(sources, {
      host,
      symlinks: settings.symlinks,
      concurrency: context.lanes,
      signal: settings.signal,
      onFiles: (files) => {
        progress.add(files, 0)
      },
    })
    watch.lap('scan')
    progress.enter('plan')
    const union = await unite(trees, decider(settings.conflicts), context.compare)
    const isThere = target.missing.length === 0
    const found = isThere ? await look(context, union, target.nearest) : undefined
    watch.lap('plan')
    return await use({ union, target, found })
  } finally {
    await host.close(target.nearest)
  }
}

function look(context: Context, union: Union, dest: Directory): Promise<Survey> {
  const { host, settings, compare } = context
  const { existing, signal } = settings
  const symlinked = settings.linkModes.includes('symlink')
  return survey(union, { base: dest, path: '' }, { host, compare, existing, symlinked, signal })
}

/** stage, then commit. */
async function carryOut(context: Context, plan: Plan): Promise<MergeResult> {
  const { host, settings, progress, watch } = context
  const { union, target } = plan
  throwIfUndecided(union, plan.found)
  const totals = totalsOf(union)
  const placer = new FilePlacer(host, {
    ...settings,
    dest: target.path,
    sources: union.trees.map(({ name }) => name),
  })
  let staging: Staging | undefined
  const needStaging = async (): Promise<Staging> =>
    (staging ??= await Staging.make(host, target.nearest, target.missing))
  const build = async (): Promise<Staging | undefined> => {
    await stage(union, needStaging, {
      host,
      placer,
      preserveTimestamps: settings.preserveTimestamps,
      concurrency: context.lanes,
      signal: settings.signal,
      onFiles: (files, bytes) => {
        progress.add(files, bytes)
      },
    })
    return staging
  }
  try {
    progress.enter('stage', { files: totals.files + totals.symlinks, bytes: totals.bytes })
    await build()
    watch.lap('stage')
    progress.enter('lock')
    const committed = await commit({
      host,
      root: union.root,
      target,
      signal: settings.signal,
      lock: settings.lock && { ...settings.lock, signal: settings.signal },
      stage: build,
      survey: async (dest) => {
        const found = await look(context, union, dest)
        throwIfUndecided(union, found)
        return found
      },
      onLocked: () => {
        watch.lap('lock')
        progress.enter('commit')
      },
    })
    await staging?.remove()
    watch.lap('commit')
    return toResult(context, plan, placer, committed)
  } catch (error) {
    throw await cleanUp(error, staging)
  }
}

/** Leaves nothing behind but what could not be put back. */
async function cleanUp(error: unknown, staging: Staging | undefined): Promise<unknown> {
  if (error instanceof UndoError) {
    await staging?.close()
    return withErrors(error.cause, error.errors)
  }
  try {
    await staging?.remove()
    return error
  } catch (failure) {
    return withErrors(error, [failure])
  }
}

function allConflicts(union: Union, found: Survey | undefined): Conflict[] {
  const conflicts = [...union.conflicts, ...(found?.decided ?? []), ...(found?.undecided ?? [])]
  return conflicts.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function throwIfUndecided({ conflicts }: Union, found: Survey | undefined): void {
  const undecided = conflicts.filter(({ winner }) => winner === null)
  undecided.push(...(found?.undecided ?? []))
  if (undecided.length > 0) throw conflictError(undecided)
}

function toResult(
  { host, watch }: Context,
  { union }: Plan,
  { fallbacks }: FilePlacer,
  { survey: found, locking }: Committed,
): MergeResult {
  const duration = {
    scan: watch.of('scan'),
    plan: watch.of('plan'),
    stage: watch.of('stage'),
    lock: watch.of('lock'),
    commit: watch.of('commit'),
    total: watch.total,
  }
  return {
    ...totalsOf(union),
    ...effectsOf(union.root),
    fallbacks: fallbacks.list,
    conflicts: allConflicts(union, found),
    locking,
    containment: host.containment,
    duration,
  }
}
