import type { Directory, Host } from './host/host'
import { refuseIntoSelf, resolveSources } from './into-self'
import { readPath, readSources, type Settings } from './options'
import type { Compare } from './plan/compare'
import { conflictError } from './plan/conflict-error'
import type { Union } from './plan/plan'
import { decider } from './plan/policy'
import { survey, type Survey } from './plan/survey'
import { openTarget, type Target } from './plan/target'
import { unite } from './plan/union'
import type { Progress } from './progress'
import { scan } from './scan/scan'
import type { Stopwatch } from './stopwatch'
import type { MergePhase, Source } from './types'

/** What every phase needs. */
export interface Context {
  /** Starts nothing new after an abort. */
  readonly host: Host
  /** Goes on after an abort: to put things back. */
  readonly steady: Host
  readonly settings: Settings
  /** Batches in flight. */
  readonly lanes: number
  readonly compare: Compare
  readonly progress: Progress
  readonly watch: Stopwatch<MergePhase>
}

export interface Plan {
  readonly union: Union
  readonly target: Target
  /** What dest holds that differs; undefined if dest is not there. */
  readonly found: Survey | undefined
}

/** scan, then plan; dest, or what is nearest to it, stays open while the plan is used. */
export async function withPlan<T>(
  context: Context,
  given: readonly Source[],
  dest: string,
  use: (plan: Plan) => Promise<T>,
): Promise<T> {
  const { host, settings, lanes, progress, watch } = context
  const { signal, symlinks } = settings
  const named = readSources(given)
  const path = readPath('dest', dest)
  signal?.throwIfAborted()
  const sources = await resolveSources(named)
  const target = await openTarget(host, path)
  try {
    await refuseIntoSelf(sources, target.path)
    progress.enter('scan')
    const onFiles = (files: number): void => {
      progress.add(files, 0)
    }
    const trees = await scan(sources, { host, symlinks, concurrency: lanes, signal, onFiles })
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

/** Compares the union with what dest holds. */
export function look(context: Context, union: Union, dest: Directory): Promise<Survey> {
  const { host, settings, compare } = context
  const { existing, mutable, signal } = settings
  const symlinked = settings.linkModes.includes('symlink')
  const rules = { host, compare, existing, symlinked, mutable, signal }
  return survey(union, { base: dest, path: '' }, rules)
}

/** Throws all conflicts that no policy decided. */
export function throwIfUndecided({ conflicts }: Union, found: Survey | undefined): void {
  const undecided = conflicts.filter(({ winner }) => winner === null)
  undecided.push(...(found?.undecided ?? []))
  undecided.sort((a, b) => (a.path < b.path ? -1 : 1))
  if (undecided.length > 0) throw conflictError(undecided)
}
