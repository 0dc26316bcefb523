import type { CliContext, CliStreams } from './command'
import { ExitCode } from './exit-codes'
import { Interrupt } from './interrupt'
import { makeProgram } from './program'
import { reportError } from './report-error'

/** Runs the command line; answers its exit code. stdout gets the result, stderr all else. */
export async function run(
  argv: readonly string[],
  { stdout, stderr }: CliStreams = process,
): Promise<number> {
  const interrupt = new Interrupt()
  const context: CliContext = {
    ...{ stdout, stderr, signal: interrupt.signal },
    print: (text) => void stdout.write(`${text}\n`),
    tell: (text) => void stderr.write(`${text}\n`),
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
