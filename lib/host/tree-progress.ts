import type { Outcomes } from './host'
import { notTried, type TreeJob, type TreeOutcomes } from './whole-trees'

/** Entries that a job leaves out, and directories that are there before it. */
export function restOf(job: TreeJob, made: number, wanted: Uint8Array): TreeJob {
  return { ...job, made, wanted }
}

/** What several calls for the same trees have come to. */
export class TreeProgress {
  private readonly bytes: Float64Array
  private made: Uint32Array | undefined
  private stops: Failures | undefined
  private rows: Failures | undefined
  /** The trees that were asked for last, by index, and each one's entries. */
  private asked: { readonly index: number; readonly job: TreeJob }[]
  /** The first entry of each tree among all. */
  private readonly starts: number[] = []

  constructor(
    private readonly jobs: readonly TreeJob[],
    outcomes: TreeOutcomes,
  ) {
    this.bytes = outcomes.bytes
    this.asked = []
    const { made, stops, rows } = outcomes
    if (made === undefined || stops === undefined || rows === undefined) return
    this.made = made
    this.stops = new Failures(stops)
    this.rows = new Failures(rows)
    let start = 0
    for (const { counts } of jobs) {
      this.starts.push(start)
      start += counts.reduce((sum, count) => sum + count, 0)
    }
  }

  get outcomes(): TreeOutcomes {
    const { bytes, made, stops, rows } = this
    if (made === undefined || stops === undefined || rows === undefined) {
      return { complete: true, bytes }
    }
    const complete = stops.isNone && rows.isNone
    return complete ? { complete, bytes } : { complete, bytes, made, stops, rows }
  }

  /** Jobs for what failed with such an errno, and what was not tried since. */
  repeated(isPassing: (errno: number) => boolean): TreeJob[] {
    const { made, stops, rows } = this
    this.asked = []
    if (made === undefined || stops === undefined || rows === undefined) return []
    this.jobs.forEach((job, index) => {
      const start = this.starts[index] ?? 0
      const isStopped = isPassing(stops.errnos[index] ?? 0)
      const wanted = rows.errnos
        .subarray(start, this.starts[index + 1])
        .map((number) => (isPassing(number) || (isStopped && number === notTried) ? 1 : 0))
      if (!isStopped && !wanted.includes(1)) return
      this.asked.push({ index, job: restOf(job, made[index] ?? 0, Uint8Array.from(wanted)) })
    })
    return this.asked.map(({ job }) => job)
  }

  /** Entries and directories that are asked for again. */
  get waiting(): number {
    let waiting = 0
    for (const { job } of this.asked) {
      waiting += job.counts.length - (job.made ?? 0)
      for (const isWanted of job.wanted ?? []) waiting += isWanted
    }
    return waiting
  }

  /** What those have come to. */
  add(again: TreeOutcomes): void {
    let row = 0
    this.asked.forEach(({ index, job }, at) => {
      const start = this.starts[index] ?? 0
      const { wanted = new Uint8Array(), counts } = job
      this.bytes[index] = (this.bytes[index] ?? 0) + (again.bytes[at] ?? 0)
      // One that was there before may not have been opened this time: it is there all the same.
      const made = Math.max(job.made ?? 0, again.made?.[at] ?? counts.length)
      if (this.made !== undefined) this.made[index] = made
      this.stops?.set(index, again.stops, at)
      wanted.forEach((isWanted, position) => {
        if (isWanted === 1) this.rows?.set(start + position, again.rows, row + position)
      })
      row += wanted.length
    })
  }
}

/** Outcomes of which some were replaced. */
class Failures implements Outcomes {
  readonly errnos: Int32Array
  private readonly late = new Map<number, { syscall: string; inDest: boolean }>()

  constructor(private readonly first: Outcomes) {
    this.errnos = first.errnos.slice()
  }

  get isNone(): boolean {
    return this.errnos.every((number) => number === 0)
  }

  readonly syscall = (index: number): string =>
    this.late.get(index)?.syscall ?? this.first.syscall(index)

  readonly inDest = (index: number): boolean =>
    this.late.get(index)?.inDest ?? this.first.inDest?.(index) === true

  /** `from`: undefined where nothing failed. */
  set(index: number, from: Outcomes | undefined, at: number): void {
    this.errnos[index] = from?.errnos[at] ?? 0
    this.late.set(index, {
      syscall: from?.syscall(at) ?? '',
      inDest: from?.inDest?.(at) === true,
    })
  }
}
