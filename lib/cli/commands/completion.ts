import { Argument } from 'commander'
import type { CliCommand } from '../command'
import { completionScript, shells, type Shell } from '../completion'
import { ExitCode } from '../exit-codes'

export const completionCommand: CliCommand = {
  name: 'completion',
  description: 'print a completion script for a shell',
  examples: [
    ['completion bash >> ~/.bashrc', 'for bash'],
    ['completion zsh > "${fpath[1]}/_reflink-merge"', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/reflink-merge.fish', 'for fish'],
  ],

  declare(command) {
    command.addArgument(new Argument('<shell>', 'the shell').choices(shells))
  },

  run(command, { print }) {
    const [shell] = command.processedArgs as [Shell]
    const { parent } = command
    if (parent === null) throw new Error('a command without a program')
    print(completionScript(parent, shell))
    return Promise.resolve(ExitCode.Done)
  },
}
