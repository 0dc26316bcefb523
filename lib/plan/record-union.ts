import { join } from 'node:path'
import { joinPath, Kind, pathOf, splitPath } from '../host/host'
import {
  contentHash,
  Found,
  pathWithin,
  recordLength,
  type Manifest,
  type RecordedDirectory,
  type Recorded,
  type Rows,
} from '../manifest'
import type { SourceDirectories, SourceRecords } from '../manifest'
import { preOrder } from '../traversal'
import type { OwnEntries } from './own-entries'
import type { ShownBuilder } from './shown'
import type { Part } from './part'
import { Action, originOf, type PlanDirectory, type Union } from './plan'
import type { Removals } from './removals'
import type { UnchangedSources } from './unchanged-sources'
import { asWhole } from './whole-directory'

/** What dest shows of an entry, by its index in a `Shown`. */
export interface Shown {
  readonly kinds: Uint8Array
  readonly modes: Uint16Array
  readonly sizes: Float64Array
  /** Stat records; a ctime of 0 where a later change might not show. */
  readonly records: BigUint64Array
  readonly targets: ReadonlyMap<number, string>
}

/** What dest shows of the entries of one directory, by name. */
export interface ShownEntries {
  readonly shown: Shown
  readonly indexOf: ReadonlyMap<string, number>
}

/** A directory of the union, and whether dest had it before. */
export interface Placed {
  readonly directory: PlanDirectory
  /** It came into dest, or comes, with all that is in it. */
  readonly isNew: boolean
}

/** Directories that stand in dest, or are to; not those that gave way to something that stays. */
export function* eachPlaced(root: PlanDirectory, isDestNew: boolean): Generator<Placed> {
  const start: Placed = { directory: root, isNew: isDestNew }
  yield* preOrder(start, ({ directory, isNew }) => {
    const below: Placed[] = []
    for (const child of directory.directories.values()) {
      if (!isNew && child.state === 'keep') continue
      const shown = asWhole(child)?.copy() ?? child
      below.push({ directory: shown, isNew: isNew || child.state !== 'exists' })
    }
    return below
  })
}

/** Has the entry been put there by this merge, or is it about to be? */
export function isPlaced({ actions }: Part, position: number): boolean {
  const action = actions[position]
  return (
    action === Action.Create ||
    action === Action.Created ||
    action === Action.Replace ||
    action === Action.Replaced ||
    action === Action.Align
  )
}

export interface RecordContext {
  readonly union: Union
  readonly isDestNew: boolean
  readonly before: Recorded | undefined
  readonly own: OwnEntries | undefined
  readonly removals: Removals | undefined
  /** Sources of which nothing was planned. */
  readonly unchanged: UnchangedSources | undefined
  readonly sources: SourceRecords
  readonly sourceDirectories: SourceDirectories
  /** What dest shows of entries that this merge has put there, and of those that it found. */
  readonly placed: ShownBuilder
  readonly found: ShownBuilder | undefined
  readonly options: string
  readonly time: bigint
  /** What stood there before, identical, is ours from now on. */
  readonly adopt: boolean
}

/** The manifest of dest as this merge leaves it. */
export function recordUnion(context: RecordContext): Manifest {
  const builder = new Builder(context)
  return builder.build()
}

/** Rows in the order in which they were found; they are sorted at the end. */
class Collected {
  readonly names: string[] = []
  readonly targets = new Map<number, string>()
  readonly shared = new Map<number, readonly number[]>()
  readonly origins = new Map<number, string>()
  readonly hashes = new Map<number, string>()
  private readonly kinds: Uint8Array
  private readonly modes: Uint16Array
  private readonly sizes: Float64Array
  private readonly owners: Uint32Array
  private readonly found: Uint8Array
  private readonly dest: BigUint64Array
  private readonly source: BigUint64Array

  constructor(most: number) {
    this.kinds = new Uint8Array(most)
    this.modes = new Uint16Array(most)
    this.sizes = new Float64Array(most)
    this.owners = new Uint32Array(most)
    this.found = new Uint8Array(most)
    this.dest = new BigUint64Array(most * recordLength)
    this.source = new BigUint64Array(most * recordLength)
  }

  /** Returns the number of the row. */
  add(name: string, owner: number, found: number): number {
    const row = this.names.push(name) - 1
    this.owners[row] = owner
    this.found[row] = found
    return row
  }

  /** What dest shows of the entry. */
  show(row: number, { kinds, modes, sizes, records, targets }: Shown, at: number): void {
    this.kinds[row] = kinds[at] ?? Kind.File
    this.modes[row] = (modes[at] ?? 0) & 0o7777
    this.sizes[row] = sizes[at] ?? 0
    copy(records, at, this.dest, row)
    setIf(this.targets, row, targets.get(at))
  }

  /** The same as an earlier manifest has it. */
  showOld(row: number, { kinds, modes, sizes, dest, targets }: Rows, at: number): void {
    this.show(row, { kinds, modes, sizes, records: dest, targets }, at)
  }

  takeSource(row: number, records: BigUint64Array, at: number): void {
    copy(records, at, this.source, row)
  }

  sorted(order: Uint32Array): Pick<Manifest, 'names' | 'rows'> {
    const rank = new Uint32Array(order.length)
    order.forEach((row, index) => (rank[row] = index))
    const moved = <T>(map: ReadonlyMap<number, T>): Map<number, T> =>
      new Map([...map].map(([row, value]) => [rank[row] ?? 0, value]))
    const { kinds, modes, sizes, owners, found } = this
    const dest = new BigUint64Array(order.length * recordLength)
    const source = new BigUint64Array(order.length * recordLength)
    order.forEach((row, index) => {
      copy(this.dest, row, dest, index)
      copy(this.source, row, source, index)
    })
    return {
      names: Array.from(order, (row) => this.names[row] as string),
      rows: {
        kinds: Uint8Array.from(order, (row) => kinds[row] ?? 0),
        modes: Uint16Array.from(order, (row) => modes[row] ?? 0),
        sizes: Float64Array.from(order, (row) => sizes[row] ?? 0),
        owners: Uint32Array.from(order, (row) => owners[row] ?? 0),
        found: Uint8Array.from(order, (row) => found[row] ?? 0),
        ...{ dest, source },
        targets: moved(this.targets),
        shared: moved(this.shared),
        origins: moved(this.origins),
        hashes: moved(this.hashes),
      },
    }
  }
}

function copy(from: BigUint64Array, at: number, to: BigUint64Array, index: number): void {
  for (let i = 0; i < recordLength; i++) {
    to[index * recordLength + i] = from[at * recordLength + i] ?? 0n
  }
}

function recordAt(records: BigUint64Array, index: number): BigUint64Array {
  return records.subarray(index * recordLength, (index + 1) * recordLength)
}

function setIf<T>(map: Map<number, T>, row: number, value: T | undefined): void {
  if (value !== undefined) map.set(row, value)
}

interface Growing {
  readonly isMade: boolean
  readonly sources: readonly number[]
  readonly records: BigUint64Array
  /** Numbers in `Collected`. */
  readonly rows: number[]
}

class Builder {
  private readonly directories = new Map<string, Growing>()
  private readonly sources: Manifest['sources'][number][] = []
  /** Of sources that only the manifest has: by their number there. */
  private readonly carried = new Map<number, number>()
  /** Sources that have something that no row tells of, or no more have what one tells. */
  private readonly incomplete = new Set<number>()
  /** By path: see `namesIn`. */
  private readonly known = new Map<string, ReadonlySet<string>>()
  private readonly collected: Collected

  constructor(private readonly context: RecordContext) {
    const { union, before, isDestNew } = context
    for (const [index, { name, to, given }] of union.trees.entries()) {
      const { digest, dir, isFiltered = false } = given ?? {}
      const lost = union.lost[index] ?? []
      this.sources.push({ name, to, digest, dir, isFiltered, isWhole: true, lost })
    }
    let most = before?.manifest.names.length ?? 0
    for (const { directory } of eachPlaced(union.root, isDestNew)) {
      for (const { picks } of directory.parts) most += picks.length
    }
    this.collected = new Collected(most)
  }

  build(): Manifest {
    const { union, isDestNew } = this.context
    for (const placed of eachPlaced(union.root, isDestNew)) this.addDirectory(placed)
    if (this.context.unchanged !== undefined) this.addUnchanged(this.context.unchanged)
    this.carryOver()
    return this.manifest()
  }

  private addDirectory({ directory, isNew }: Placed): void {
    const { before, adopt } = this.context
    const { path, sources } = directory
    const old = before?.directory(this.recordedPath(path))
    const isMade = isNew || old?.isMade === true || (adopt && path !== '')
    const records = this.recordsOf(sources, path)
    const growing: Growing = { isMade, sources, records, rows: [] }
    this.directories.set(this.standingPath(path), growing)
    for (const part of directory.parts) this.addPart(directory, part, isNew, growing.rows)
    if (isNew) return
    for (const child of directory.directories.values()) {
      if (child.state === 'keep') for (const each of child.sources) this.incomplete.add(each)
    }
  }

  /** What sources have that were not planned, as it was recorded. */
  private addUnchanged(unchanged: UnchangedSources): void {
    const { directories, rows } = unchanged.recorded.manifest
    for (const directory of directories) {
      if (!unchanged.areIn(directory)) continue
      const growing = this.withSources(directory, unchanged)
      for (let row = directory.first; row < directory.end; row++) {
        const source = unchanged.numberOf(rows.owners[row] ?? -1)
        if (source >= 0) growing.rows.push(this.addOld(row, source))
      }
    }
  }

  /** The directory, with these sources among those that have it. */
  private withSources(directory: RecordedDirectory, unchanged: UnchangedSources): Growing {
    const { path, isMade, sources, records } = directory
    const own = this.directories.get(path)
    const holders = new Map<number, BigUint64Array>()
    own?.sources.forEach((source, index) => holders.set(source, recordAt(own.records, index)))
    sources.forEach((source, index) => {
      const number = unchanged.numberOf(source)
      if (number >= 0) holders.set(number, recordAt(records, index))
    })
    const all = [...holders].sort(([a], [b]) => a - b)
    const joined = new BigUint64Array(all.length * recordLength)
    all.forEach(([, record], index) => {
      joined.set(record, index * recordLength)
    })
    const growing: Growing = {
      isMade: own?.isMade ?? (isMade || (this.context.adopt && path !== '')),
      sources: all.map(([source]) => source),
      records: joined,
      rows: own?.rows ?? [],
    }
    this.directories.set(path, growing)
    return growing
  }

  private recordsOf(sources: readonly number[], path: string): BigUint64Array {
    const records = new BigUint64Array(sources.length * recordLength)
    sources.forEach((source, index) => {
      const known = this.context.sourceDirectories.of(source, path)
      if (known !== undefined) records.set(known, index * recordLength)
    })
    return records
  }

  private addPart(directory: PlanDirectory, part: Part, isNew: boolean, rows: number[]): void {
    const { before, own, placed, found } = this.context
    const { tree, picks, source } = part
    const { path } = directory
    const shown = { placed: placed.get(path), found: found?.get(path) }
    const old = before?.directory(this.recordedPath(path))
    // Else its path in dest does not say where it lies in the source.
    const isInPlace = this.standingPath(path) === path
    const records = this.context.sources.of(tree)
    // In one go, since it is put together each time that it is asked for.
    const { origin, names } = tree
    for (let position = 0; position < picks.length; position++) {
      const index = picks[position] as number
      const name = names[index] as string
      const action = isNew ? Action.Create : part.actions[position]
      if (action === Action.Keep) {
        // It differs: what an earlier merge put there is still known by its old record, the rest is not ours.
        this.incomplete.add(source)
        const kept = own?.rowAt(part, position)
        if (kept !== undefined) {
          const row = this.addOld(kept, source)
          this.keepOrigin(row, kept)
          rows.push(row)
        }
        continue
      }
      const isOurs = isNew || isPlaced(part, position)
      const seen = isOurs ? shown.placed : shown.found
      const at = seen?.indexOf.get(name)
      const before = old === undefined ? -1 : (this.context.before as Recorded).rowIn(old, name)
      // Nobody has looked since it was found to be as recorded.
      if (at === undefined && before < 0) {
        this.incomplete.add(source)
        continue
      }
      const row = this.collected.add(name, source, isOurs ? Found.No : this.foundAs(action, before))
      if (at !== undefined) this.collected.show(row, (seen as ShownEntries).shown, at)
      else this.collected.showOld(row, this.oldRows, before)
      const content = tree.contents.get(index)
      const isFile = tree.kinds[index] === Kind.File
      if (content !== undefined) this.collected.hashes.set(row, contentHash(content))
      else if (isFile || origin !== undefined) this.collected.takeSource(row, records, index)
      if (isFile && (origin === undefined || !isInPlace)) {
        setIf(this.collected.origins, row, originPath(part, index))
      }
      const others = directory.shared.get(name)?.filter((each) => each !== source) ?? []
      if (others.length > 0) this.collected.shared.set(row, others)
      rows.push(row)
    }
  }

  /** A number of `Found`, of what this merge did not put there. `before`: its row in the earlier manifest. */
  private foundAs(action: number | undefined, before: number): number {
    if (this.context.adopt) return Found.No
    const isOurs = before >= 0 && this.oldRows.found[before] === Found.No
    if (isOurs) return Found.No
    return action === Action.Differing ? Found.Differing : Found.Alike
  }

  private recordedPath(path: string): string {
    return this.context.own?.respelled.recordedPath(path) ?? path
  }

  private standingPath(path: string): string {
    return this.context.own?.respelled.standingPath(path) ?? path
  }

  private get oldRows(): Rows {
    return (this.context.before as Recorded).manifest.rows
  }

  /** As it was recorded before. */
  private addOld(before: number, owner: number): number {
    const { names, rows } = (this.context.before as Recorded).manifest
    const { collected } = this
    const row = collected.add(names[before] as string, owner, rows.found[before] ?? Found.No)
    collected.showOld(row, rows, before)
    collected.takeSource(row, rows.source, before)
    setIf(collected.origins, row, rows.origins.get(before))
    setIf(collected.hashes, row, rows.hashes.get(before))
    return row
  }

  /** It is of an earlier version, which may lie elsewhere than the one that this merge has. */
  private keepOrigin(row: number, before: number): void {
    const recorded = this.context.before as Recorded
    const { rows, sources } = recorded.manifest
    if (rows.kinds[before] !== Kind.File || this.collected.origins.has(row)) return
    const old = sources[rows.owners[before] ?? 0]
    const isSame = (each: Manifest['sources'][number]): boolean =>
      each.name === old?.name && each.dir === old.dir && each.to === old.to
    if (old?.dir === undefined || this.sources.some(isSame)) return
    const within = pathWithin(old.to, recorded.pathOf(before))
    if (within !== undefined && !rows.hashes.has(before)) {
      this.collected.origins.set(row, join(old.dir, within))
    }
  }

  /** What no source of this merge has, and stays. */
  private carryOver(): void {
    const { before, removals } = this.context
    if (before === undefined) return
    const { directories, names, rows } = before.manifest
    const gone = new Set<string>()
    for (const { path: recorded, first, end, isMade, sources } of directories) {
      const path = this.context.own?.respelled.movedPath(recorded) ?? recorded
      if (removals?.isGone(recorded) === true || this.hasGivenWay(path, gone)) {
        gone.add(path)
        continue
      }
      const own = this.directories.get(path)
      const known = this.namesIn(path)
      const kept: number[] = []
      for (let row = first; row < end; row++) {
        if (known.has(names[row] as string)) continue
        // With prune everything that nobody wants goes, or is somebody else's.
        if (removals === undefined && !this.isWanted(path, names[row] as string)) kept.push(row)
      }
      if (own === undefined && (removals === undefined ? false : !isMade)) continue
      const growing = own ?? this.growingFor(path, isMade, removals === undefined ? sources : [])
      for (const old of kept) {
        const source = this.carriedSource(rows.owners[old] ?? 0)
        if (source < this.context.union.trees.length) this.incomplete.add(source)
        const row = this.addOld(old, source)
        this.keepOrigin(row, old)
        const shared = rows.shared.get(old)?.map((each) => this.carriedSource(each))
        setIf(this.collected.shared, row, shared)
        growing.rows.push(row)
      }
    }
  }

  /** Has a source's entry taken the place of the directory, or of one above it? */
  private hasGivenWay(path: string, gone: ReadonlySet<string>): boolean {
    if (path === '') return false
    const { parent, name } = splitPath(path)
    return gone.has(parent) || this.namesIn(parent).has(name)
  }

  /** What a directory has of this merge. */
  private namesIn(path: string): ReadonlySet<string> {
    let known = this.known.get(path)
    if (known === undefined) {
      const rows = this.directories.get(path)?.rows ?? []
      known = new Set(rows.map((row) => this.collected.names[row] as string))
      this.known.set(path, known)
    }
    return known
  }

  /** Does a directory of the union stand there? */
  private isWanted(path: string, name: string): boolean {
    return this.directories.has(joinPath(path, name))
  }

  private growingFor(path: string, isMade: boolean, sources: readonly number[]): Growing {
    const growing: Growing = {
      isMade,
      sources: sources.map((each) => this.carriedSource(each)),
      records: new BigUint64Array(sources.length * recordLength),
      rows: [],
    }
    this.directories.set(path, growing)
    return growing
  }

  /** The number of a source that the manifest has. */
  private carriedSource(source: number): number {
    const known = this.carried.get(source)
    if (known !== undefined) return known
    const old = (this.context.before as Recorded).manifest.sources[source]
    const same = this.sources.findIndex(({ name }) => name === old?.name)
    const number = same >= 0 || old === undefined ? Math.max(same, 0) : this.sources.push(old) - 1
    this.carried.set(source, number)
    return number
  }

  private manifest(): Manifest {
    const { options, time } = this.context
    const { names } = this.collected
    const byName = (a: number, b: number): number =>
      (names[a] as string) < (names[b] as string) ? -1 : 1
    const order = new Uint32Array(names.length)
    let count = 0
    const paths = [...this.directories.keys()].sort(byComponents)
    const directories = paths.map((path): RecordedDirectory => {
      const { isMade, sources, records, rows } = this.directories.get(path) as Growing
      const first = count
      for (const row of rows.sort(byName)) order[count++] = row
      return { path, first, end: count, isMade, sources, records }
    })
    const sorted = this.collected.sorted(order)
    const sources = this.sources.map((each, number) => {
      return this.incomplete.has(number) ? { ...each, isWhole: false } : each
    })
    return { sources, directories, ...sorted, options, time }
  }
}

function originPath({ tree }: Part, index: number): string | undefined {
  const origin = originOf(tree, index)
  return 'content' in origin ? undefined : pathOf(origin.place, origin.name)
}

/** A directory before what is in it. */
function byComponents(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
