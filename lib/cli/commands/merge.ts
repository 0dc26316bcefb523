import { merge, planMerge } from '../../index'
import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { toJson } from '../json'
import { addMergeOptions, type MergeCliOptions } from '../options'
import { declareSources, readSources } from '../sources'
import { printPlan, type PlanCliOptions } from '../print-plan'
import { describeResult } from '../text'
import { tracked } from '../tracked'

export const mergeCommand: CliCommand = {
  name: 'merge',
  description: 'merge the sources into dest',
  examples: [
    ['merge store/a store/b project/vendor', 'puts both packages into project/vendor'],
    ['merge store/core:@acme/core project/node_modules', 'puts one at its own place there'],
    ['merge --packages store project/node_modules', 'puts each package of store at its place'],
    ['merge a b dest --conflicts last --existing replace', 'b wins over a, and both over dest'],
    ['merge a dest --link-mode clone', 'fails where the file system cannot clone'],
  ],

  declare(command) {
    const options = addMergeOptions(declareSources(command))
    options
      .option('--dry-run', 'show what would be done, as plan does, and change nothing')
      .option('--list', 'with --dry-run: list every path')
  },

  async run(command, context) {
    const { sources, dest } = readSources(command)
    const given: MergeCliOptions & PlanCliOptions & { dryRun?: boolean } = command.opts()
    if (given.dryRun === true) {
      const plan = await tracked(context, given, (options) => planMerge(sources, dest, options))
      return printPlan(plan, dest, given, context)
    }
    const result = await tracked(context, given, (options) => merge(sources, dest, options))
    if (given.json === true) context.print(toJson(result))
    else if (given.quiet !== true) context.print(describeResult(result, dest, given))
    return ExitCode.Done
  },
}
