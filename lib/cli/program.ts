import { Command } from 'commander'
import { helpOf, type CliCommand, type CliContext } from './command'
import { commands } from './commands'
import { version } from './version'

/** The command line as commander knows it; `onEnd` gets the exit code of the command that ran. */
export function makeProgram(context: CliContext, onEnd: (code: number) => void): Command {
  const program = new Command('reflink-merge')
    .description('Merge package trees into one directory by copy-on-write clones, all or nothing.')
    .version(version())
    .exitOverride()
    .addHelpText('after', '\nExit codes: 0 done, 1 conflicts, 2 failed, 130 interrupted.')
  for (const command of commands) addTo(program, command, context, onEnd)
  return program
}

function addTo(
  program: Command,
  { name, description, examples, declare, run }: CliCommand,
  context: CliContext,
  onEnd: (code: number) => void,
): void {
  const command = program.command(name).description(description).exitOverride()
  declare(command)
  command.addHelpText('after', helpOf(examples)).action(async () => {
    onEnd(await run(command, context))
  })
}
