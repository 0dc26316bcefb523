import { planMerge } from '../../index'
import type { CliCommand } from '../command'
import { addMergeOptions, type MergeCliOptions } from '../options'
import { declareSources, readSources } from '../sources'
import { printPlan, type PlanCliOptions } from '../print-plan'
import { tracked } from '../tracked'

export const planCommand: CliCommand = {
  name: 'plan',
  description: 'show what merge would do; exits with 1 if it would fail with conflicts',
  examples: [
    ['plan store/a store/b project/vendor', 'lists the conflicts and changes nothing'],
    ['plan a b dest --conflicts last', 'shows who would win'],
    ['plan a dest --list', 'lists every path and what would happen to it'],
    ['plan --packages store dest --json', 'prints the same as JSON'],
  ],

  declare(command) {
    addMergeOptions(declareSources(command)).option('--list', 'list every path')
  },

  async run(command, context) {
    const { sources, dest } = readSources(command)
    const given: MergeCliOptions & PlanCliOptions = command.opts()
    const plan = await tracked(context, given, (options) => planMerge(sources, dest, options))
    return printPlan(plan, dest, given, context)
  },
}
