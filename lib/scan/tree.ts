import type { Columns, Place } from '../host/host'

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
  /** Where the entries are: a directory, or for each one a directory and its name there. */
  readonly origin: Place | readonly StoreFile[]
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

/** A file of a content-addressed store. */
export interface StoreFile {
  /** Absolute path of its directory. */
  readonly dir: string
  readonly name: string
}

/** A source as it was found: the directory that goes to `to`. */
export interface SourceTree {
  readonly source: number
  readonly name: string
  readonly to: string
  readonly root: TreeDirectory
}

const nothing: Pick<TreeDirectory, 'names' | 'origin' | 'device'> & Columns = {
  names: [],
  kinds: new Uint8Array(),
  modes: new Uint16Array(),
  sizes: new Float64Array(),
  targets: new Map(),
  origin: [],
  device: [],
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
