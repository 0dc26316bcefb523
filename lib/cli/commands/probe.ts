import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { toJson } from '../json'
import { addOutputOptions, type OutputOptions } from '../options'
import { report } from '../probe/report'
import { describeProbe } from '../probe/text'

export const probeCommand: CliCommand = {
  name: 'probe',
  description: 'try each link mode between a store and a dest, and say which to take',
  examples: [
    ['probe store project/node_modules', 'tries them with a file of store, and removes it again'],
    ['probe store project/node_modules --json', 'the same for programs'],
  ],

  declare(command) {
    addOutputOptions(
      command
        .argument('<store>', 'a directory with files, or a file')
        .argument('<dest>', 'where packages are to go; it need not be there'),
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
