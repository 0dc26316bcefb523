import { basename, dirname } from 'node:path'
import { preOrder } from '../traversal'
import { splitNames } from '../host/columns'
import { joinPath, Kind, type Columns, type Place } from '../host/host'
import { noMode, Row, type TreeJob } from '../host/whole-trees'
import { startOf, type TreeTable } from './table'
import type { FileAt, TreeDirectory } from './tree'

const nothing = new Map<number, never>()

type Learnt = Pick<Columns, 'modes' | 'sizes'>

/**
 * A directory of a table, as a window on its columns. What is in it is taken apart when somebody looks: into most nobody
 * does, since one source alone provides them.
 */
export class PackedTree implements TreeDirectory {
  readonly isComplete: boolean
  private ownNames: readonly string[] | undefined
  private ownKinds: Uint8Array | undefined
  private ownTargets: ReadonlyMap<number, string> | undefined
  private ownContents: ReadonlyMap<number, Uint8Array> | undefined
  private learnt: (Learnt & { plainBytes: number | undefined }) | undefined
  private ownDirectories: Map<string, PackedTree> | undefined

  private constructor(
    private readonly table: TreeTable,
    /** Where the tree begins. */
    private readonly start: Place,
    private readonly startDevice: number,
    /** The directory, by its number in the columns. */
    private readonly at: number,
  ) {
    // Nobody knows what else lies in the directories of a store.
    this.isComplete = table.map === undefined
  }

  /** The tree of the place asked for at `index`. */
  static of(table: TreeTable, index: number, place: Place): PackedTree {
    const { devices, starts } = table
    return new PackedTree(table, place, devices[index] as number, starts[index] as number)
  }

  /** The whole table, and the place at which its tree begins. */
  get origins(): { readonly table: TreeTable; readonly start: Place } {
    return { table: this.table, start: this.start }
  }

  /** Is it of a file map? */
  get isOfMap(): boolean {
    return this.table.map !== undefined
  }

  get mode(): number | undefined {
    const mode = this.table.modes[this.at] as number
    return mode === noMode ? undefined : mode
  }

  get device(): number | readonly number[] {
    const devices = this.table.map?.devices
    return devices === undefined ? this.startDevice : Array.from(devices.subarray(...this.ownRows))
  }

  /** st_dev of all files in it and below; undefined where they lie on several devices. */
  get onlyDevice(): number | undefined {
    return this.table.map?.devices === undefined ? this.startDevice : undefined
  }

  get distinct(): boolean {
    return this.table.map === undefined || this.table.map.distinct[this.at] === 1
  }

  get plainBytes(): number | undefined {
    return this.isSized ? this.known.plainBytes : undefined
  }

  set plainBytes(bytes: number | undefined) {
    if (!this.isSized) return
    if (this.table.sized) this.table.bytes[this.at] = bytes ?? 0
    this.known.plainBytes = bytes
  }

  /** Are the files' modes and sizes known? */
  get isSized(): boolean {
    return this.table.sized || this.learnt !== undefined
  }

  /** What a look at the files has told: one an entry. */
  learn(found: Learnt): void {
    this.learnt = { ...found, plainBytes: this.plainBytesOf(found) }
  }

  get names(): readonly string[] {
    return (this.ownNames ??= splitNames(this.namesUpTo(this.at + 1)))
  }

  get directories(): Map<string, PackedTree> {
    return (this.ownDirectories ??= this.cutDirectories())
  }

  get kinds(): Uint8Array {
    return (this.ownKinds ??= this.kindsOf())
  }

  get targets(): ReadonlyMap<number, string> {
    if (this.table.map?.kinds === undefined) return nothing
    return (this.ownTargets ??= this.targetsOf())
  }

  get contents(): ReadonlyMap<number, Uint8Array> {
    const all = this.table.map?.contents
    if (all === undefined || all.size === 0) return nothing
    return (this.ownContents ??= this.within(all))
  }

  get givenModes(): Uint32Array | undefined {
    return this.table.map?.givenModes?.subarray(...this.ownRows)
  }

  get modes(): Uint16Array {
    return this.known.modes
  }

  get sizes(): Float64Array {
    if (this.isSized) return this.known.sizes
    const given = this.table.map?.givenSizes?.subarray(...this.ownRows)
    return given === undefined || given.some(Number.isNaN) ? this.known.sizes : given
  }

  get origin(): Place | undefined {
    if (this.table.map !== undefined) return undefined
    const { base, path } = this.start
    return { base, path: joinPath(path, this.path) }
  }

  fileAt(index: number): FileAt {
    const { origin } = this
    if (origin !== undefined) return { place: origin, name: this.names[index] as string }
    const path = this.sourceOf(this.ownRows[0] + index)
    return { place: { base: dirname(path), path: '' }, name: basename(path) }
  }

  /** Entries in it and below. */
  get allEntries(): number {
    const [first, end] = this.allRows
    return end - first
  }

  /** Symlinks in it and below. */
  get allSymlinks(): number {
    const kinds = this.table.map?.kinds?.subarray(...this.allRows)
    return kinds?.reduce((sum, kind) => (kind === Row.Symlink ? sum + 1 : sum), 0) ?? 0
  }

  /** One an entry in it and below, a number of `Row`; undefined: files only. */
  get allKinds(): Uint8Array | undefined {
    return this.table.map?.kinds?.subarray(...this.allRows)
  }

  /** It and all below it. */
  get allDirectories(): number {
    return this.end - this.at
  }

  /** Bytes of the files in it and below, if all are known. */
  get allBytes(): number | undefined {
    if (!this.table.sized) return this.learntBytes()
    let bytes = 0
    for (let at = this.at; at < this.end; at++) bytes += this.table.bytes[at] as number
    return bytes
  }

  /** The same by the caller's index, where nobody has looked. */
  get expectedBytes(): number | undefined {
    const given = this.table.map?.givenSizes?.subarray(...this.allRows)
    const expected = this.allBytes ?? given?.reduce((sum, size) => sum + size, 0)
    return Number.isNaN(expected) ? undefined : expected
  }

  /** Have all files in it and below just permission bits, and the ones that they are to have? False if that is not known. */
  get isPlain(): boolean {
    const { table, at, end } = this
    if (table.map === undefined) return table.sized
    if (!table.sized) return false
    for (let directory = at; directory < end; directory++) {
      const own = new PackedTree(table, this.start, this.startDevice, directory)
      if (own.known.plainBytes === undefined) return false
    }
    return true
  }

  /** The names of each directory, here and below, of which it is not known that no file system takes two for one. */
  *eachDoubtful(): Generator<string[]> {
    if (this.table.map === undefined) return
    for (let at = this.at; at < this.end; at++) {
      if (this.table.map.distinct[at] === 1) continue
      const own = new PackedTree(this.table, this.start, this.startDevice, at)
      yield [...own.names, ...own.directories.keys()]
    }
  }

  /** An entry in it or below, by its number: its path, and where its file lies. */
  rowAt(row: number): { path: string; file: FileAt } {
    const { fileEnds } = this.table
    const wanted = this.allRows[0] + row
    // The first directory whose entries end behind it.
    let [low, high] = [this.at, this.end - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((fileEnds[middle] as number) > wanted) high = middle
      else low = middle + 1
    }
    const own = new PackedTree(this.table, this.start, this.startDevice, low)
    const index = wanted - startOf(fileEnds, low)
    const below = this.path === '' ? own.path : own.path.slice(this.path.length + 1)
    return { path: joinPath(below, own.names[index] as string), file: own.fileAt(index) }
  }

  /** A directory in it or below, by its number: its path. */
  directoryAt(directory: number): string {
    const path = this.pathOf(this.at + directory)
    return this.path === '' ? path : path.slice(this.path.length + 1)
  }

  /** To make all of it at a place, or to look for it there. */
  jobTo(to: Place): TreeJob {
    const counts = this.table.counts.subarray(this.at, this.end)
    const names = this.namesUpTo(this.end)
    return { ...this.directoriesTo(to), counts, names, ...this.mapJob() }
  }

  /** The same without its files. */
  directoriesTo(to: Place): TreeJob {
    const { at, end, start, path, table } = this
    const { paths, pathEnds, modes } = table
    return {
      from: start,
      to,
      paths: paths.slice(startOf(pathEnds, at), pathEnds[end - 1]),
      skip: Buffer.byteLength(path),
      modes: modes.subarray(at, end),
      counts: new Uint32Array(end - at),
      names: '',
    }
  }

  /** Of its directories, within the package. */
  *eachPath(): Generator<string> {
    for (let at = this.at; at < this.end; at++) yield joinPath(this.start.path, this.pathOf(at))
  }

  private mapJob(): Partial<TreeJob> {
    const { map } = this.table
    if (map === undefined) return {}
    const [first, end] = this.allRows
    const { kinds, givenModes, contents, sources, sourceEnds } = map
    return {
      sources: sources.slice(startOf(sourceEnds, first), sourceEnds[end - 1]),
      ...(kinds && { kinds: kinds.subarray(first, end) }),
      ...(givenModes && { fileModes: givenModes.subarray(first, end) }),
      ...(contents.size > 0 && {
        contents: [...contents]
          .filter(([row]) => row >= first && row < end)
          .map(([, each]) => each),
      }),
    }
  }

  private kindsOf(): Uint8Array {
    const kinds = this.table.map?.kinds?.subarray(...this.ownRows)
    if (kinds === undefined) return new Uint8Array(this.ownEntries).fill(Kind.File)
    return kinds.map((kind) => (kind === Row.Symlink ? Kind.Symlink : Kind.File))
  }

  private targetsOf(): ReadonlyMap<number, string> {
    const { map } = this.table
    const [first, end] = this.ownRows
    const targets = new Map<number, string>()
    for (let row = first; row < end; row++) {
      if (map?.kinds?.[row] === Row.Symlink) targets.set(row - first, this.textOf(row))
    }
    return targets
  }

  /** Those of the directory's own entries, by their indexes here. */
  private within<T>(all: ReadonlyMap<number, T>): Map<number, T> {
    const [first, end] = this.ownRows
    const own = new Map<number, T>()
    for (const [row, value] of all) if (row >= first && row < end) own.set(row - first, value)
    return own
  }

  private sourceOf(row: number): string {
    return (this.table.map?.root ?? '') + this.textOf(row)
  }

  private textOf(row: number): string {
    const { sources = '', sourceEnds = new Uint32Array() } = this.table.map ?? {}
    return sources.slice(startOf(sourceEnds, row), (sourceEnds[row] as number) - 1)
  }

  private learntBytes(): number | undefined {
    let bytes = 0
    for (const { learnt } of eachTree(this)) {
      if (learnt === undefined) return undefined
      for (const size of learnt.sizes) bytes += size
    }
    return bytes
  }

  /** Of all entries, where each is a file that has just permission bits, and those that it is to have. */
  private plainBytesOf({ modes, sizes }: Learnt): number | undefined {
    if (this.targets.size > 0 || this.contents.size > 0) return undefined
    const given = this.givenModes
    const isPlain = modes.every((mode, index) => {
      const wanted = given?.[index] ?? noMode
      return (mode & 0o7000) === 0 && (wanted === noMode || wanted === mode)
    })
    return isPlain ? sizes.reduce((sum, size) => sum + size, 0) : undefined
  }

  private get ownEntries(): number {
    return this.table.counts[this.at] as number
  }

  private get ownRows(): [number, number] {
    const { fileEnds } = this.table
    return [startOf(fileEnds, this.at), fileEnds[this.at] as number]
  }

  private get allRows(): [number, number] {
    const { fileEnds } = this.table
    return [startOf(fileEnds, this.at), fileEnds[this.end - 1] as number]
  }

  private get known(): Learnt & { plainBytes: number | undefined } {
    if (this.learnt !== undefined) return this.learnt
    const { fileModes, sizes, sized, map, bytes } = this.table
    if (!sized) throw new Error('sizes that were not requested')
    const own = {
      modes: fileModes.subarray(...this.ownRows),
      sizes: sizes.subarray(...this.ownRows),
    }
    const plainBytes = map === undefined ? bytes[this.at] : this.plainBytesOf(own)
    this.learnt = { ...own, plainBytes }
    return this.learnt
  }

  private get end(): number {
    return this.table.ends[this.at] as number
  }

  /** Below the start of the tree. */
  private get path(): string {
    return this.pathOf(this.at)
  }

  private pathOf(directory: number): string {
    const { paths, pathEnds } = this.table
    return paths.slice(startOf(pathEnds, directory), (pathEnds[directory] as number) - 1)
  }

  /** Of the entries of the directories from this one to that one, which is left out. */
  private namesUpTo(end: number): string {
    const { names, nameEnds } = this.table
    return names.slice(startOf(nameEnds, this.at), nameEnds[end - 1])
  }

  private cutDirectories(): Map<string, PackedTree> {
    const { table, start, startDevice, end } = this
    const directories = new Map<string, PackedTree>()
    for (let at = this.at + 1; at < end; at = table.ends[at] as number) {
      const path = this.pathOf(at)
      const name = path.slice(path.lastIndexOf('/') + 1)
      directories.set(name, new PackedTree(table, start, startDevice, at))
    }
    return directories
  }
}

/** A tree and all below it. */
export function eachTree(tree: PackedTree): Generator<PackedTree> {
  return preOrder(tree, ({ directories }) => directories.values())
}
