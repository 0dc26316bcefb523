import { CommanderError } from 'commander'
import { MergeError } from '../index'
import type { CliContext } from './command'
import { ExitCode } from './exit-codes'

/** Tells what went wrong; answers the exit code. */
export function reportError(error: unknown, { signal, tell }: CliContext): number {
  // Commander has already said what is wrong; --help and --version are no errors.
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? ExitCode.Done : ExitCode.Failed
  }
  const others = laterErrors(error)
  if (signal.aborted && error === signal.reason && others.length === 0) {
    tell('reflink-merge: interrupted, nothing was changed')
    return ExitCode.Interrupted
  }
  const messages = [error, ...others].map(messageOf)
  tell(`reflink-merge: ${messages.join('\n  also: ')}`)
  const conflict = error instanceof MergeError && error.code === 'ERR_MERGE_CONFLICT'
  return conflict ? ExitCode.Conflicts : ExitCode.Failed
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What went wrong besides, e.g. while dest was put back. */
function laterErrors(error: unknown): unknown[] {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return []
  return error.errors.filter((each) => each !== error)
}
