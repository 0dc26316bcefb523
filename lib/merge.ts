import type { Host } from './host/host'
import { retrying } from './host/retrying'
import { throwAfter } from './errors'
import { readPath, readSources } from './options'
import { openTarget } from './plan/target'
import { unsizedIn } from './plan/whole-directory'
import { plan, prepare, scanSources, withFiles, type Context, type Plan } from './planning'
import { toPlan } from './result'
import type { GivenSource } from './scan/given'
import { Session } from './session'
import { listenForAbort, throwIfAborted } from './signal'
import { Site } from './site'
import { recoverDest } from './recover/recover'
import type {
  MergeOptions,
  MergePlan,
  MergeResult,
  MergeSession,
  RecoverResult,
  Source,
} from './types'

/**
 * merge() on a host of choice.
 *
 * scan reads each source into a tree, plan makes their union and finds every conflict, stage builds what
 * dest lacks out of sight, commit publishes it by renames under dest's lock. If it rejects, dest is as it
 * was.
 */
export async function mergeOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  return mergeGiven(system, readSources(sources), dest, options)
}

/** The same for sources that are checked. */
export async function mergeGiven(
  system: Host,
  sources: readonly GivenSource[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  const session = await Session.open(system, dest, options)
  return session.merge(sources)
}

/** sync() on a host of choice. */
export async function syncOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options: MergeOptions = {},
): Promise<MergeResult> {
  const { manifest = true, prune = true } = options
  return mergeOn(system, sources, dest, { ...options, manifest, prune })
}

/** openMerge() on a host of choice. */
export async function openOn(
  system: Host,
  dest: string,
  options?: MergeOptions,
): Promise<MergeSession> {
  return Session.open(system, dest, options)
}

/** planMerge() on a host of choice. */
export async function planOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  return planGiven(system, readSources(sources), dest, options)
}

/** The same for sources that are checked. */
export async function planGiven(
  system: Host,
  sources: readonly GivenSource[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  const stop = new AbortController()
  const path = readPath('dest', dest)
  const context = prepare(system, options, stop.signal, path)
  const caller = options?.signal
  throwIfAborted(caller)
  const unlisten = listenForAbort(caller, () => {
    stop.abort(caller?.reason)
  })
  try {
    return await planUntilStopped(context, path, sources)
  } finally {
    unlisten()
  }
}

async function planUntilStopped(
  context: Context,
  path: string,
  named: readonly GivenSource[],
): Promise<MergePlan> {
  const site = await Site.open(context, path, context.settings.existing)
  const leave = (): Promise<void> => site.sweep().finally(() => site.close())
  let found: Plan
  try {
    context.progress.enter('scan')
    const trees = await scanSources(context, site, named, true)
    context.progress.enter('plan')
    found = await withFiles(context, trees, async () => {
      const all = await plan(context, site, trees)
      await context.learnSizes(unsizedIn(all.union.root))
      return all
    })
  } catch (error) {
    return throwAfter(error, leave)
  }
  await leave()
  return toPlan(found)
}

/** recover() on a host of choice. */
export async function recoverOn(system: Host, dest: string): Promise<RecoverResult> {
  const host = retrying(system, undefined)
  const { path, nearest } = await openTarget(host, readPath('dest', dest))
  await host.close(nearest)
  const lock = { timeout: undefined, signal: undefined }
  const { result } = await recoverDest(host, path, lock, { isThorough: true })
  return result
}
