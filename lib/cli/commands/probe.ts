import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { toJson } from '../json'
import { addOutputOptions, type OutputOptions } from '../options'
import { report } from '../probe/report'
import { describeProbe } from '../probe/text'

export const probeCommand: CliCommand = {
  name: 'probe',
  description: 'try each link mode between a store and a dest, and recommend one',
  examples: [
    ['probe store project/node_modules', 'tries each mode with a file from store, then cleans up'],
    ['probe store project/node_modules --json', 'prints the same as JSON'],
  ],

  declare(command) {
    addOutputOptions(
      command
        .argument('<store>', 'a file, or a directory that contains files')
        .argument('<dest>', 'where packages will go; need not exist'),
    )
  },

  async run(command, { signal, print, stdout }) {
    const [store, dest] = command.processedArgs as [string, string]
    const { json, quiet }: OutputOptions = command.opts()
    const found = await report(store, dest, signal)
    if (json === true) print(toJson(found))
    else if (quiet !== true) print(describeProbe(found, stdout.columns))
    return ExitCode.Done
  },
}
