import { errno, errnoOf } from '../errno'
import { Gate } from './gate'
import {
  pathOf,
  type ContentJob,
  type LinkJob,
  type NamesJob,
  type Outcomes,
  type PairJob,
  type Place,
} from './host'
import { isName } from './names'
import { noMode } from './whole-trees'

/** One name of a job, as paths. */
export interface Item {
  readonly from: string
  readonly to: string
  /** `noMode` where a file is to have its source's. */
  readonly mode: number
}

/** A call that failed, with its positive errno. Other errors are faults of ours and pass through. */
export class Failure extends Error {
  constructor(
    readonly errno: number,
    readonly syscall: string,
    /** An open() of the entry that is made, not of the one that is read. */
    readonly inDest = false,
  ) {
    super(syscall)
  }
}

/** Awaits a call of node:fs; `syscall` names it where Node names another. */
export async function call<T>(promise: Promise<T>, syscall?: string): Promise<T> {
  try {
    return await promise
  } catch (error) {
    const number = errnoOf(error)
    if (number === undefined) throw error
    throw new Failure(number, syscall ?? (error as NodeJS.ErrnoException).syscall ?? '')
  }
}

// Every call of node:fs takes a pool thread, of which there are four: more at once only queue up, each with what it
// has open. So for all batches together.
const atOnce = 8
const gate = new Gate(atOnce)

/** Awaits a call that opens what is made, or is about to be. */
export async function callInDest<T>(promise: Promise<T>): Promise<T> {
  try {
    return await call(promise)
  } catch (error) {
    if (error instanceof Failure && error.syscall === 'open')
      throw new Failure(error.errno, error.syscall, true)
    throw error
  }
}

/** Runs the tasks, some at once; their results in order. */
export async function inParallel<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results = new Array<T>(tasks.length)
  const queue = tasks.entries()
  const lane = async (): Promise<void> => {
    for (const [index, task] of queue) results[index] = await task()
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, tasks.length) }, lane))
  return results
}

/** Outcomes, and one number an item. */
interface Answered extends Outcomes {
  readonly answers: Float64Array
}

/**
 * One outcome an item: 0, or what the operation failed with. A number it answers goes to `answers`.
 * The operation itself must not call this, or it may wait for itself.
 */
export async function each<T>(
  items: readonly (T | Failure)[],
  operation: (item: T, index: number) => Promise<unknown>,
): Promise<Answered> {
  const errnos = new Int32Array(items.length)
  const answers = new Float64Array(items.length)
  const failures = new Map<number, Failure>()
  const one = async (item: T | Failure, index: number): Promise<void> => {
    try {
      if (item instanceof Failure) throw item
      const answer = await gate.pass(() => operation(item, index))
      if (typeof answer === 'number') answers[index] = answer
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      errnos[index] = error.errno
      failures.set(index, error)
    }
  }
  await inParallel(items.map((item, index) => () => one(item, index)))
  return {
    ...{ errnos, answers },
    syscall: (index) => failures.get(index)?.syscall ?? '',
    inDest: (index) => failures.get(index)?.inDest === true,
  }
}

const notAName = new Failure(errno.EINVAL, 'name')

/** The path of an entry; the addon refuses what is no name, so does this. */
export function entryPath(place: Place, name: string): string | Failure {
  return isName(name) ? pathOf(place, name) : notAName
}

function item(from: string | Failure, to: string | Failure, mode = 0): Item | Failure {
  if (from instanceof Failure) return from
  return to instanceof Failure ? to : { from, to, mode }
}

export function pairItems(jobs: readonly PairJob[]): (Item | Failure)[] {
  return jobs.flatMap(({ from, to, names, toNames = names, modes }) =>
    names.map((name, i) =>
      item(entryPath(from, name), entryPath(to, toNames[i] ?? ''), modes?.[i] ?? noMode),
    ),
  )
}

/** Files with given bytes, in order. */
export function contentItems(
  jobs: readonly ContentJob[],
): ((Item & { content: Uint8Array }) | Failure)[] {
  const contents = jobs.flatMap((job) => job.contents)
  return nameItems(jobs).map((each, index) =>
    each instanceof Failure ? each : { ...each, content: contents[index] as Uint8Array },
  )
}

export function nameItems(jobs: readonly NamesJob[]): (Item | Failure)[] {
  return jobs.flatMap(({ to, names, modes }) =>
    names.map((name, i) => item('', entryPath(to, name), modes?.[i] ?? 0o777)),
  )
}

/** `from` is the target's text. */
export function linkItems(jobs: readonly LinkJob[]): (Item | Failure)[] {
  return jobs.flatMap(({ to, names, targets }) =>
    names.map((name, i) => item(targets[i] ?? '', entryPath(to, name))),
  )
}
