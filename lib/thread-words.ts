import { SystemError } from './errors'
import { MergeError } from './merge-error'
import type { MergeOptions, MergeResult, Source } from './types'

/** What a thread that merges is asked. */
export interface Job {
  readonly sources: readonly Source[]
  readonly dest: string
  readonly options: MergeOptions | undefined
}

/** What it answers. Of errors a message between threads would keep the text alone. */
export type Answer = { readonly result: MergeResult } | { readonly thrown: Thrown }

/** An error in parts. */
interface Thrown {
  readonly kind: 'SystemError' | 'MergeError' | 'TypeError' | 'RangeError' | 'Error'
  readonly message: string
  /** Its own properties, but for the text and the stack. */
  readonly details: Readonly<Record<string, unknown>>
  readonly others: readonly Thrown[]
  readonly cause: Thrown | undefined
}

const classes: Readonly<Record<Thrown['kind'], { readonly prototype: Error }>> = {
  ...{ SystemError, MergeError, TypeError, RangeError, Error },
}

export function resultAnswer(result: MergeResult): Answer {
  const { leftover, left } = result
  const parted = {
    ...result,
    ...(leftover && { leftover: { ...leftover, error: inParts(leftover.error) } }),
    ...(left && { left: left.map((each) => ({ ...each, error: inParts(each.error) })) }),
  }
  return { result: parted }
}

export function errorAnswer(error: unknown): Answer {
  return { thrown: inParts(error) }
}

/** The result, or throws the error. */
export function readAnswer(answer: Answer): MergeResult {
  if ('thrown' in answer) throw wholeError(answer.thrown)
  const { result } = answer
  for (const each of [result.leftover, ...(result.left ?? [])])
    if (each !== undefined) each.error = wholeError(each.error as Thrown)
  return result
}

function inParts(error: unknown): Thrown {
  if (!(error instanceof Error))
    return { kind: 'Error', message: String(error), details: {}, others: [], cause: undefined }
  const own = Object.fromEntries<unknown>(Object.entries(error))
  const { errors, cause, ...details } = own
  const others = Array.isArray(errors) ? (errors as unknown[]).filter((each) => each !== error) : []
  const why = error.cause ?? cause
  return {
    kind: kindOf(error),
    message: error.message,
    details,
    others: others.map(inParts),
    cause: why === undefined ? undefined : inParts(why),
  }
}

/** By its name: the thread has classes of its own. */
function kindOf({ constructor: { name } }: Error): Thrown['kind'] {
  return Object.hasOwn(classes, name) ? (name as Thrown['kind']) : 'Error'
}

/** Its stack is that of the caller who waited. */
function wholeError({ kind, message, details, others, cause }: Thrown): Error {
  const error = new Error(message, cause && { cause: wholeError(cause) })
  Object.setPrototypeOf(error, classes[kind].prototype)
  Object.assign(error, details)
  if (others.length > 0) Object.assign(error, { errors: [error, ...others.map(wholeError)] })
  return error
}
