import { commit, UndoError } from './commit/commit'
import { firstOf, throwAfter } from './errors'
import { defaultHost } from './host'
import type { Host } from './host/host'
import { readOptions } from './options'
import { look, throwIfUndecided, withPlan, type Context, type Plan } from './planning'
import { Progress } from './progress'
import { toPlan, toResult } from './result'
import { FilePlacer } from './stage/files'
import { stage } from './stage/stage'
import { Staging } from './stage/staging'
import { Stopwatch } from './stopwatch'
import { comparer } from './plan/compare'
import { patient } from './host/patient'
import type { MergeOptions, MergePlan, MergeResult, Source } from './types'

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
  return withPlan(context, sources, dest, async (plan) => {
    throwIfUndecided(plan.union, plan.found)
    return carryOut(context, plan)
  })
}

/** planMerge() on a host of choice. */
export async function planOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  const context = prepare(system, options)
  return withPlan(context, sources, dest, (plan) => Promise.resolve(toPlan(plan)))
}

function prepare(system: Host, options: MergeOptions | undefined): Context {
  const settings = readOptions(options)
  const { signal } = settings
  const host = patient(system, signal)
  const lanes = settings.concurrency ?? host.parallelism
  return {
    ...{ host, settings, lanes },
    steady: patient(system, undefined),
    compare: comparer(host, lanes, signal),
    progress: new Progress(settings.onProgress),
    watch: new Stopwatch(),
  }
}

/** stage, then commit. */
async function carryOut(context: Context, plan: Plan): Promise<MergeResult> {
  const { host, steady, settings, lanes, progress, watch } = context
  const { union, target } = plan
  const { signal, preserveTimestamps } = settings
  const sources = union.trees.map(({ name }) => name)
  const placer = new FilePlacer(host, { ...settings, dest: target.path, sources })

  let staging: Staging | undefined
  const needStaging = async (): Promise<Staging> =>
    (staging ??= await Staging.make({ host, steady }, target.nearest, target.missing))
  // What is wanted may grow until dest is locked; each time only what is not staged yet is built.
  const build = async (): Promise<Staging | undefined> => {
    await stage(union, needStaging, {
      ...{ host, placer, preserveTimestamps, concurrency: lanes, signal },
      onStart: progress.expect,
      onFiles: progress.add,
    })
    return staging
  }

  try {
    progress.enter('stage')
    await build()
    watch.lap('stage')
    progress.enter('lock')
    const committed = await commit({
      ...{ host, steady, target, root: union.root, stage: build },
      lock: settings.lock && { ...settings.lock, signal },
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
    const leftover = await removeOrTell(staging)
    watch.lap('commit')
    const report = { fallbacks: placer.fallbacks.list, containment: host.containment, ...leftover }
    return toResult(plan, committed, report, watch)
  } catch (error) {
    if (!(error instanceof UndoError)) return throwAfter(error, async () => staging?.remove())
    // What could not be put back lies in the staging directory.
    await staging?.close()
    throw firstOf([error.cause, ...error.errors])
  }
}

/** dest is complete by now, so that an empty staging directory stays behind is told, but fails nothing. */
async function removeOrTell(staging: Staging | undefined): Promise<Pick<MergeResult, 'leftover'>> {
  try {
    await staging?.remove()
    return {}
  } catch (error) {
    return staging === undefined ? {} : { leftover: { path: staging.path, error } }
  }
}
