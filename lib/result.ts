import type { Committed } from './commit/commit'
import type { Plan } from './planning'
import { effectsOf, entriesOf, totalsOf } from './plan/report'
import type { Union } from './plan/plan'
import type { Survey } from './plan/survey'
import type { Stopwatch } from './stopwatch'
import type { Conflict, MergePhase, MergePlan, MergeResult } from './types'

/** What planMerge() gives. */
export function toPlan({ union, found }: Plan): MergePlan {
  return {
    ...totalsOf(union),
    conflicts: allConflicts(union, found),
    entries: () => entriesOf(union),
  }
}

/** What merge() gives. */
export function toResult(
  { union }: Plan,
  { survey, locking }: Committed,
  report: Pick<MergeResult, 'fallbacks' | 'containment' | 'leftover'>,
  watch: Stopwatch<MergePhase>,
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
    ...report,
    conflicts: allConflicts(union, survey),
    locking,
    duration,
  }
}

function allConflicts(union: Union, found: Survey | undefined): Conflict[] {
  const conflicts = [...union.conflicts, ...(found?.decided ?? []), ...(found?.undecided ?? [])]
  return conflicts.sort((a, b) => (a.path < b.path ? -1 : 1))
}
