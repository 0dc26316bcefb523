import { SystemError } from '../errors'
import { eachName, Equality, pathOf, type Host, type Place } from '../host/host'
import { inLanes } from '../lanes'

/** A file: its directory and its name there. */
export interface FileAt {
  readonly place: Place
  readonly name: string
}

/** Compares pairs of files, many at once; one number of `Equality` a pair. */
export type Compare = (pairs: readonly (readonly [FileAt, FileAt])[]) => Promise<Uint8Array>

interface Job {
  readonly from: Place
  readonly to: Place
  readonly names: string[]
  readonly toNames: string[]
  /** Of the pairs. */
  readonly indexes: number[]
}

const pairsPerCall = 128

/** Comparison on a host. */
export function comparer(host: Host, lanes: number, signal: AbortSignal | undefined): Compare {
  return async (pairs) => {
    const answers = new Uint8Array(pairs.length)
    const calls = inCalls(jobsOf(pairs))
    // The first by its place among the pairs, not by time: the error must not depend on timing.
    let failure: { readonly index: number; readonly error: Error } | undefined
    const ask = async (jobs: readonly Job[]): Promise<void> => {
      const { errnos, equal, syscall } = await host.compare(jobs)
      for (const { index, job, name, position } of eachName(jobs)) {
        const pair = job.indexes[position] ?? 0
        answers[pair] = equal[index] ?? Equality.Differ
        const number = errnos[index] ?? 0
        if (number === 0 || (failure !== undefined && failure.index < pair)) continue
        const path = pathOf(job.from, name)
        const dest = pathOf(job.to, job.toNames[position])
        const error = new SystemError(number, { syscall: syscall(index), path, dest })
        failure = { index: pair, error }
      }
    }
    await inLanes(lanes, signal, () => {
      const jobs = calls.shift()
      return jobs && ask(jobs)
    })
    if (failure !== undefined) throw failure.error
    return answers
  }
}

/** One job for all pairs of the same two directories: each is walked to once. */
function jobsOf(pairs: readonly (readonly [FileAt, FileAt])[]): Job[] {
  const known = new Map<Place, Map<Place, Job>>()
  const jobs: Job[] = []
  for (const [index, [from, to]] of pairs.entries()) {
    let toward = known.get(from.place)
    if (toward === undefined) known.set(from.place, (toward = new Map<Place, Job>()))
    let job = toward.get(to.place)
    if (job === undefined || job.names.length >= pairsPerCall) {
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

function inCalls(jobs: readonly Job[]): Job[][] {
  const calls: Job[][] = []
  let room = 0
  for (const job of jobs) {
    if (room <= 0) {
      calls.push([])
      room = pairsPerCall
    }
    calls.at(-1)?.push(job)
    room -= job.names.length
  }
  return calls
}
