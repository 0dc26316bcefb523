import { createHash } from 'node:crypto'
import { joinPath, Kind } from '../host/host'
import {
  Found,
  recordLength,
  type Manifest,
  type RecordedDirectory,
  type Recorded,
} from '../manifest'
import type { SourceDirectories, SourceRecords } from '../manifest'
import { preOrder } from '../traversal'
import type { OwnEntries } from './own-entries'
import type { ShownBuilder } from './shown'
import type { Part } from './part'
import { Action, originOf, type PlanDirectory, type Union } from './plan'
import type { Removals } from './removals'
import { asWhole } from './whole-directory'
import { pathOf } from '../host/host'

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

interface Row {
  readonly name: string
  readonly kind: number
  readonly mode: number
  readonly size: number
  readonly owner: number
  /** A number of `Found`. */
  readonly found: number
  readonly dest: BigUint64Array
  readonly destAt: number
  readonly source: BigUint64Array
  readonly sourceAt: number
  readonly target: string | undefined
  readonly shared: readonly number[] | undefined
  readonly origin: string | undefined
  readonly hash: string | undefined
}

interface Growing {
  isMade: boolean
  sources: readonly number[]
  readonly records: BigUint64Array
  readonly rows: Map<string, Row>
}

const noRecord = new BigUint64Array(recordLength)

class Builder {
  private readonly directories = new Map<string, Growing>()
  private readonly sources: Manifest['sources'][number][] = []
  /** Of sources that only the manifest has: by their number there. */
  private readonly carried = new Map<number, number>()

  constructor(private readonly context: RecordContext) {
    const { union } = context
    for (const [index, { name, to, given }] of union.trees.entries()) {
      const { digest, dir, isFiltered = false } = given ?? {}
      this.sources.push({ name, to, digest, dir, isFiltered, lost: union.lost[index] ?? [] })
    }
  }

  build(): Manifest {
    const { union, isDestNew } = this.context
    for (const placed of eachPlaced(union.root, isDestNew)) this.addDirectory(placed)
    this.carryOver()
    return this.manifest()
  }

  private addDirectory({ directory, isNew }: Placed): void {
    const { before, adopt } = this.context
    const { path } = directory
    const old = before?.directory(path)
    const isMade = isNew || old?.isMade === true || (adopt && path !== '')
    const { sources } = directory
    const records = this.recordsOf(sources, path)
    const growing: Growing = { isMade, sources, records, rows: new Map() }
    this.directories.set(path, growing)
    for (const part of directory.parts) {
      for (let position = 0; position < part.picks.length; position++) {
        const row = this.rowOf(directory, part, position, isNew)
        if (row !== undefined) growing.rows.set(row.name, row)
      }
    }
  }

  private recordsOf(sources: readonly number[], path: string): BigUint64Array {
    const records = new BigUint64Array(sources.length * recordLength)
    sources.forEach((source, index) => {
      const known = this.context.sourceDirectories.of(source, path)
      if (known !== undefined) records.set(known, index * recordLength)
    })
    return records
  }

  private rowOf(
    directory: PlanDirectory,
    part: Part,
    position: number,
    isNew: boolean,
  ): Row | undefined {
    const { before, own, placed, sources, adopt } = this.context
    const { tree, picks, actions, source } = part
    const index = picks[position] as number
    const name = tree.names[index] as string
    const shared = directory.shared.get(name)?.filter((each) => each !== source)
    if (!isNew && actions[position] === Action.Keep) {
      // It differs: what an earlier merge put there is still known by its old record, the rest is not ours.
      const old = own?.rowAt(part, position)
      return old === undefined ? undefined : this.oldRow(old, source)
    }
    const isOurs = isNew || isPlaced(part, position)
    const seen = (isOurs ? placed : this.context.found)?.get(directory.path)
    const at = seen?.indexOf.get(name)
    const row = before?.row(directory.path, name) ?? -1
    const wasFound = row >= 0 && before?.manifest.rows.found[row] !== Found.No
    const isFound = !isOurs && !adopt && (row < 0 || wasFound)
    const isDiffering = !isNew && actions[position] === Action.Differing
    const found = isFound ? (isDiffering ? Found.Differing : Found.Alike) : Found.No
    const content = tree.contents.get(index)
    const isFile = tree.kinds[index] === Kind.File
    const hasRecord = content === undefined && (isFile || tree.origin !== undefined)
    const wanted = {
      name,
      owner: source,
      found,
      source: hasRecord ? sources.of(tree) : noRecord,
      sourceAt: hasRecord ? index : 0,
      shared: shared !== undefined && shared.length > 0 ? shared : undefined,
      origin: isFile && tree.origin === undefined ? originPath(part, index) : undefined,
      hash: content && createHash('sha256').update(content).digest('hex'),
    }
    if (seen !== undefined && at !== undefined) {
      const { kinds, modes, sizes, records, targets } = seen.shown
      return {
        ...wanted,
        kind: kinds[at] ?? Kind.File,
        mode: (modes[at] ?? 0) & 0o7777,
        size: sizes[at] ?? 0,
        dest: records,
        destAt: at,
        target: targets.get(at),
      }
    }
    // Nobody has looked since it was found to be as recorded.
    if (row < 0 || before === undefined) return undefined
    return { ...this.oldRow(row, source), ...wanted }
  }

  private oldRow(row: number, owner: number): Row {
    const { rows, names } = (this.context.before as Recorded).manifest
    return {
      name: names[row] ?? '',
      kind: rows.kinds[row] ?? 0,
      mode: rows.modes[row] ?? 0,
      size: rows.sizes[row] ?? 0,
      owner,
      found: rows.found[row] ?? Found.No,
      ...{ dest: rows.dest, destAt: row, source: rows.source, sourceAt: row },
      target: rows.targets.get(row),
      shared: undefined,
      origin: rows.origins.get(row),
      hash: rows.hashes.get(row),
    }
  }

  /** What no source of this merge has, and stays. */
  private carryOver(): void {
    const { before, removals } = this.context
    if (before === undefined) return
    const { directories, names, rows } = before.manifest
    for (const { path, first, end, isMade, sources } of directories) {
      const own = this.directories.get(path)
      const isGone = removals?.isWhole(path) === true
      if (isGone) continue
      const kept: number[] = []
      for (let row = first; row < end; row++) {
        if (own?.rows.has(names[row] as string) === true) continue
        // With prune everything that nobody wants goes, or is somebody else's.
        if (removals === undefined && !this.isWanted(path, names[row] as string)) kept.push(row)
      }
      if (own === undefined && (removals === undefined ? false : !isMade)) continue
      const growing = own ?? this.growingFor(path, isMade, removals === undefined ? sources : [])
      for (const row of kept) {
        const owner = this.carriedSource(rows.owners[row] ?? 0)
        const shared = rows.shared.get(row)?.map((each) => this.carriedSource(each))
        growing.rows.set(names[row] as string, { ...this.oldRow(row, owner), shared })
      }
    }
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
      rows: new Map(),
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
    const paths = [...this.directories.keys()].sort(byComponents)
    const all: Row[] = []
    const directories = paths.map((path): RecordedDirectory => {
      const { isMade, sources, records, rows } = this.directories.get(path) as Growing
      const first = all.length
      for (const name of [...rows.keys()].sort()) all.push(rows.get(name) as Row)
      return { path, first, end: all.length, isMade, sources, records }
    })
    const dest = new BigUint64Array(all.length * recordLength)
    const source = new BigUint64Array(all.length * recordLength)
    const targets = new Map<number, string>()
    const shared = new Map<number, readonly number[]>()
    const origins = new Map<number, string>()
    const hashes = new Map<number, string>()
    all.forEach((row, index) => {
      for (let i = 0; i < recordLength; i++) {
        dest[index * recordLength + i] = row.dest[row.destAt * recordLength + i] ?? 0n
        source[index * recordLength + i] = row.source[row.sourceAt * recordLength + i] ?? 0n
      }
      if (row.target !== undefined) targets.set(index, row.target)
      if (row.shared !== undefined) shared.set(index, row.shared)
      if (row.origin !== undefined) origins.set(index, row.origin)
      if (row.hash !== undefined) hashes.set(index, row.hash)
    })
    return {
      ...{ sources: this.sources, directories, names: all.map(({ name }) => name), options, time },
      rows: {
        kinds: Uint8Array.from(all, ({ kind }) => kind),
        modes: Uint16Array.from(all, ({ mode }) => mode),
        sizes: Float64Array.from(all, ({ size }) => size),
        owners: Uint32Array.from(all, ({ owner }) => owner),
        found: Uint8Array.from(all, ({ found }) => found),
        ...{ dest, source, targets, shared, origins, hashes },
      },
    }
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
