import { Help } from 'commander'
import type { CliContext, CliStream, CliStreams } from './command'
import { ExitCode } from './exit-codes'
import { Interrupt } from './interrupt'
import { makeProgram } from './program'
import { reportError } from './report-error'

/** Runs the command line; returns its exit code. stdout gets the result, stderr everything else. */
export async function run(
  argv: readonly string[],
  { stdout, stderr }: CliStreams = process,
): Promise<number> {
  const interrupt = new Interrupt(() => {
    context.tell(
      'reflink-merge: interrupted, putting everything back; interrupt again to end at once',
    )
  })
  const context: CliContext = {
    ...{ stdout, stderr, signal: interrupt.signal },
    print: (text) => void stdout.write(`${text}\n`),
    tell: (text) => void stderr.write(`${fitted(text, stderr)}\n`),
  }
  let code: number = ExitCode.Done
  try {
    await makeProgram(context, (ended) => (code = ended)).parseAsync(argv)
    return code
  } catch (error) {
    return await reportError(error, context)
  } finally {
    interrupt.end()
  }
}

/** On a terminal lines end between words; a pipe gets them whole. */
function fitted(text: string, { isTTY, columns }: CliStream): string {
  return isTTY === true && columns !== undefined ? new Help().boxWrap(text, columns) : text
}
