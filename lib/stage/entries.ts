import { joinPath, pathOf, type LinkJob, type PairJob, type Place } from '../host/host'
import type { Step } from '../plan/placements'
import { originOf, placeOf, type Part, type PlanDirectory } from '../plan/plan'
import type { LinkMode } from '../types'

/** One entry to place. */
export interface Entry {
  readonly directory: PlanDirectory
  readonly part: Part
  /** Name of the source. */
  readonly source: string
  readonly position: number
  /** The link modes that it may take, in order; none for a symlink. */
  readonly modes: readonly LinkMode[]
  /** The modes that it did not take, so far. */
  steps?: readonly Step[]
}

/** '/'-joined path in dest. */
export function pathInDest({ directory, part }: Entry, index: number): string {
  return joinPath(directory.path, part.tree.names[index] as string)
}

export function indexOf({ part, position }: Entry): number {
  return part.picks[position] as number
}

export function deviceOf({ tree }: Part, index: number): number {
  return typeof tree.device === 'number' ? tree.device : (tree.device[index] ?? 0)
}

export function sourcePath({ part }: Entry, index: number): string {
  const { place, name } = originOf(part.tree, index)
  return pathOf(place, name)
}

/** Jobs for the entries, in order: neighbours with the same two directories are one job. */
export function pairJobs(entries: readonly Entry[], fresh: Place): PairJob[] {
  const jobs: { from: Place; to: Place; names: string[]; toNames: string[] }[] = []
  let last: Entry | undefined
  for (const entry of entries) {
    const index = indexOf(entry)
    const { place, name } = originOf(entry.part.tree, index)
    const job = jobs.at(-1)
    const together =
      last?.part === entry.part && last.directory === entry.directory && samePlace(job?.from, place)
    const toName = entry.part.tree.names[index] as string
    if (job !== undefined && together) {
      job.names.push(name)
      job.toNames.push(toName)
    } else {
      const to = placeOf(fresh, entry.directory)
      jobs.push({ from: place, to, names: [name], toNames: [toName] })
    }
    last = entry
  }
  return jobs
}

function samePlace(a: Place | undefined, b: Place): boolean {
  return a?.base === b.base && a.path === b.path
}

/** Symlinks for the entries, in order; neighbours of one directory are one job. */
export function linkJobs(
  entries: readonly Entry[],
  fresh: Place,
  target: (entry: Entry, index: number) => string,
): LinkJob[] {
  const jobs: { to: Place; names: string[]; targets: string[] }[] = []
  let last: Entry | undefined
  for (const entry of entries) {
    const index = indexOf(entry)
    if (last?.directory !== entry.directory) {
      jobs.push({ to: placeOf(fresh, entry.directory), names: [], targets: [] })
    }
    jobs.at(-1)?.names.push(entry.part.tree.names[index] as string)
    jobs.at(-1)?.targets.push(target(entry, index))
    last = entry
  }
  return jobs
}
