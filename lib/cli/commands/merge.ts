import { merge } from '../../index'
import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { addMergeOptions, toMergeOptions, type MergeCliOptions } from '../options'
import { ProgressBar } from '../progress-bar'
import { declarePaths, readPaths } from '../sources'
import { describeResult } from '../text'

export const mergeCommand: CliCommand = {
  name: 'merge',
  description: 'merge the sources into dest',
  examples: [
    ['merge store/a store/b project/vendor', 'puts both packages into project/vendor'],
    [
      'merge store/a store/b project/vendor --conflicts last',
      'where both have a file, takes that of store/b',
    ],
  ],

  declare(command) {
    addMergeOptions(declarePaths(command))
  },

  async run(command, { signal, print }) {
    const { sources, dest } = readPaths(command)
    const given: MergeCliOptions = command.opts()
    const bar = new ProgressBar(given.quiet === true || given.json === true)
    try {
      const options = { ...toMergeOptions(given), signal, onProgress: bar.update }
      const result = await merge(sources, dest, options)
      bar.stop()
      if (given.json === true) print(JSON.stringify(result, undefined, 2))
      else if (given.quiet !== true) print(describeResult(result, dest))
      return ExitCode.Done
    } finally {
      bar.stop()
    }
  },
}
