import { Command } from 'commander'
import type { CliCommand, CliContext } from './command'
import { commands } from './commands'
import { version } from './version'

const exitCodes = `
Exit codes: 0 success, 1 conflicts (verify: differences), 2 failure, 130 interrupted, 129 terminal closed.`

/** The command line as commander knows it; `onEnd` gets the exit code of the command that ran. */
export function makeProgram(context: CliContext, onEnd: (code: number) => void): Command {
  const { stdout, stderr } = context
  const program = new Command('reflink-merge')
    .description('Merge package trees into one directory by copy-on-write clones, all or nothing.')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
    })
    // The same line as in the command's own help.
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .showHelpAfterError('(see --help)')
    .addHelpText('after', exitCodes)
  for (const command of commands) addTo(program, command, context, onEnd)
  return program
}

function addTo(
  program: Command,
  { name, description, examples, declare, run }: CliCommand,
  context: CliContext,
  onEnd: (code: number) => void,
): void {
  const command = program.command(name).description(description)
  declare(command)
  command.addHelpText('after', helpOf(examples)).action(async () => {
    onEnd(await run(command, context))
  })
}

function helpOf(examples: CliCommand['examples']): string {
  const lines = examples.map(([line, effect]) => `  $ reflink-merge ${line}\n    ${effect}`)
  return `\nExamples:\n${lines.join('\n')}`
}
