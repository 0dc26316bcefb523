import { CommanderError } from 'commander'
import type { Side } from '../errors'
import { MergeError } from '../index'
import type { CliContext } from './command'
import { ExitCode } from './exit-codes'
import { explain } from './explain'
import { hintFor, sideOf } from './hints'
import { HangUp } from './interrupt'
import { messageOf } from './message'

/** Reports what went wrong, where, and what to do next; returns the exit code. */
export async function reportError(error: unknown, context: CliContext): Promise<number> {
  const { signal, tell } = context
  // Commander has already reported what is wrong; --help and --version are not errors.
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? ExitCode.Done : ExitCode.Failed
  }
  const others = laterErrors(error)
  if (signal.aborted && error === signal.reason && others.length === 0) {
    tell('reflink-merge: interrupted, nothing was changed')
    return error instanceof HangUp ? ExitCode.HungUp : ExitCode.Interrupted
  }
  const messages = [error, ...others].map(messageOf)
  tell(`reflink-merge: ${messages.join('\n  also: ')}`)
  // That message names what decides each of them.
  if (error instanceof MergeError && error.code === 'ERR_MERGE_CONFLICT') return ExitCode.Conflicts
  const next = await nextStep(error)
  if (next !== undefined) tell(next)
  return ExitCode.Failed
}

/** What else went wrong, e.g. while dest was put back. */
function laterErrors(error: unknown): unknown[] {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return []
  return error.errors.filter((each) => each !== error)
}

/** The fields of an error of this library or of node:fs. */
interface Fields {
  readonly code?: unknown
  readonly syscall?: string
  readonly path?: string
  readonly dest?: string
  readonly source?: string
  readonly side?: Side
}

async function nextStep(error: unknown): Promise<string | undefined> {
  if (!(error instanceof Error)) return undefined
  const { code, syscall, path, dest, source } = error as Fields
  const side = sideOf(error as Fields)
  const hint = typeof code === 'string' ? hintFor(code, syscall, side) : undefined
  const lines = source === undefined ? [] : [`  package: ${source}`]
  if (hint !== undefined) {
    const means = await explain(hint.code, syscall, { from: path, to: dest ?? path, side })
    lines.push(`  ${means}`, `  next: ${hint.next}`)
  }
  return lines.length === 0 ? undefined : lines.join('\n')
}
