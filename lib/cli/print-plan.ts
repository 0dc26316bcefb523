import type { MergePlan } from '../index'
import { isRefused } from '../result'
import type { CliContext } from './command'
import { ExitCode } from './exit-codes'
import { toJson } from './json'
import type { MergeCliOptions } from './options'
import { describePlan } from './text'

/** How a plan is printed, as commander gives it. */
export interface PlanCliOptions {
  list?: boolean
}

// Of the summary around the list, the command and the next prompt.
const otherRows = 8
const usualRows = 24

/** Prints a plan; returns the exit code. */
export function printPlan(
  plan: MergePlan,
  dest: string,
  given: MergeCliOptions & PlanCliOptions,
  { print, stdout }: CliContext,
): number {
  const most = given.list === true ? Infinity : (stdout.rows ?? usualRows) - otherRows
  if (given.json === true) print(toJson({ ...plan, entries: [...plan.entries()] }))
  else if (given.quiet !== true) print(describePlan(plan, dest, given, Math.max(most, 1)))
  return isRefused(plan) ? ExitCode.Conflicts : ExitCode.Done
}
