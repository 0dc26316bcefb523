import type { Columns, Place } from '../host/host'
import { noMode } from '../host/whole-trees'

/** One directory of a source: what is not a directory in columns, one entry an index. */
export interface TreeDirectory extends Columns {
  /** Of entries other than directories. */
  readonly names: readonly string[]
  readonly directories: Map<string, TreeDirectory>
  /** Bytes of all entries, where these are known to be regular files without setuid, setgid or sticky bit. */
  plainBytes: number | undefined
  /** No two names look alike to any file system, as far as that is known. */
  readonly distinct: boolean
  /** Permission bits; undefined where the source does not give the directory itself. */
  readonly mode: number | undefined
  /** The directory in which the entries lie, under their own names; undefined where each lies in a place of its own. */
  readonly origin: Place | undefined
  /** Where an entry lies that is neither a symlink nor one of `contents`. */
  fileAt(index: number): FileAt
  /** Of the files that are not made from others: what is written into them, by index. */
  readonly contents: ReadonlyMap<number, Uint8Array>
  /**
   * One an entry: permission bits that a file is to have, whatever it has where it lies, or `noMode`; undefined: they are to
   * have what they have.
   */
  readonly givenModes: Uint32Array | undefined
  /** st_dev of what the entries lie on, for each one or for all. */
  readonly device: number | readonly number[]
  /** Nothing that lies in the directory was left out, as far as the scan saw. */
  readonly isComplete: boolean
}

/** The size of an entry turned out to be another one when it was placed. */
export function correctSize(tree: TreeDirectory, index: number, bytes: number): void {
  const { sizes, plainBytes } = tree
  const before = sizes[index] ?? 0
  if (before === bytes) return
  sizes[index] = bytes
  if (plainBytes !== undefined) tree.plainBytes = plainBytes + bytes - before
}

/** A file: its directory and its name there. */
export interface FileAt {
  readonly place: Place
  readonly name: string
}

/** A source as it was found: the directory that goes to `to`. */
export interface SourceTree {
  readonly source: number
  readonly name: string
  readonly to: string
  readonly root: TreeDirectory
  /** Fifos, sockets and devices that were left out: their paths in the source, sorted. */
  readonly skipped: readonly string[]
  /** What a manifest keeps of the source in addition. */
  readonly given?: SourceDetails
  /** It is as the manifest has it, was not read, and is not planned. */
  readonly isUnchanged?: true
}

export function isPlanned({ isUnchanged }: SourceTree): boolean {
  return isUnchanged !== true
}

interface SourceDetails {
  readonly digest: string | undefined
  /** Absolute, symlinks resolved; undefined for a file map. */
  readonly dir: string | undefined
  readonly isFiltered: boolean
  /** After the merge its place holds nothing but what sources have, and these names. */
  readonly exact?: { readonly keep: readonly string[] } | undefined
}

/** Is everything else in its place to go? */
export function isExact({ given }: SourceTree): boolean {
  return given?.exact !== undefined
}

const nothing = {
  names: [],
  kinds: new Uint8Array(),
  modes: new Uint16Array(),
  sizes: new Float64Array(),
  targets: new Map<number, never>(),
  contents: new Map<number, never>(),
  givenModes: undefined,
  origin: undefined,
  device: [],
  fileAt: (): never => {
    throw new Error('an implicit directory has no files')
  },
}

/** A directory that only leads to others. */
export function implicitDirectory(): TreeDirectory {
  return {
    ...nothing,
    directories: new Map(),
    plainBytes: undefined,
    distinct: false,
    mode: undefined,
    isComplete: false,
  }
}

/** The permission bits that an entry is to have. */
export function modeOf({ givenModes, modes }: TreeDirectory, index: number): number {
  const given = givenModes?.[index] ?? noMode
  return given === noMode ? (modes[index] as number) : given
}
