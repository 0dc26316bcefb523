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

/** How many paths of a plan are listed: as many as fit on a screen, or with --list all. */
export function mostPaths({ list }: PlanCliOptions, { stdout }: CliContext): number {
  return list === true ? Infinity : Math.max((stdout.rows ?? usualRows) - otherRows, 1)
}

/** Prints a plan; returns the exit code. */
export function printPlan(
  plan: MergePlan,
  dest: string,
  given: MergeCliOptions & PlanCliOptions,
  context: CliContext,
): number {
  const { print } = context
  if (given.json === true) print(toJson({ ...plan, entries: [...plan.entries()] }))
  else if (given.quiet !== true) print(describePlan(plan, dest, given, mostPaths(given, context)))
  return isRefused(plan) ? ExitCode.Conflicts : ExitCode.Done
}
