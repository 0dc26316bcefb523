import { errnoName, errnoText } from './errno'
import { MergeError, type SourceChangedError } from './merge-error'

/** What is read, and where it goes. */
export type Side = 'source' | 'dest'

/** What a failed system call was about. */
export interface CallContext {
  syscall: string
  /** What it read, or the one path it was about. */
  path?: string | undefined
  /** What it was to make. */
  dest?: string | undefined
  /** Name of the source whose entry it was. */
  source?: string | undefined
  /** Where it failed, of calls that both sides have. */
  side?: Side | undefined
  /** Windows: what GetLastError returned. */
  win32Error?: number | undefined
  /** What to do about it, as a sentence. */
  hint?: string | undefined
}

function callMessage(number: number, context: CallContext): string {
  const paths =
    (context.path === undefined ? '' : ` '${context.path}'`) +
    (context.dest === undefined ? '' : ` -> '${context.dest}'`)
  const hint = context.hint === undefined ? '' : `. ${context.hint}`
  return `${errnoName(number)}: ${errnoText(number)}, ${context.syscall}${paths}${hint}`
}

/** A failed system call, in the form of the errors of `node:fs`. */
export class SystemError extends Error {
  /** Name of the errno, e.g. `ENOSPC`. */
  readonly code: string
  /** Negative, as in Node's errors. */
  readonly errno: number
  readonly syscall: string
  declare readonly path?: string
  declare readonly dest?: string
  /** Name of the source whose entry it was, if there is one. */
  declare readonly source?: string
  /** Of an `open`: whether it was in the source or in dest. `path` is what could not be opened. */
  declare readonly side?: Side
  /** Windows, calls of the addon: what GetLastError returned; several of these values may map to one errno. */
  declare readonly win32Error?: number
  /** All failures, if several things failed; this one first. */
  declare errors?: readonly unknown[]

  /** `number`: the errno, positive as the kernel gives it. */
  constructor(number: number, context: CallContext) {
    super(callMessage(number, context))
    this.code = errnoName(number)
    this.errno = -number
    this.syscall = context.syscall
    if (context.path !== undefined) this.path = context.path
    if (context.dest !== undefined) this.dest = context.dest
    if (context.source !== undefined) this.source = context.source
    if (context.side !== undefined) this.side = context.side
    if (context.win32Error !== undefined) this.win32Error = context.win32Error
  }
}

/**
 * What hosts name in the place of a system call where a source is no longer what it was when it was opened. The errno
 * beside it is EBUSY.
 */
export const changedCall = 'changed'

/** A file that was written to while it was copied or cloned: what came of it is a mix, and was removed. */
export function sourceChanged(where: {
  readonly source?: string
  readonly path: string
  readonly dest: string
}): SourceChangedError {
  const { source, path } = where
  const whose = source === undefined ? '' : ` of source ${source}`
  const message = `'${path}'${whose} changed while it was being read; try again once nothing writes to it`
  return new MergeError('ERR_MERGE_SOURCE_CHANGED', message, where)
}

/** Bad arguments, with the codes that Node itself uses for them. */
export function invalidArgument(kind: 'TYPE' | 'VALUE', message: string): Error {
  const error = kind === 'TYPE' ? new TypeError(message) : new RangeError(message)
  return Object.assign(error, { code: `ERR_INVALID_ARG_${kind}` })
}

/** A call that comes too late, with the code that Node itself uses for it. */
export function invalidState(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_INVALID_STATE' })
}

/** The first of several errors, with `.errors` holding them all; one alone stays as it is. */
export function firstOf(errors: readonly unknown[]): unknown {
  const distinct = [...new Set(errors.flatMap(withOthers))]
  const [first] = distinct
  // A caller's own error, e.g. the reason of an abort, may be one that cannot take a property.
  const takesMore = first instanceof Error && Object.isExtensible(first)
  if (distinct.length > 1 && takesMore) Object.assign(first, { errors: distinct })
  return first
}

/** An error and the others that it already carries. */
function withOthers(error: unknown): unknown[] {
  const others = error instanceof Error && 'errors' in error ? error.errors : []
  return [error, ...(Array.isArray(others) ? (others as unknown[]) : [])]
}

/** Cleans up after an error, which stays the cause: a failure of the cleaning goes to `.errors`. */
export async function throwAfter(error: unknown, cleanUp: () => Promise<unknown>): Promise<never> {
  const errors = [error]
  await cleanUp().catch((failure: unknown) => errors.push(failure))
  throw firstOf(errors)
}

const listed = 10

/** The first ten lines, and how many more there are. */
export function listSome(lines: readonly string[]): string {
  const shown = lines.slice(0, listed).map((line) => `\n  ${line}`)
  const more = lines.length - shown.length
  return shown.join('') + (more > 0 ? `\n  … and ${String(more)} more` : '')
}
