import type { Conflict, MergePlan } from '../index'
import type { CliContext } from './command'
import { ExitCode } from './exit-codes'
import { toJson } from './json'
import type { MergeCliOptions } from './options'
import { describePlan } from './text'

/** Prints a plan; answers the exit code. */
export function tellPlan(
  plan: MergePlan,
  dest: string,
  given: MergeCliOptions,
  { print }: CliContext,
): number {
  if (given.json === true) print(toJson({ ...plan, entries: [...plan.entries()] }))
  else if (given.quiet !== true) print(describePlan(plan, dest, given))
  const undecided = plan.conflicts.some((conflict) => isUndecided(conflict, given))
  return undecided ? ExitCode.Conflicts : ExitCode.Done
}

/** Would merge fail with it? */
function isUndecided(
  { kind, winner }: Conflict,
  { conflicts, existing }: MergeCliOptions,
): boolean {
  if (kind === 'existing') return existing === 'error'
  if (kind !== 'case') return conflicts === 'error'
  // Either between sources or with dest, which it does not say.
  return winner === null && (conflicts === 'error' || existing === 'error')
}
