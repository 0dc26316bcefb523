import type { Command } from 'commander'
import { planMerge, type MergeOptions, type MergeResult, type Source } from '../index'
import type { CliContext } from './command'
import { ExitCode } from './exit-codes'
import { toJson } from './json'
import type { MergeCliOptions } from './options'
import { printPlan, type PlanCliOptions } from './print-plan'
import { readSources } from './sources'
import { describeResult } from './text'
import { tracked } from './tracked'

interface CarryOutCliOptions extends MergeCliOptions, PlanCliOptions {
  dryRun?: boolean
}

type Merge = (sources: Source[], dest: string, options: MergeOptions) => Promise<MergeResult>

/** merge or sync as the command line asks for it; with --dry-run what it would do. `always`: options that it implies. */
export async function carryOut(
  command: Command,
  context: CliContext,
  mergeAll: Merge,
  always: Partial<MergeCliOptions> = {},
): Promise<number> {
  const { sources, dest } = readSources(command)
  const given: CarryOutCliOptions = { ...always, ...command.opts<CarryOutCliOptions>() }
  if (given.dryRun === true) {
    const plan = await tracked(context, given, (options) => planMerge(sources, dest, options))
    return printPlan(plan, dest, given, context)
  }
  const result = await tracked(context, given, (options) => mergeAll(sources, dest, options))
  if (given.json === true) context.print(toJson(result))
  else if (given.quiet !== true) context.print(describeResult(result, dest, given))
  return ExitCode.Done
}

/** Of every command that changes dest. */
export function addDryRunOption(command: Command): Command {
  return command
    .option('--dry-run', 'show what would be done without doing it')
    .option('--list', 'with --dry-run: list every path')
}
