import { planMerge } from '../../index'
import type { CliCommand } from '../command'
import { addMergeOptions, type MergeCliOptions } from '../options'
import { declareSources, readSources } from '../sources'
import { tellPlan } from '../tell-plan'
import { tracked } from '../tracked'

export const planCommand: CliCommand = {
  name: 'plan',
  description: 'tell what merge would do; exit code 1 if it would fail with conflicts',
  examples: [
    ['plan store/a store/b project/vendor', 'lists the conflicts, and changes nothing'],
    ['plan a b dest --conflicts last', 'tells who would win'],
    ['plan --packages store dest --json', 'tells every entry, and what would be done with it'],
  ],

  declare(command) {
    addMergeOptions(declareSources(command))
  },

  async run(command, context) {
    const { sources, dest } = readSources(command)
    const given: MergeCliOptions = command.opts()
    const plan = await tracked(context, given, (options) => planMerge(sources, dest, options))
    return tellPlan(plan, dest, given, context)
  },
}
