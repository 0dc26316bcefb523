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
import { eachInLanes, inGroups } from './lanes'
import { contentHash, Found, hasRecord, pathWithin, type Recorded } from './manifest'
import { pathInStore, type GivenFiles, type GivenSource } from './scan/given'
import type { SourceResult } from './types'

/*
 * A merge of the very sources that the manifest lists, into a dest that is as it tells: nothing is opened, nothing is
 * listed, every entry is stat'ed on both sides. Anything else is left to the merge as it always is.
 */

const namesPerCall = 1024

interface Hosts {
  readonly host: Host
  readonly lanes: number
  readonly signal: AbortSignal | undefined
}

/** Have the sources what the manifest lists of them? Sources with the recorded digest are not looked at. */
export async function areSourcesAsRecorded(
  hosts: Hosts,
  recorded: Recorded,
  given: readonly GivenSource[],
): Promise<boolean> {
  const { sources, directories, rows } = recorded.manifest
  if (sources.length === 0 || sources.length !== given.length) return false
  const vouched = new Set<number>()
  for (const [number, source] of given.entries()) {
    const old = sources[number]
    if (old === undefined || old.name !== source.name || old.to !== (source.to ?? '')) return false
    // What others put into its place shows in listings only.
    if (source.exact !== undefined && source.exact !== false) return false
    // How a conflict was decided is not recorded.
    if (old.lost.length > 0) return false
    if (source.digest !== undefined && old.digest === source.digest) vouched.add(number)
    else if (source.filter !== undefined || old.isFiltered || old.digest !== source.digest)
      return false
    else if (source.dir !== undefined && old.dir !== source.dir) return false
    else if (source.dir === undefined && old.dir !== undefined) return false
  }
  // A directory that nobody wants waits to be empty.
  if (directories.some(({ path, sources: own }) => own.length === 0 && path !== '')) return false
  // Only the first of those that have the same is recorded.
  for (const others of rows.shared.values())
    if (!others.every((each) => vouched.has(each))) return false
  if (vouched.size === given.length) return true
  const looked = given.map(({ dir }, number) => !vouched.has(number) && dir !== undefined)
  if (!(await areTreesAsRecorded(hosts, recorded, looked))) return false
  for (const [number, { files, to = '' }] of given.entries()) {
    if (files === undefined || vouched.has(number)) continue
    if (!(await isMapAsRecorded(hosts, recorded, number, files, to))) return false
  }
  return true
}

/** A job, and whether each entry must have the record at that place of the column. */
interface Check extends NamesJob {
  readonly column: BigUint64Array
  /** One a name. */
  readonly at: readonly number[]
}

async function checkAll(hosts: Hosts, checks: readonly Check[]): Promise<boolean> {
  const { host, lanes, signal } = hosts
  const calls = inGroups(checks, ({ names }) => names.length, namesPerCall)
  let isSame = true
  const work = async (call: readonly Check[]): Promise<void> => {
    if (!isSame) return
    const stats = await host.stat(call)
    let entry = 0
    for (const { column, at } of call) {
      for (const place of at) if (!hasRecord(stats, entry++, column, place)) isSame = false
    }
  }
  await eachInLanes(lanes, signal, calls, work)
  return isSame
}

/** `looked`: by source. */
function areTreesAsRecorded(
  hosts: Hosts,
  recorded: Recorded,
  looked: readonly boolean[],
): Promise<boolean> {
  const { sources, directories, names, rows } = recorded.manifest
  const checks: Check[] = []
  for (const directory of directories) {
    const { path, first, end, records } = directory
    for (const [index, source] of directory.sources.entries()) {
      const { dir = '', to = '' } = sources[source] ?? {}
      if (looked[source] !== true) continue
      const within = pathWithin(to, path)
      if (within === undefined) continue
      const place: Place = { base: dir, path: within }
      const own = entryOf(place)
      checks.push({ to: own.directory, names: [own.name], column: records, at: [index] })
      const at: number[] = []
      for (let row = first; row < end; row++) if (rows.owners[row] === source) at.push(row)
      if (at.length === 0) continue
      const wanted =
        at.length === end - first ? names.slice(first, end) : at.map((row) => names[row] ?? '')
      checks.push({ to: place, names: wanted, column: rows.source, at })
    }
  }
  return checkAll(hosts, checks)
}

async function isMapAsRecorded(
  hosts: Hosts,
  recorded: Recorded,
  source: number,
  { paths, entries }: GivenFiles,
  to: string,
): Promise<boolean> {
  const { rows } = recorded.manifest
  const owned = rows.owners.reduce((sum, owner) => sum + (owner === source ? 1 : 0), 0)
  if (owned !== paths.length) return false
  const byDirectory = new Map<string, { names: string[]; at: number[] }>()
  for (const [index, path] of paths.entries()) {
    const inDest = joinPath(to, path)
    const slash = inDest.lastIndexOf('/')
    const row = recorded.row(inDest.slice(0, Math.max(0, slash)), inDest.slice(slash + 1))
    const entry = entries[index]
    if (row < 0 || entry === undefined || rows.owners[row] !== source) return false
    if (typeof entry === 'object' && 'target' in entry) {
      if (rows.targets.get(row) !== entry.target) return false
      continue
    }
    const mode = typeof entry === 'object' ? (entry.mode ?? noMode) : noMode
    if (mode !== noMode && mode !== ((rows.modes[row] ?? 0) & 0o777)) return false
    if (typeof entry === 'object' && 'content' in entry) {
      if (rows.hashes.get(row) !== contentHash(entry.content)) return false
      continue
    }
    const file = pathInStore(entry)
    if (file === undefined || rows.origins.get(row) !== file) return false
    const cut = file.lastIndexOf('/')
    const directory = file.slice(0, Math.max(cut, 1))
    let own = byDirectory.get(directory)
    if (own === undefined) byDirectory.set(directory, (own = { names: [], at: [] }))
    own.names.push(file.slice(cut + 1))
    own.at.push(row)
  }
  const checks = [...byDirectory].map(([base, { names, at }]): Check => {
    return { to: { base, path: '' }, names, column: rows.source, at }
  })
  return checkAll(hosts, checks)
}

/** Has dest what the manifest lists? */
export async function isDestAsRecorded(
  { host, lanes, signal }: Hosts,
  recorded: Recorded,
  dest: Place,
): Promise<boolean> {
  const { directories, names, rows } = recorded.manifest
  const jobs = directories.map(({ path, first, end }) => {
    // One with nothing in it shows nowhere else.
    const isEmpty = first === end && path !== '' && recorded.below(path).length === 0
    return isEmpty
      ? { ...ownJob(below(dest, path)), row: -1 }
      : { to: below(dest, path), names: names.slice(first, end), row: first }
  })
  const calls = inGroups(
    jobs.filter((job) => job.names.length > 0),
    (job) => job.names.length,
    namesPerCall,
  )
  let isSame = true
  await eachInLanes(lanes, signal, calls, async (call) => {
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

export function countRecorded({ manifest }: Recorded): UnchangedCounts {
  const { directories, names, rows } = manifest
  const sources = manifest.sources.map(({ name }): SourceResult => {
    return { name, files: 0, bytes: 0, lost: [] }
  })
  let differing = 0
  for (let row = 0; row < names.length; row++) {
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
    symlinks: names.length - files,
    bytes: sources.reduce((sum, each) => sum + each.bytes, 0),
    unchanged: names.length,
    differing,
    sources,
  }
}
