import type { RawJobs, RawListings, RawPlaces } from '../addon'
import { Kind, type Listing, type Place } from './host'

/** What jobs of all kinds have. */
interface Job {
  readonly from?: Place
  readonly to: Place
  readonly names: readonly string[]
  readonly toNames?: readonly string[]
  readonly modes?: Uint32Array
}

const NUL = '\0'

/** What holds a NUL itself, or is not Unicode, cannot cross to the addon. */
function canCross(text: string): boolean {
  return !text.includes(NUL) && text.isWellFormed()
}

/** Names as they cross: one string, NUL after each. One that cannot goes as an empty name, which is refused like it. */
function carriedNames(names: readonly string[]): string {
  let joined = ''
  for (const name of names) joined += canCross(name) ? name + NUL : NUL
  return joined
}

export function splitNames(joined: string): string[] {
  const names = joined.split(NUL)
  // What is after the last NUL.
  names.pop()
  return names
}

/** Texts in the order of the symlinks, by the index of the entry. */
export function targetsOf(kinds: Uint8Array, joined: string): ReadonlyMap<number, string> {
  const targets = new Map<number, string>()
  if (joined === '') return targets
  const texts = splitNames(joined)
  let next = 0
  kinds.forEach((kind, index) => {
    if (kind === Kind.Symlink) targets.set(index, texts[next++] ?? '')
  })
  return targets
}

/** The starts of places, each once. */
class Bases {
  readonly list: (number | string)[] = []
  private readonly indexes = new Map<number | string, number>()

  places(places: readonly Place[]): RawPlaces {
    const bases = new Uint32Array(places.length)
    let paths = ''
    for (const [index, { base, path }] of places.entries()) {
      bases[index] = this.indexOf(typeof base === 'string' ? base : base.fd)
      // An empty path would be the start itself; this one is refused.
      paths += canCross(path) ? path + NUL : `/${NUL}`
    }
    return { bases, paths }
  }

  private indexOf(start: number | string): number {
    let index = this.indexes.get(start)
    if (index === undefined) {
      index = this.list.push(start) - 1
      this.indexes.set(start, index)
    }
    return index
  }
}

export function rawPlace(place: Place): [number | string, string] {
  const [bases, { paths }] = rawPlaces([place])
  return [bases[0] ?? '', splitNames(paths)[0] ?? '']
}

export function rawPlaces(places: readonly Place[]): [(number | string)[], RawPlaces] {
  const bases = new Bases()
  return [bases.list, bases.places(places)]
}

/** Jobs in columns: a batch crosses in a few values, however many jobs it has. */
export function rawJobs(jobs: readonly Job[]): RawJobs {
  const bases = new Bases()
  const to = bases.places(jobs.map((job) => job.to))
  let names = ''
  for (const job of jobs) names += carriedNames(job.names)
  const counts = Uint32Array.from(jobs, (job) => job.names.length)
  const raw: RawJobs = { bases: bases.list, to, counts, names }
  const [first] = jobs
  // Without jobs nobody knows whether there would be two sides.
  if (first === undefined || first.from !== undefined) {
    raw.from = bases.places(jobs.map((job) => job.from ?? job.to))
  }
  if (jobs.some((job) => job.toNames !== undefined)) {
    raw.toNames = jobs.map((job) => carriedNames(job.toNames ?? job.names)).join('')
  }
  if (jobs.some((job) => job.modes !== undefined)) raw.modes = joinNumbers(jobs)
  return raw
}

function joinNumbers(jobs: readonly Job[]): Uint32Array {
  const all = jobs.map(({ names, modes }) => modes ?? new Uint32Array(names.length))
  const joined = new Uint32Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const modes of all) {
    joined.set(modes, at)
    at += modes.length
  }
  return joined
}

/** One listing a directory: windows on the columns of all. */
export function toListings(raw: RawListings, calls: readonly string[]): Listing[] {
  const names = splitNames(raw.names)
  const notUtf8 = splitNames(raw.notUtf8)
  const failedNames = splitNames(raw.failedNames)
  const targets = splitNames(raw.targets)
  let entry = 0
  let odd = 0
  let link = 0
  return Array.from(raw.counts, (count, index) => {
    const end = entry + count
    const kinds = raw.kinds.subarray(entry, end)
    const texts = new Map<number, string>()
    kinds.forEach((kind, position) => {
      if (kind === Kind.Symlink) texts.set(position, targets[link++] ?? '')
    })
    const oddEnd = odd + (raw.notUtf8Counts[index] ?? 0)
    const listing: Listing = {
      errno: raw.errnos[index] ?? 0,
      syscall: calls[raw.calls[index] ?? 0] ?? '',
      failedName: failedNames[index] ?? '',
      names: names.slice(entry, end),
      notUtf8: notUtf8.slice(odd, oddEnd),
      mode: raw.directoryModes[index] ?? 0,
      device: raw.devices[index] ?? 0,
      kinds,
      modes: raw.modes.subarray(entry, end),
      sizes: raw.sizes.subarray(entry, end),
      targets: texts,
    }
    entry = end
    odd = oddEnd
    return listing
  })
}
