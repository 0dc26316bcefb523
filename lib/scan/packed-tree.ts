import { splitNames } from '../host/columns'
import { joinPath, Kind, type Columns, type Place } from '../host/host'
import type { TreeColumns, TreeJob } from '../host/whole-trees'
import type { TreeDirectory } from './tree'

const noTargets: TreeDirectory['targets'] = new Map<number, string>()

/**
 * A directory of a tree that was read in one trip, as a window on the tree's columns. What is in it is taken apart when
 * somebody looks: into most nobody does, since one source alone provides them.
 */
export class PackedTree implements TreeDirectory {
  readonly targets = noTargets
  readonly distinct = true
  readonly isComplete = true
  private ownNames: readonly string[] | undefined
  private ownKinds: Uint8Array | undefined
  private learnt:
    (Pick<Columns, 'modes' | 'sizes'> & { plainBytes: number | undefined }) | undefined
  private ownDirectories: Map<string, PackedTree> | undefined

  private constructor(
    private readonly columns: TreeColumns,
    /** Where the tree begins. */
    private readonly start: Place,
    readonly device: number,
    /** The directory, by its number in the columns. */
    private readonly at: number,
  ) {}

  /** The tree of the place asked for at `index`. */
  static of(columns: TreeColumns, index: number, place: Place): PackedTree {
    const { devices, starts } = columns
    return new PackedTree(columns, place, devices[index] as number, starts[index] as number)
  }

  get mode(): number {
    return this.columns.modes[this.at] as number
  }

  get plainBytes(): number | undefined {
    if (this.columns.sized) return this.columns.bytes[this.at]
    return this.learnt?.plainBytes
  }

  set plainBytes(bytes: number | undefined) {
    if (this.columns.sized) this.columns.bytes[this.at] = bytes ?? 0
    else if (this.learnt !== undefined) this.learnt.plainBytes = bytes
  }

  /** Are the files' modes and sizes known? */
  get isSized(): boolean {
    return this.columns.sized || this.learnt !== undefined
  }

  /** What a look at the files has told. */
  learn(columns: Pick<Columns, 'modes' | 'sizes'>): void {
    const isPlain = columns.modes.every((mode) => (mode & 0o7000) === 0)
    const plainBytes = isPlain ? columns.sizes.reduce((sum, size) => sum + size, 0) : undefined
    this.learnt = { ...columns, plainBytes }
  }

  get names(): readonly string[] {
    return (this.ownNames ??= splitNames(this.namesUpTo(this.at + 1)))
  }

  get directories(): Map<string, PackedTree> {
    return (this.ownDirectories ??= this.cutDirectories())
  }

  get kinds(): Uint8Array {
    return (this.ownKinds ??= new Uint8Array(this.ownFiles).fill(Kind.File))
  }

  get modes(): Uint16Array {
    return this.known.modes
  }

  get sizes(): Float64Array {
    return this.known.sizes
  }

  get origin(): Place {
    const { base, path } = this.start
    return { base, path: joinPath(path, this.path) }
  }

  /** Files in it and below. */
  get allFiles(): number {
    const { fileEnds } = this.columns
    return (fileEnds[this.end - 1] as number) - before(fileEnds, this.at)
  }

  /** It and all below it. */
  get allDirectories(): number {
    return this.end - this.at
  }

  /** Bytes of the files in it and below, if all are known. */
  get allBytes(): number | undefined {
    if (!this.columns.sized) return this.learntBytes()
    let bytes = 0
    for (let at = this.at; at < this.end; at++) bytes += this.columns.bytes[at] as number
    return bytes
  }

  /** To make all of it at a place, or to look for it there. */
  jobTo(to: Place): TreeJob {
    const counts = this.columns.counts.subarray(this.at, this.end)
    return { ...this.directoriesTo(to), counts, names: this.namesUpTo(this.end) }
  }

  /** The same without its files. */
  directoriesTo(to: Place): TreeJob {
    const { at, end, start, path, columns } = this
    const { paths, pathEnds, modes } = columns
    return {
      from: start,
      to,
      paths: paths.slice(before(pathEnds, at), pathEnds[end - 1]),
      skip: path.length,
      modes: modes.subarray(at, end),
      counts: new Uint32Array(end - at),
      names: '',
    }
  }

  private learntBytes(): number | undefined {
    if (this.learnt === undefined) return undefined
    let bytes = this.learnt.sizes.reduce((sum, size) => sum + size, 0)
    for (const child of this.directories.values()) {
      const below = child.allBytes
      if (below === undefined) return undefined
      bytes += below
    }
    return bytes
  }

  private get ownFiles(): number {
    return this.columns.counts[this.at] as number
  }

  private get known(): Pick<Columns, 'modes' | 'sizes'> {
    if (this.learnt !== undefined) return this.learnt
    const { fileModes, sizes, fileEnds, sized } = this.columns
    if (!sized) throw new Error('sizes that nobody has asked for')
    const [first, end] = [before(fileEnds, this.at), fileEnds[this.at]]
    this.learnt = {
      modes: fileModes.subarray(first, end),
      sizes: sizes.subarray(first, end),
      plainBytes: this.columns.bytes[this.at],
    }
    return this.learnt
  }

  private get end(): number {
    return this.columns.ends[this.at] as number
  }

  /** Below the start of the tree. */
  private get path(): string {
    return this.pathOf(this.at)
  }

  private pathOf(directory: number): string {
    const { paths, pathEnds } = this.columns
    return paths.slice(before(pathEnds, directory), (pathEnds[directory] as number) - 1)
  }

  /** Of the files of the directories from this one to that one, which is left out. */
  private namesUpTo(end: number): string {
    const { names, nameEnds } = this.columns
    return names.slice(before(nameEnds, this.at), nameEnds[end - 1])
  }

  private cutDirectories(): Map<string, PackedTree> {
    const { columns, start, device, end } = this
    const directories = new Map<string, PackedTree>()
    for (let at = this.at + 1; at < end; at = columns.ends[at] as number) {
      const path = this.pathOf(at)
      const name = path.slice(path.lastIndexOf('/') + 1)
      directories.set(name, new PackedTree(columns, start, device, at))
    }
    return directories
  }
}

/** Where the one before ends. */
function before(ends: Uint32Array, at: number): number {
  return at === 0 ? 0 : (ends[at - 1] as number)
}
