import { Command, CommanderError } from 'commander'
import { merge, MergeError, planMerge, recover } from '../index'
import { ExitCode } from './exit-codes'
import { addMergeOptions, splitPaths, toMergeOptions, type CliOptions } from './options'
import { ProgressBar } from './progress-bar'
import { describePlan, describeRecovery, describeResult } from './text'
import { version } from './version'

/** Runs the command line; answers its exit code. stdout gets the result, stderr all else. */
export async function run(argv: readonly string[]): Promise<number> {
  const interrupt = new Interrupt()
  let code: number = ExitCode.Done
  const program = new Command('reflink-merge')
    .description('Merge package trees into one directory by copy-on-write clones, all or nothing.')
    .version(version())
    .exitOverride()
    .addHelpText('after', '\nExit codes: 0 done, 1 conflicts, 2 failed, 130 interrupted.')
  const add = (name: string, description: string, action: Action): void => {
    const command = program
      .command(name)
      .description(description)
      .argument('<path...>', 'sources, and dest as the last')
      .action(async (paths: string[], options: CliOptions) => {
        if (paths.length < 2) command.error('error: there must be a source and a dest')
        code = await action(paths, options, interrupt.signal)
      })
    command.usage('[options] <source...> <dest>').exitOverride()
    addMergeOptions(command)
  }
  add('merge', 'merge the sources into dest', runMerge)
  add('plan', 'show what merge would do; exit code 1 if there are conflicts', runPlan)
  program
    .command('recover')
    .description('put dest back to what it was before merges that were killed')
    .argument('<dest>')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'print no summary')
    .exitOverride()
    .action(async (dest: string, options: Pick<CliOptions, 'json' | 'quiet'>) => {
      code = await runRecover(dest, options)
    })
  try {
    await program.parseAsync(argv)
    return code
  } catch (error) {
    return exitCodeOf(error, interrupt.signal)
  } finally {
    interrupt.end()
  }
}

type Action = (paths: string[], options: CliOptions, signal: AbortSignal) => Promise<number>

async function runMerge(paths: string[], given: CliOptions, signal: AbortSignal): Promise<number> {
  const { sources, dest } = splitPaths(paths)
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
}

async function runPlan(paths: string[], given: CliOptions, signal: AbortSignal): Promise<number> {
  const { sources, dest } = splitPaths(paths)
  const plan = await planMerge(sources, dest, { ...toMergeOptions(given), signal })
  if (given.json === true) {
    print(JSON.stringify({ ...plan, entries: [...plan.entries()] }, undefined, 2))
  } else if (given.quiet !== true) {
    print(describePlan(plan, dest))
  }
  return plan.conflicts.length > 0 ? ExitCode.Conflicts : ExitCode.Done
}

async function runRecover(
  dest: string,
  given: Pick<CliOptions, 'json' | 'quiet'>,
): Promise<number> {
  const result = await recover(dest)
  if (given.json === true) {
    const left = result.left.map(({ path, error }) => ({ path, error: messageOf(error) }))
    print(JSON.stringify({ ...result, left }, undefined, 2))
  } else if (given.quiet !== true) {
    print(describeRecovery(result, dest))
  }
  for (const { path, error } of result.left) {
    process.stderr.write(`reflink-merge: ${path} was left: ${messageOf(error)}\n`)
  }
  return result.left.length > 0 ? ExitCode.Failed : ExitCode.Done
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function exitCodeOf(error: unknown, signal: AbortSignal): number {
  // Commander has already said what is wrong; --help and --version are no errors.
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? ExitCode.Done : ExitCode.Failed
  }
  const others = laterErrors(error)
  if (signal.aborted && error === signal.reason && others.length === 0) {
    process.stderr.write('reflink-merge: interrupted, nothing was changed\n')
    return ExitCode.Interrupted
  }
  const messages = [error, ...others].map(messageOf)
  process.stderr.write(`reflink-merge: ${messages.join('\n  also: ')}\n`)
  const conflict = error instanceof MergeError && error.code === 'ERR_MERGE_CONFLICT'
  return conflict ? ExitCode.Conflicts : ExitCode.Failed
}

/** What went wrong besides, e.g. while dest was put back. */
function laterErrors(error: unknown): unknown[] {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return []
  return error.errors.filter((each) => each !== error)
}

/** Ctrl-C and kill abort the merge, which puts everything back; a second one ends the process. */
class Interrupt {
  private readonly controller = new AbortController()
  private readonly onSignal = (): void => {
    this.controller.abort(new Error('interrupted'))
  }

  constructor() {
    process.once('SIGINT', this.onSignal)
    process.once('SIGTERM', this.onSignal)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  end(): void {
    process.removeListener('SIGINT', this.onSignal)
    process.removeListener('SIGTERM', this.onSignal)
  }
}
