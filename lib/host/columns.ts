import type { RawJobs, RawListings, RawPlaces, RawTree } from '../addon'
import { Kind, type Listing, type PlainListing, type Place } from './host'
import { noMode, type TreeJob } from './whole-trees'

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

/** Lists of names that came from the addon, as they came: they go back without a look at each. */
const crossed = new WeakMap<readonly string[], string>()

/** Names as they cross: one string, NUL after each. One that cannot goes as an empty name, which is refused like it. */
function carriedNames(names: readonly string[]): string {
  const known = crossed.get(names)
  if (known !== undefined) return known
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

export function rawTree({ from, to, ...columns }: TreeJob): RawTree {
  return { ...columns, from: rawPlace(from), to: rawPlace(to) }
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
  // Files that are made from others have their modes, unless another one is reported.
  const all = jobs.map(({ from, names, modes }) => {
    return modes ?? new Uint32Array(names.length).fill(from === undefined ? 0 : noMode)
  })
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
  const joined = new JoinedNames(raw)
  let entry = 0
  let odd = 0
  let link = 0
  return Array.from(raw.counts, (count, index) => {
    const end = entry + count
    const oddEnd = odd + (raw.notUtf8Counts[index] ?? 0)
    const own = names.slice(entry, end)
    const plain = plainListing(raw, index, own, joined.next(index))
    const texts = new Map<number, string>()
    for (let position = 0; plain === undefined && position < count; position++) {
      if (raw.kinds[entry + position] !== Kind.Symlink) continue
      texts.set(position, targets[link++] ?? '')
    }
    const links = texts.size === 0 ? noTargets : texts
    const odds = oddEnd === odd ? none : notUtf8.slice(odd, oddEnd)
    const listing = new RawListing(
      raw,
      calls,
      index,
      entry,
      own,
      plain,
      odds,
      links,
      failedNames[index],
    )
    entry = end
    odd = oddEnd
    return listing
  })
}

const none: readonly string[] = []
const noTargets: Listing['targets'] = new Map<number, string>()

/** What columns have for a stretch of entries; cut when somebody looks: of plain directories mostly nobody does. */
class Stretch {
  private ownKinds: Uint8Array | undefined
  private ownModes: Uint16Array | undefined
  private ownSizes: Float64Array | undefined

  constructor(
    private readonly raw: RawListings,
    private readonly start: number,
    private readonly end: number,
  ) {}

  get kinds(): Uint8Array {
    return (this.ownKinds ??= this.raw.kinds.subarray(this.start, this.end))
  }

  get modes(): Uint16Array {
    return (this.ownModes ??= this.raw.modes.subarray(this.start, this.end))
  }

  get sizes(): Float64Array {
    return (this.ownSizes ??= this.raw.sizes.subarray(this.start, this.end))
  }
}

/** A listing of the addon's. */
class RawListing extends Stretch implements Listing {
  readonly errno: number
  readonly syscall: string
  readonly failedName: string
  readonly distinct: boolean
  readonly mode: number
  readonly device: number

  constructor(
    raw: RawListings,
    calls: readonly string[],
    index: number,
    start: number,
    readonly names: readonly string[],
    readonly plain: PlainListing | undefined,
    readonly notUtf8: readonly string[],
    readonly targets: ReadonlyMap<number, string>,
    failedName: string | undefined,
  ) {
    super(raw, start, start + names.length)
    this.errno = raw.errnos[index] ?? 0
    this.syscall = calls[raw.calls[index] ?? 0] ?? ''
    this.failedName = failedName ?? ''
    this.distinct = raw.distinct[index] === 1
    this.mode = raw.directoryModes[index] ?? 0
    this.device = raw.devices[index] ?? 0
  }
}

/** `joined`: the names of its files as they came, where that is known. */
function plainListing(
  { plain, directories, bytes }: RawListings,
  index: number,
  names: readonly string[],
  joined: string | undefined,
): PlainListing | undefined {
  if (plain[index] !== 1) return undefined
  const subdirectories = directories[index] ?? 0
  const first = names.length - subdirectories
  const files = subdirectories === 0 ? names : names.slice(0, first)
  if (joined !== undefined && files.length > 0) crossed.set(files, joined)
  return { files, directories: names.slice(first), bytes: bytes[index] ?? 0 }
}

/** Cuts the names of all directories' files out of those of all. Only where bytes are characters, which tells where. */
class JoinedNames {
  private start = 0
  private readonly isAscii: boolean

  constructor(private readonly raw: RawListings) {
    const { fileNameBytes, directoryNameBytes, names } = raw
    let bytes = 0
    for (let index = 0; index < fileNameBytes.length; index++) {
      bytes += (fileNameBytes[index] ?? 0) + (directoryNameBytes[index] ?? 0)
    }
    this.isAscii = bytes === names.length
  }

  /** Of the files of the next directory. */
  next(index: number): string | undefined {
    if (!this.isAscii) return undefined
    const { fileNameBytes, directoryNameBytes, names } = this.raw
    const end = this.start + (fileNameBytes[index] ?? 0)
    const joined = names.slice(this.start, end)
    this.start = end + (directoryNameBytes[index] ?? 0)
    return joined
  }
}
