import { errno } from '../errno'
import { SystemError } from '../errors'
import {
  eachName,
  Equality,
  pathOf,
  type Comparison,
  type ContentJob,
  type Host,
  type PairJob,
  type Place,
} from '../host/host'
import { singles } from '../host/singles'
import { forEachLimited } from '../concurrency'
import type { FileAt } from '../scan/tree'
import type { Origin } from './plan'

/** Pairs of files of the same two directories; or files and what they are to hold. */
export interface ComparisonJob {
  readonly from: Place | { readonly contents: readonly Uint8Array[] }
  readonly to: Place
  readonly names: readonly string[]
  /** In `to`; default: the same. */
  readonly toNames?: readonly string[]
}

/** Whose files the second ones of the pairs are. */
type ComparedWith = 'sources' | 'dest'

/**
 * Compares pairs of files, many at once; one number of `Equality` a pair, in the jobs' order. A file of dest that may not
 * be read differs: what replaces or keeps it need not know what is in it.
 */
export type Compare = (jobs: readonly ComparisonJob[], other: ComparedWith) => Promise<Uint8Array>

const pairsPerCall = 128

/** The permission to read is missing, nothing else is wrong. */
const mayNotRead: ReadonlySet<number> = new Set([errno.EACCES, errno.EPERM])

/** Comparison on a host. */
export function comparer(
  host: Host,
  concurrencyLimit: number,
  signal: AbortSignal | undefined,
): Compare {
  return async (jobs, other) => {
    const answers = new Uint8Array(jobs.reduce((sum, { names }) => sum + names.length, 0))
    const calls = inCalls(jobs)
    // The first by its place among the pairs, not by time: the error must not depend on timing.
    let failure: { readonly pair: number; readonly error: Error } | undefined
    const ask = async ({ first, jobs: some }: Call): Promise<void> => {
      const { errnos, equal, syscall } = await compareOn(host, some)
      answers.set(equal, first)
      if (errnos.every((number) => number === 0)) return
      const failed = errnos.reduce((sum, number) => sum + (number === 0 ? 0 : 1), 0)
      const ofDest = other === 'dest' ? await failuresOfDest(host, some, errnos, failed) : undefined
      let next = 0
      for (const { index, job, name, position } of eachName(some)) {
        const pair = first + index
        const number = errnos[index] ?? 0
        if (number === 0) continue
        const own = ofDest?.errnos[next] ?? 0
        const ownCall = ofDest?.syscall(next) ?? ''
        next++
        if (mayNotRead.has(own) || (failure !== undefined && failure.pair < pair)) continue
        const dest = pathOf(job.to, job.toNames?.[position] ?? name)
        const isOne = own !== 0 || 'contents' in job.from
        const error = isOne
          ? new SystemError(own === 0 ? number : own, {
              syscall: own === 0 ? syscall(index) : ownCall,
              path: dest,
            })
          : new SystemError(number, {
              syscall: syscall(index),
              path: pathOf(job.from, name),
              dest,
            })
        failure = { pair, error }
      }
    }
    await forEachLimited(concurrencyLimit, signal, calls, ask)
    if (failure !== undefined) throw failure.error
    return answers
  }
}

/**
 * Which of the files that could not be compared failed on dest's side, one outcome a failure: those do so too when they
 * are compared with themselves.
 */
function failuresOfDest(
  host: Host,
  jobs: readonly ComparisonJob[],
  errnos: Int32Array,
  failed: number,
): Promise<Comparison> {
  const pairs = singles(jobs)
  const ownPairs: PairJob[] = []
  for (let index = 0; ownPairs.length < failed; index++) {
    const { to, names, toNames = names } = pairs[index] as ComparisonJob
    if (errnos[index] !== 0) ownPairs.push({ from: to, to, names: toNames })
  }
  return host.compare(ownPairs)
}

/** Jobs of one kind. */
function compareOn(host: Host, jobs: readonly ComparisonJob[]): Promise<Comparison> {
  const contents: ContentJob[] = []
  const pairs: PairJob[] = []
  for (const job of jobs) {
    const { from, to, names } = job
    if ('contents' in from) {
      contents.push({ to, names, contents: from.contents, modes: new Uint32Array(names.length) })
    } else {
      pairs.push({ ...job, from })
    }
  }
  return contents.length > 0 ? host.compareContent(contents) : host.compare(pairs)
}

/** Compares single pairs; one number of `Equality` a pair. */
export async function comparePairs(
  compare: Compare,
  pairs: readonly (readonly [Origin, Origin])[],
): Promise<Uint8Array> {
  const answers = new Uint8Array(pairs.length)
  const jobs = jobsOf(pairs, answers)
  const found = await compare(jobs, 'sources')
  jobs
    .flatMap(({ indexes }) => indexes)
    .forEach((pair, index) => {
      answers[pair] = found[index] ?? Equality.Differ
    })
  return answers
}

interface PairsJob extends ComparisonJob {
  readonly names: string[]
  readonly toNames: string[]
  /** Of the pairs. */
  readonly indexes: number[]
}

/** One job for all pairs of the same two directories: each is walked to once. What takes no file is answered at once. */
function jobsOf(pairs: readonly (readonly [Origin, Origin])[], answers: Uint8Array): PairsJob[] {
  const known = new Map<Place, Map<Place, PairsJob>>()
  const jobs: PairsJob[] = []
  for (const [index, [one, other]] of pairs.entries()) {
    // The one with the content first.
    const [from, to] = 'content' in other ? [other, one] : [one, other]
    if ('content' in from) {
      if ('content' in to) answers[index] = sameContent(from.content, to.content)
      else jobs.push(contentJob(from.content, to, index))
      continue
    }
    if ('content' in to) continue
    let toward = known.get(from.place)
    if (toward === undefined) known.set(from.place, (toward = new Map<Place, PairsJob>()))
    let job = toward.get(to.place)
    if (job === undefined) {
      job = { from: from.place, to: to.place, names: [], toNames: [], indexes: [] }
      toward.set(to.place, job)
      jobs.push(job)
    }
    job.names.push(from.name)
    job.toNames.push(to.name)
    job.indexes.push(index)
  }
  return jobs
}

function sameContent(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b) === 0 ? Equality.SameBytes : Equality.Differ
}

function contentJob(content: Uint8Array, { place, name }: FileAt, index: number): PairsJob {
  return {
    from: { contents: [content] },
    to: place,
    names: [name],
    toNames: [name],
    indexes: [index],
  }
}

interface Call {
  /** Place of its first pair among all. */
  readonly first: number
  readonly jobs: ComparisonJob[]
}

/** Jobs in groups of enough pairs for one call; a big one in pieces. */
function inCalls(jobs: readonly ComparisonJob[]): Call[] {
  const calls: Call[] = []
  let pairs = 0
  let room = 0
  let kind: boolean | undefined
  for (const job of jobs) {
    const { length } = job.names
    const isContent = 'contents' in job.from
    if (isContent !== kind) room = 0
    kind = isContent
    for (let start = 0; start < length; start += pairsPerCall) {
      const end = Math.min(length, start + pairsPerCall)
      if (room <= 0) {
        calls.push({ first: pairs, jobs: [] })
        room = pairsPerCall
      }
      calls.at(-1)?.jobs.push(length <= pairsPerCall ? job : pieceOf(job, start, end))
      pairs += end - start
      room -= end - start
    }
  }
  return calls
}

function pieceOf(job: ComparisonJob, start: number, end: number): ComparisonJob {
  const toNames = job.toNames?.slice(start, end)
  const from = 'contents' in job.from ? { contents: job.from.contents.slice(start, end) } : job.from
  return { ...job, from, names: job.names.slice(start, end), ...(toNames && { toNames }) }
}
