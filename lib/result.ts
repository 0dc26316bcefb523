import type { Committed } from './commit/commit'
import type { Plan } from './planning'
import type { Placements } from './plan/placements'
import type { Union } from './plan/plan'
import { effectsOf, entriesOf, totalsOf, withRemovals } from './plan/report'
import type { DestDiff } from './plan/diff'
import type { UnchangedSources } from './plan/unchanged-sources'
import type { Recorded } from './manifest'
import type { Context } from './planning'
import { countRecorded } from './rerun'
import type { Site } from './site'
import type { Stopwatch } from './stopwatch'
import type { Conflict, MergePhase, MergePlan, MergeResult } from './types'

/** Plans that merge() would not carry out. */
const refused = new WeakSet<MergePlan>()

/** What planMerge() gives. */
export function toPlan({ union, found }: Plan): MergePlan {
  const plan: MergePlan = {
    ...totalsOf(union),
    conflicts: allConflicts(union, found),
    entries: () => withRemovals(entriesOf(union), found?.removals?.entries() ?? []),
  }
  if (union.undecided.length + (found?.undecided.length ?? 0) > 0) refused.add(plan)
  return plan
}

/** Would merge() fail with conflicts of the plan? They tell what they are, not whether something decides them. */
export function isRefused(plan: MergePlan): boolean {
  return refused.has(plan)
}

/** How a merge went, beyond its plan. */
export interface Outcome extends Committed {
  readonly placements: Placements
  /** Path of dest. */
  readonly dest: string
  readonly containment: MergeResult['containment']
  readonly left: NonNullable<MergeResult['left']>
  readonly unsupported: MergeResult['attributes']['unsupported']
  readonly modified: MergeResult['modified']
  /** Sources that were not planned. */
  readonly unchanged: UnchangedSources | undefined
}

/** What merge() gives. */
export function toResult(
  union: Union,
  {
    diffDest,
    locking,
    placements,
    dest,
    containment,
    left,
    unsupported,
    modified,
    unchanged,
  }: Outcome,
  watch: Stopwatch<MergePhase>,
): MergeResult {
  const { differing, ...effects } = effectsOf(union.root, placements, dest)
  const result: MergeResult = {
    ...totalsOf(union),
    ...effects,
    conflicts: allConflicts(union, diffDest),
    removed: diffDest?.removals?.count ?? 0,
    modified,
    // A merge that has made nothing need not have learnt it, and one that staged something for nothing may have.
    attributes: {
      unsupported: effects.created + effects.replaced > 0 ? unsupported : [],
      differing,
    },
    ...{ locking, containment, duration: durationOf(watch) },
    ...(left.length > 0 && { left: [...left] }),
  }
  return unchanged === undefined ? result : withUnchanged(result, union, unchanged)
}

/** The result as if all sources had been planned. */
function withUnchanged(
  result: MergeResult,
  { root }: Union,
  unchanged: UnchangedSources,
): MergeResult {
  const more = countRecorded(unchanged.recorded, (row) => unchanged.own(row))
  const sources = [...result.sources]
  for (const [number, { files, bytes }] of more.sources.entries()) {
    const index = unchanged.numberOf(number)
    const own = sources[index]
    if (own !== undefined) sources[index] = { ...own, files, bytes }
  }
  const { attributes } = result
  return {
    ...result,
    sources,
    files: result.files + more.files,
    symlinks: result.symlinks + more.symlinks,
    bytes: result.bytes + more.bytes,
    directories: result.directories + unchanged.countOwnDirectories(root),
    unchanged: result.unchanged + more.unchanged,
    attributes: { ...attributes, differing: attributes.differing + more.differing },
  }
}

/** What merge() gives where nothing was to be done. */
export function unchangedResult(
  recorded: Recorded,
  locking: MergeResult['locking'],
  { host, watch }: Context,
  { left }: Site,
): MergeResult {
  const { differing, ...counts } = countRecorded(recorded)
  return {
    ...counts,
    ...{ created: 0, replaced: 0, kept: 0, removed: 0, modified: [] },
    linkModes: { clone: 0, hardlink: 0, copy: 0, symlink: 0 },
    ...{ fallbacks: [], conflicts: [], attributes: { unsupported: [], differing } },
    ...{ locking, containment: host.containment, duration: durationOf(watch) },
    ...(left.length > 0 && { left: [...left] }),
  }
}

/** How long each phase took until now. */
export function durationOf(watch: Stopwatch<MergePhase>): MergeResult['duration'] {
  return {
    scan: watch.of('scan'),
    plan: watch.of('plan'),
    stage: watch.of('stage'),
    lock: watch.of('lock'),
    commit: watch.of('commit'),
    total: watch.total,
  }
}

function allConflicts(union: Union, found: DestDiff | undefined): Conflict[] {
  const lists = [union.decided, union.undecided, found?.decided ?? [], found?.undecided ?? []]
  const conflicts: Conflict[] = lists.flat()
  return conflicts.sort((a, b) => (a.path < b.path ? -1 : 1))
}
