import { defaultHost } from './host'
import type { Host } from './host/host'
import { patient } from './host/patient'
import { readPath, readSources } from './options'
import { openTarget } from './plan/target'
import { plan, prepare, scanSources } from './planning'
import { toPlan } from './result'
import { Session } from './session'
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
 * A merge whose sources arrive one by one, in any order; its result is that of one merge() with the sources
 * in the order of their ranks. End it with commit() or abort(). Rejects where merge() would because of dest
 * or the options.
 */
export async function openMerge(dest: string, options?: MergeOptions): Promise<MergeSession> {
  return Session.open(defaultHost, dest, options)
}

/**
 * What merge() would do: every conflict, and every entry. dest is not changed; only where names look alike and
 * dest does not hold them, they are tried in a hidden directory that is removed again. Rejects like merge(), but
 * for conflicts, which it lists.
 */
export async function planMerge(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  return planOn(defaultHost, sources, dest, options)
}

/**
 * Undoes what merges into dest that were killed have left: puts dest back to what it was before them, and removes
 * their staging directories. Every merge into dest does so at its start. Those of merges that still run are left alone.
 */
export async function recover(dest: string): Promise<RecoverResult> {
  return recoverOn(defaultHost, dest)
}

/** recover() on a host of choice. */
export async function recoverOn(system: Host, dest: string): Promise<RecoverResult> {
  const host = patient(system, undefined)
  const { path, nearest } = await openTarget(host, readPath('dest', dest))
  await host.close(nearest)
  const { result } = await recoverDest(host, path, { timeout: undefined, signal: undefined })
  return result
}

/** merge() on a host of choice. */
export async function mergeOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  const named = readSources(sources)
  const session = await Session.open(system, dest, options)
  return session.merge(named)
}

/** planMerge() on a host of choice. */
export async function planOn(
  system: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  const context = prepare(system, options)
  const named = readSources(sources)
  const path = readPath('dest', dest)
  context.settings.signal?.throwIfAborted()
  const site = await Site.open(context, path, context.settings.existing)
  try {
    context.progress.enter('scan')
    const trees = await scanSources(context, site, named)
    context.progress.enter('plan')
    return toPlan(await plan(context, site, trees))
  } finally {
    await site.sweep().finally(() => site.close())
  }
}
