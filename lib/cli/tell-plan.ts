import type { MergePlan } from '../index'
import { isRefused } from '../result'
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
  return isRefused(plan) ? ExitCode.Conflicts : ExitCode.Done
}
