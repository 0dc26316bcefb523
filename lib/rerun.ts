import {
  below,
  entryOf,
  joinPath,
  Kind,
  type Host,
  type NamesJob,
  type Place,
  type Stats,
} from './host/host'
import { noMode } from './host/whole-trees'
import { forEachLimited, inGroups } from './concurrency'
import {
  contentHash,
  Found,
  hasRecord,
  pathWithin,
  type Recorded,
  type RecordedDirectory,
  type RecordedSource,
  type Rows,
} from './manifest'
import type { UnchangedSources } from './plan/unchanged-sources'
import { pathInStore, type GivenEntry, type GivenFiles, type GivenSource } from './scan/given'
import type { SourceResult } from './types'

/*
 * Sources that are as the manifest lists them, and a dest that is as it tells: nothing is opened, nothing is listed, every
 * entry is stat'ed on both sides. Anything else is left to the merge as it always is.
 */

const namesPerCall = 1024

/** Dest is not as the manifest tells, so that all sources must be planned. */
export const notAsRecorded = new Error('dest differs from the manifest')

interface Hosts {
  readonly host: Host
  readonly concurrencyLimit: number
  readonly signal: AbortSignal | undefined
}

/** What the manifest tells of the sources of a merge. */
export interface KnownSources {
  /** By number in the manifest: the number in this merge, of sources that have what the manifest lists of them. */
  readonly unchanged: ReadonlyMap<number, number>
  /** The merge has these very sources, in this order, and nothing else is to be done. */
  readonly areAll: boolean
}

/** Which sources have what the manifest lists of them? Sources with the recorded digest are not looked at. */
export async function knownSources(
  hosts: Hosts,
  recorded: Recorded,
  given: readonly GivenSource[],
): Promise<KnownSources> {
  const { sources, directories, rows } = recorded.manifest
  const numbers = new Map(sources.map(({ name }, number) => [name, number]))
  const unchanged = new Map<number, number>()
  const vouched = new Set<number>()
  for (const [index, source] of given.entries()) {
    const number = numbers.get(source.name) ?? -1
    const how = howKnown(source, sources[number])
    if (how === 'no') continue
    unchanged.set(number, index)
    if (how === 'vouched') vouched.add(number)
  }
  const looked = new Set([...unchanged.keys()].filter((number) => !vouched.has(number)))
  const checks = new Checks(hosts, looked)
  for (const number of looked) {
    const { files, to = '' } = given[unchanged.get(number) ?? -1] ?? {}
    if (files !== undefined) checks.addMap(recorded, number, files, to)
  }
  checks.addTrees(recorded, (number) => given[unchanged.get(number) ?? -1]?.dir)
  await checks.run()
  for (const number of checks.changed) unchanged.delete(number)
  const isOrdered = [...unchanged].every(([number, index]) => number === index)
  const isShared = [...rows.shared.values()].some((others) =>
    // Only the first of those that have the same is recorded.
    others.some((each) => !vouched.has(each)),
  )
  const areAll =
    unchanged.size === given.length &&
    given.length === sources.length &&
    given.length > 0 &&
    isOrdered &&
    !isShared &&
    // How a conflict was decided is not recorded.
    sources.every(({ lost }) => lost.length === 0) &&
    // A directory that nobody wants waits to be empty.
    directories.every(({ path, sources: own }) => own.length > 0 || path === '')
  return { unchanged, areAll }
}

/** How can it be known that a source is as recorded? */
function howKnown(
  source: GivenSource,
  old: RecordedSource | undefined,
): 'vouched' | 'by-records' | 'no' {
  if (old?.to !== (source.to ?? '') || !old.isWhole) return 'no'
  // What others put into its place shows in listings only.
  if (source.exact !== undefined && source.exact !== false) return 'no'
  if ((source.dir === undefined) !== (old.dir === undefined)) return 'no'
  if (old.digest !== source.digest) return 'no'
  if (source.digest !== undefined) return 'vouched'
  if (source.filter !== undefined || old.isFiltered) return 'no'
  return source.dir === old.dir ? 'by-records' : 'no'
}

/** A job, and the place in the column at which each entry must have its record. */
interface Check extends NamesJob {
  /** In the manifest. */
  readonly source: number
  readonly column: BigUint64Array
  /** One a name. */
  readonly at: readonly number[]
}

/** Finds out which sources are not as recorded. */
class Checks {
  readonly changed = new Set<number>()
  private readonly checks: Check[] = []

  constructor(
    private readonly hosts: Hosts,
    private readonly looked: ReadonlySet<number>,
  ) {}

  async run(): Promise<void> {
    const { host, concurrencyLimit, signal } = this.hosts
    const calls = inGroups(this.checks, ({ names }) => names.length, namesPerCall)
    await forEachLimited(concurrencyLimit, signal, calls, async (call) => {
      const left = call.filter(({ source }) => !this.changed.has(source))
      if (left.length === 0) return
      const stats = await host.stat(left)
      let entry = 0
      for (const { source, column, at } of left) {
        for (const place of at) {
          if (!hasRecord(stats, entry++, column, place)) this.changed.add(source)
        }
      }
    })
  }

  /** `dirOf`: of a source of the manifest that is a directory. */
  addTrees(recorded: Recorded, dirOf: (source: number) => string | undefined): void {
    const { sources, directories, names, rows } = recorded.manifest
    for (const directory of directories) {
      const { path, first, end, records } = directory
      for (const [index, source] of directory.sources.entries()) {
        if (!this.looked.has(source)) continue
        const dir = dirOf(source)
        const within = pathWithin(sources[source]?.to ?? '', path)
        if (dir === undefined || within === undefined) continue
        const place: Place = { base: dir, path: within }
        const own = entryOf(place)
        this.checks.push({
          ...{ source, to: own.directory, names: [own.name] },
          ...{ column: records, at: [index] },
        })
        const at: number[] = []
        for (let row = first; row < end; row++) if (rows.owners[row] === source) at.push(row)
        if (at.length === 0) continue
        const wanted =
          at.length === end - first ? names.slice(first, end) : at.map((row) => names[row] ?? '')
        this.checks.push({ source, to: place, names: wanted, column: rows.source, at })
      }
    }
  }

  addMap(recorded: Recorded, source: number, { paths, entries }: GivenFiles, to: string): void {
    const { rows } = recorded.manifest
    const change = (): void => void this.changed.add(source)
    const owned = rows.owners.reduce((sum, owner) => sum + (owner === source ? 1 : 0), 0)
    if (owned !== paths.length) {
      change()
      return
    }
    const byDirectory = new Map<string, { names: string[]; at: number[] }>()
    for (const [index, path] of paths.entries()) {
      const inDest = joinPath(to, path)
      const slash = inDest.lastIndexOf('/')
      const row = recorded.row(inDest.slice(0, Math.max(0, slash)), inDest.slice(slash + 1))
      const entry = entries[index]
      const file = row < 0 || rows.owners[row] !== source ? false : fileToCheck(rows, row, entry)
      if (file === false) {
        change()
        return
      }
      if (file === undefined) continue
      const cut = file.lastIndexOf('/')
      const directory = file.slice(0, Math.max(cut, 1))
      let own = byDirectory.get(directory)
      if (own === undefined) byDirectory.set(directory, (own = { names: [], at: [] }))
      own.names.push(file.slice(cut + 1))
      own.at.push(row)
    }
    for (const [base, { names, at }] of byDirectory) {
      this.checks.push({ source, to: { base, path: '' }, names, column: rows.source, at })
    }
  }
}

/** The file of the store to look at, where there is one; false where the entry is not the recorded one. */
function fileToCheck(
  rows: Rows,
  row: number,
  entry: GivenEntry | undefined,
): string | false | undefined {
  if (entry === undefined) return false
  if (typeof entry === 'object' && 'target' in entry) {
    return rows.targets.get(row) === entry.target ? undefined : false
  }
  const mode = typeof entry === 'object' ? (entry.mode ?? noMode) : noMode
  if (mode !== noMode && mode !== ((rows.modes[row] ?? 0) & 0o777)) return false
  if (typeof entry === 'object' && 'content' in entry) {
    return rows.hashes.get(row) === contentHash(entry.content) ? undefined : false
  }
  const file = pathInStore(entry)
  return file !== undefined && rows.origins.get(row) === file && file
}

/** Has dest what the manifest lists of these sources? Undefined: of all. */
export async function isDestAsRecorded(
  { host, concurrencyLimit, signal }: Hosts,
  recorded: Recorded,
  dest: Place,
  unchanged?: UnchangedSources,
): Promise<boolean> {
  const { directories, names, rows } = recorded.manifest
  const jobs = directories.flatMap((directory): (NamesJob & { readonly row: number })[] => {
    const { path, first, end } = directory
    if (unchanged?.areIn(directory) === false) return []
    // One with nothing in it shows nowhere else.
    const isEmpty = first === end && path !== '' && recorded.below(path).length === 0
    if (isEmpty) return [{ ...ownJob(below(dest, path)), row: -1 }]
    const to = below(dest, path)
    const stretches = unchanged === undefined ? [[first, end] as const] : ownRows(directory)
    return stretches.map(([start, stop]) => ({ to, names: names.slice(start, stop), row: start }))
  })
  const calls = inGroups(
    jobs.filter((job) => job.names.length > 0),
    (job) => job.names.length,
    namesPerCall,
  )
  let isSame = true
  await forEachLimited(concurrencyLimit, signal, calls, async (call) => {
    if (!isSame) return
    const stats = await host.stat(call)
    let entry = 0
    for (const { names: own, row } of call) {
      for (let index = 0; index < own.length; index++, entry++) {
        if (row < 0) isSame &&= stats.kinds[entry] === Kind.Directory
        else isSame &&= isRow(stats, entry, row + index)
      }
    }
  })
  return isSame

  /** Rows of these sources, in stretches. */
  function ownRows({ first, end }: RecordedDirectory): (readonly [number, number])[] {
    const stretches: (readonly [number, number])[] = []
    for (let row = first; row < end; row++) {
      if (unchanged?.own(row) !== true) continue
      const start = row
      while (row + 1 < end && unchanged.own(row + 1)) row++
      stretches.push([start, row + 1])
    }
    return stretches
  }

  function isRow(stats: Stats, entry: number, row: number): boolean {
    if (stats.kinds[entry] !== rows.kinds[row]) return false
    if (stats.sizes[entry] !== rows.sizes[row]) return false
    if (((stats.modes[entry] ?? 0) & 0o7777) !== rows.modes[row]) return false
    if (rows.kinds[row] === Kind.Symlink && stats.targets.get(entry) !== rows.targets.get(row))
      return false
    return hasRecord(stats, entry, rows.dest, row)
  }
}

function ownJob(place: Place): NamesJob {
  const { directory, name } = entryOf(place)
  return { to: directory, names: [name] }
}

/** What there is, and that all of it is unchanged. */
export interface UnchangedCounts {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  readonly unchanged: number
  readonly differing: number
  readonly sources: SourceResult[]
}

/** `isCounted`: by row. */
export function countRecorded(
  { manifest }: Recorded,
  isCounted: (row: number) => boolean = () => true,
): UnchangedCounts {
  const { directories, names, rows } = manifest
  const sources = manifest.sources.map(({ name }): SourceResult => {
    return { name, files: 0, bytes: 0, lost: [] }
  })
  let differing = 0
  let unchanged = 0
  for (let row = 0; row < names.length; row++) {
    if (!isCounted(row)) continue
    unchanged++
    if (rows.found[row] === Found.Differing) differing++
    // A file that stands as a symlink to the store is a file of the plan.
    const isFile = rows.kinds[row] === Kind.File
    const source = sources[rows.owners[row] ?? 0]
    if (!isFile || source === undefined) continue
    source.files++
    source.bytes += rows.sizes[row] ?? 0
  }
  const files = sources.reduce((sum, each) => sum + each.files, 0)
  return {
    files,
    directories: directories.length - 1,
    symlinks: unchanged - files,
    bytes: sources.reduce((sum, each) => sum + each.bytes, 0),
    unchanged,
    differing,
    sources,
  }
}
