import { isAbsolute, relative, sep } from 'node:path'
import { errno } from './errno'
import { invalidArgument } from './errors'
import {
  below,
  Kind,
  splitPath,
  type Host,
  type NamesJob,
  type Place,
  type Stats,
} from './host/host'
import { nameProblem } from './host/names'
import { makeMissing, throwIfFailed } from './host/trees'
import { forEachLimited, inGroups } from './concurrency'
import {
  Clocks,
  encode,
  Found,
  manifestName,
  readManifest,
  Recorded,
  placeWithin,
  SourceDirectories,
  SourceRecords,
  systemTime,
  type Manifest,
  type ReadManifest,
  type SourceDirectory,
} from './manifest'
import type { Settings } from './options'
import type { Compare } from './plan/compare'
import { Ours } from './plan/ours'
import type { Lifecycle } from './plan/own-entries'
import type { Part } from './plan/part'
import { originOf, type Union } from './plan/plan'
import type { UnchangedSources } from './plan/unchanged-sources'
import { eachPlaced, isPlaced, recordUnion, type ShownEntries } from './plan/record-union'
import { refuseAtManifest } from './plan/at-manifest'
import { isSameInode, ShownBuilder } from './plan/shown'
import type { Removals } from './plan/removals'
import { areStillEqual, type Pair } from './plan/still-equal'
import type { DestDiff } from './plan/diff'
import { Taken } from './plan/taken'
import { eachDirectory } from './plan/whole-directory'
import { isReserved } from './records'
import { notAsRecorded } from './rerun'
import type { SourceTree, TreeDirectory } from './scan/tree'
import type { Modified } from './types'

const namesPerCall = 512

const emptyRows = {
  kinds: new Uint8Array(),
  modes: new Uint16Array(),
  sizes: new Float64Array(),
  owners: new Uint32Array(),
  found: new Uint8Array(),
  dest: new BigUint64Array(),
  source: new BigUint64Array(),
  targets: new Map<number, never>(),
  shared: new Map<number, never>(),
  origins: new Map<number, never>(),
  hashes: new Map<number, never>(),
}

/** Of a dest that has none. */
const emptyManifest: Manifest = {
  ...{ sources: [], directories: [], names: [], rows: emptyRows },
  ...{ options: '', time: 0n },
}

/** What a merge needs of a host. */
interface Hosts {
  readonly host: Host
  readonly concurrencyLimit: number
  readonly signal: AbortSignal | undefined
  readonly compare: Compare
}

/** Entries that were published one by one. */
interface PublishedJob extends NamesJob {
  readonly path: string
  readonly names: string[]
  /** In `tree`. */
  readonly indexes: number[]
  readonly tree: TreeDirectory
}

/** One of them that looks as it was staged. */
interface Published extends Pair {
  readonly path: string
  readonly name: string
  readonly stats: Stats
  readonly entry: number
  readonly time: bigint
}

/** A merge that keeps a manifest: what it knows of earlier ones, and what it writes for later ones. */
export class Life {
  /** '/'-joined below dest. */
  readonly manifestPath: string
  /** What somebody has changed, by path: the last diff that saw it counts. */
  private readonly told = new Map<string, Modified>()
  private readonly sources: SourceRecords
  private readonly directories: SourceDirectories
  /** What this merge has taken out of dest. */
  readonly taken = new Taken()
  /** What was staged, as it was when nobody else could see it. */
  private readonly clocks = new Clocks()
  private staged = new ShownBuilder(this.clocks)
  /** Sources that are not planned; undefined where all are. */
  unchanged: UnchangedSources | undefined
  private read: ReadManifest | undefined
  private recorded = new Recorded(emptyManifest)

  /** `dest`: as the caller gave it, absolute. */
  constructor(
    readonly hosts: Hosts,
    private readonly settings: Settings,
    dest: string,
  ) {
    const { host, concurrencyLimit, signal } = hosts
    this.sources = new SourceRecords(host, concurrencyLimit, signal, this.clocks)
    this.directories = new SourceDirectories(host, concurrencyLimit, signal, this.clocks)
    this.manifestPath = manifestPathIn(dest, settings.manifest)
  }

  get modified(): Modified[] {
    return [...this.told.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Takes note of the sources as they are before anything of them is read. */
  async see(union: Union): Promise<void> {
    refuseAtManifest(union, this.manifestPath)
    await this.seeFiles(union)
    await this.directories.learn(directoriesOf(union))
  }

  /** The same of the files alone, where a source is read before the others are known. */
  async seeFiles({ root }: Union): Promise<void> {
    await this.sources.learn(
      [...eachDirectory(root)].flatMap(({ parts }) => parts.map(({ tree }) => tree)),
    )
  }

  /** Reads the manifest, unless it is known. `dest`: its path. */
  async lifecycle(dest: string, trees: readonly SourceTree[]): Promise<Lifecycle> {
    const { modified, prune } = this.settings
    await this.load(dest)
    const { recorded, unchanged } = this
    if (unchanged !== undefined && unchanged.recorded !== recorded) throw notAsRecorded
    const { manifest } = recorded
    const numbers = new Map(manifest.sources.map(({ name }, number) => [name, number]))
    const vouched = trees.map(({ name, to, given }) => {
      const number = numbers.get(name)
      const old = number === undefined ? undefined : manifest.sources[number]
      const isSame = given?.digest !== undefined && old?.digest === given.digest && old.to === to
      return isSame ? number : undefined
    })
    return {
      ours: new Ours(recorded, this.hosts, modified),
      sources: this.sources,
      clocks: this.clocks,
      ...{ prune, vouched, taken: this.taken, unchanged },
      isSameOptions: manifest.options === this.optionsKey,
    }
  }

  /** May stat records alone tell that a source is unchanged? */
  get mayRerun(): boolean {
    const { mutable, linkModes, specials } = this.settings
    // What was left out of a source is not recorded.
    return mutable === undefined && !linkModes.includes('symlink') && specials === 'error'
  }

  /** Is what was found by an earlier merge to be brought in line, or to become ours? */
  private get changesFound(): boolean {
    const { adopt, existing } = this.settings
    const { found } = this.recorded.manifest.rows
    if (adopt) return found.some((each) => each !== Found.No)
    return existing === 'replace' && found.includes(Found.Differing)
  }

  /** Do the manifest and this merge agree, so that equal stat records tell that nothing is to be done? */
  isSettled(): boolean {
    return this.recorded.manifest.options === this.optionsKey && !this.changesFound
  }

  /** Reads the manifest, unless it is known. */
  async load(dest: string): Promise<Recorded> {
    const before = this.read
    this.read = await readManifest(this.hosts.host, dest, this.manifestPath, before)
    if (this.read === before) return this.recorded
    return (this.recorded = new Recorded(this.read.manifest ?? emptyManifest))
  }

  /** The manifest that was read last. */
  get known(): Recorded {
    return this.recorded
  }

  /** Of the paths that go with these sources: which another source had wanted. */
  uncovered(names: ReadonlySet<string>, { rows }: Removals): { path: string; source: string }[] {
    const { sources } = this.recorded.manifest
    const gone = new Set(Array.from(rows, (row) => this.recorded.pathOf(row)))
    const found = new Map<string, string>()
    for (const { name, lost } of sources) {
      if (names.has(name)) continue
      for (const path of lost) {
        const isGone = gone.has(path) || this.isOnlyOf(names, path)
        if (isGone && !found.has(path)) found.set(path, name)
      }
    }
    const all = Array.from(found, ([path, source]) => ({ path, source }))
    return all.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Is it a directory that these sources alone have? */
  private isOnlyOf(names: ReadonlySet<string>, path: string): boolean {
    const directory = this.recorded.directory(path)
    return directory?.sources.every((each) => names.has(this.recorded.sourceName(each))) === true
  }

  note({ own, removals }: DestDiff): void {
    for (const each of own?.modified ?? []) this.told.set(each.path, each)
    for (const each of removals?.modified ?? []) this.told.set(each.path, each)
  }

  /** What was staged is gone, and all of it is staged anew. */
  forgetStaged(): void {
    this.staged = new ShownBuilder(this.clocks)
    this.told.clear()
  }

  /** Dest is locked: what was found before need not have been so. */
  forgetTold(): void {
    this.told.clear()
  }

  /** Must the manifest be written anew? */
  isChanged(union: Union, diffDest: DestDiff | undefined): boolean {
    const { own, removals } = diffDest ?? {}
    if (own === undefined || own.looked > 0) return true
    if (
      removals !== undefined &&
      (!removals.isEmpty || removals.rows.size + removals.released.size > 0)
    ) {
      return true
    }
    const { manifest } = this.recorded
    return !isSameShape(manifest, this.record(union, diffDest, false, manifest.time))
  }

  /**
   * Looks at what was staged and nobody has looked at yet. `fresh`: where what goes into a directory of dest is staged;
   * undefined: it is not yet.
   */
  async lookAtStaged(
    union: Union,
    isDestNew: boolean,
    fresh: (path: string) => Place | undefined,
  ): Promise<void> {
    const jobs: { path: string; to: Place; names: string[] }[] = []
    for (const { directory, isNew } of eachPlaced(union.root, isDestNew)) {
      const { path } = directory
      const to = fresh(path)
      if (directory.state === 'published' || to === undefined) continue
      const names = this.placedNames(directory, isNew, (name) => !this.staged.has(path, name))
      if (names.length > 0) jobs.push({ path, to, names })
    }
    await this.look(jobs, ({ path, names }, stats, first, time) => {
      this.staged.add(path, names, stats, first, time)
    })
  }

  private placedNames(
    { parts }: { readonly parts: Union['root']['parts'] },
    isNew: boolean,
    isWanted: (name: string) => boolean,
  ): string[] {
    const names: string[] = []
    for (const each of parts) {
      for (let position = 0; position < each.picks.length; position++) {
        if (!isNew && !isPlaced(each, position)) continue
        const name = each.tree.names[each.picks[position] as number] as string
        if (isWanted(name)) names.push(name)
      }
    }
    return names
  }

  private async look<J extends NamesJob>(
    jobs: readonly J[],
    note: (job: J, stats: Stats, first: number, time: bigint) => void,
  ): Promise<void> {
    const { host, concurrencyLimit, signal } = this.hosts
    const calls = inGroups(jobs, ({ names }) => names.length, namesPerCall)
    await forEachLimited(concurrencyLimit, signal, calls, async (call) => {
      const time = systemTime()
      const stats = await host.stat(call)
      throwIfFailed(call, stats)
      await this.clocks.learn(call, stats)
      let first = 0
      for (const job of call) {
        note(job, stats, first, time)
        first += job.names.length
      }
    })
  }

  /**
   * What was published one by one has another ctime by now. Until it was looked at again anybody could write to it and set its
   * mtime back, so it is compared with its source after that. Where something has changed, no record is kept.
   */
  private async lookAtPublished(union: Union, dest: Place): Promise<void> {
    const jobs: PublishedJob[] = []
    for (const { directory, isNew } of eachPlaced(union.root, false)) {
      if (isNew) continue
      for (const part of directory.parts) {
        const job = this.publishedJob(directory.path, part, dest)
        if (job.names.length > 0) jobs.push(job)
      }
    }
    const same: Published[] = []
    await this.look(jobs, ({ path, names, indexes, tree }, stats, first, time) => {
      const before = this.staged.get(path) as ShownEntries
      for (const [index, name] of names.entries()) {
        const at = before.indexOf.get(name) as number
        const entry = first + index
        if (!isSameInode(before.shown, at, stats, entry)) continue
        const to = { place: below(dest, path), name }
        const from = originOf(tree, indexes[index] as number)
        same.push({ path, name, stats, entry, time, from, to })
      }
    })
    const isFile = ({ stats, entry }: Published): boolean => stats.kinds[entry] === Kind.File
    const files = same.filter(isFile)
    const equal = await areStillEqual(this.hosts, files)
    const record = ({ path, name, stats, entry, time }: Published): void => {
      this.staged.addOne(path, name, stats, entry, time)
    }
    same.filter((each) => !isFile(each)).forEach(record)
    files.filter((_, index) => equal[index]).forEach(record)
  }

  private publishedJob(path: string, part: Part, dest: Place): PublishedJob {
    const { tree, picks } = part
    const job: PublishedJob = { path, to: below(dest, path), names: [], indexes: [], tree }
    for (let position = 0; position < picks.length; position++) {
      const index = picks[position] as number
      const name = tree.names[index] as string
      if (!isPlaced(part, position) || !this.staged.has(path, name)) continue
      job.names.push(name)
      job.indexes.push(index)
    }
    return job
  }

  /** Writes the manifest into the staging directory; `dest`: undefined where it comes with all of dest. */
  async stage(
    union: Union,
    diffDest: DestDiff | undefined,
    fresh: (path: string) => Place,
    dest: Place | undefined,
    time: bigint,
  ): Promise<{ readonly path: string; readonly name: string }> {
    if (dest !== undefined) await this.lookAtPublished(union, dest)
    return this.write(this.record(union, diffDest, dest === undefined, time), fresh)
  }

  async write(
    manifest: Manifest,
    fresh: (path: string) => Place,
  ): Promise<{ readonly path: string; readonly name: string }> {
    const { host } = this.hosts
    const { parent, name } = splitPath(this.manifestPath)
    const to = fresh(parent)
    if (parent !== '') await makeMissing(host, to)
    const jobs = [{ to, names: [name] }]
    throwIfFailed(jobs, await host.unlink(jobs), errno.ENOENT)
    const contents = [Buffer.concat(encode(manifest))]
    const modes = Uint32Array.of(0o644)
    const options = { writable: false, times: false, inKernelCopy: true }
    throwIfFailed(jobs, await host.write([{ to, names: [name], contents, modes }], options))
    return { path: parent, name }
  }

  private record(
    union: Union,
    diffDest: DestDiff | undefined,
    isDestNew: boolean,
    time: bigint,
  ): Manifest {
    const { own, removals } = diffDest ?? {}
    return recordUnion({
      ...{ union, isDestNew, own, removals, time },
      before: isDestNew ? undefined : this.recorded,
      unchanged: this.unchanged,
      sources: this.sources,
      sourceDirectories: this.directories,
      placed: this.staged,
      found: own?.shown,
      options: this.optionsKey,
      adopt: this.settings.adopt,
    })
  }

  /** The options that shape what is put into dest. */
  private get optionsKey(): string {
    const { linkModes, writable, preserveTimestamps, symlinks, specials, mutable } = this.settings
    return JSON.stringify([
      linkModes,
      writable,
      preserveTimestamps,
      symlinks,
      specials,
      mutable !== undefined,
    ])
  }
}

function* directoriesOf({ root, trees }: Union): Generator<SourceDirectory> {
  for (const { path, sources } of eachDirectory(root)) {
    for (const source of sources) {
      const { to = '', given } = trees[source] ?? {}
      const place = given?.dir === undefined ? undefined : placeWithin(given.dir, to, path)
      if (place !== undefined) yield { source, path, place }
    }
  }
}

/** Do they list the same, but for stat records? */
function isSameShape(a: Manifest, b: Manifest): boolean {
  return (
    a.options === b.options &&
    a.names.length === b.names.length &&
    a.directories.length === b.directories.length &&
    JSON.stringify(a.sources) === JSON.stringify(b.sources) &&
    JSON.stringify([...a.rows.shared]) === JSON.stringify([...b.rows.shared]) &&
    a.rows.owners.every((owner, row) => owner === b.rows.owners[row]) &&
    a.rows.found.every((found, row) => found === b.rows.found[row])
  )
}

/** '/'-joined below dest. */
export function manifestPathIn(dest: string, manifest: true | string | undefined): string {
  if (manifest === true || manifest === undefined) return manifestName
  const path = relative(dest, manifest)
  if (path === '' || path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)) {
    throw invalidArgument(
      'VALUE',
      `options.manifest must be inside dest: '${manifest}' is not in '${dest}'`,
    )
  }
  const names = path.split(sep)
  const isOwn = (name: string, index: number): boolean =>
    name === manifestName && index === names.length - 1
  for (const [index, name] of names.entries()) {
    const problem =
      nameProblem(name) ?? (isReserved(name) && !isOwn(name, index) ? reservedName : undefined)
    if (problem === undefined) continue
    throw invalidArgument('VALUE', `options.manifest cannot be '${manifest}': ${problem}`)
  }
  return names.join('/')
}

const reservedName = "names that begin with '.reflink-merge-' are for staging directories"
