import { planMerge } from '../../index'
import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { addMergeOptions, toMergeOptions, type MergeCliOptions } from '../options'
import { declarePaths, readPaths } from '../sources'
import { describePlan } from '../text'

export const planCommand: CliCommand = {
  name: 'plan',
  description: 'show what merge would do; exit code 1 if there are conflicts',
  examples: [['plan store/a store/b project/vendor', 'lists every conflict, and changes nothing']],

  declare(command) {
    addMergeOptions(declarePaths(command))
  },

  async run(command, { signal, print }) {
    const { sources, dest } = readPaths(command)
    const given: MergeCliOptions = command.opts()
    const plan = await planMerge(sources, dest, { ...toMergeOptions(given), signal })
    if (given.json === true) {
      print(JSON.stringify({ ...plan, entries: [...plan.entries()] }, undefined, 2))
    } else if (given.quiet !== true) {
      print(describePlan(plan, dest))
    }
    return plan.conflicts.length > 0 ? ExitCode.Conflicts : ExitCode.Done
  },
}
