/**
 * What a merge has put into dest, so that a later one can tell what is its own: which source has what, and the stat record of
 * each entry on both sides. An entry whose stat record is unchanged was not written to: contents cannot change without ctime,
 * and nobody can set ctime (man 7 inode).
 */
export interface Manifest {
  /** In the order of the merge. */
  readonly sources: readonly RecordedSource[]
  /** Sorted by path, so each comes after the one that holds it. The first is dest itself. */
  readonly directories: readonly RecordedDirectory[]
  /** Of the rows; sorted within a directory. */
  readonly names: readonly string[]
  readonly rows: Rows
  /** The options that shape entries, as text: see `optionsKey`. */
  readonly options: string
  /** ns, by the clock of dest's file system, when it was written. */
  readonly time: bigint
}

export interface RecordedSource {
  readonly name: string
  readonly to: string
  readonly digest: string | undefined
  /** Absolute path of a source that is a directory. */
  readonly dir: string | undefined
  /** The source was filtered: its directory holds more. */
  readonly isFiltered: boolean
  /** The rows that name it are all that it has, and it has all of them. */
  readonly isWhole: boolean
  /** Paths in dest that another source won, sorted. */
  readonly lost: readonly string[]
}

export interface RecordedDirectory {
  /** '/'-joined below dest; '' for dest itself. */
  readonly path: string
  /** The rows of its entries other than directories: from `first` to before `end`. */
  readonly first: number
  readonly end: number
  /** A merge made it: it goes once it is empty. */
  readonly isMade: boolean
  /** Sources that have it. */
  readonly sources: readonly number[]
  /** Stat records of their directories, one each; 0 where there is none. */
  readonly records: BigUint64Array
}

/** Entries other than directories, in columns. */
export interface Rows {
  /** Numbers of `Kind`: File or Symlink. */
  readonly kinds: Uint8Array
  /** Permission bits, as dest showed them. */
  readonly modes: Uint16Array
  /** Bytes. */
  readonly sizes: Float64Array
  /** The source whose entry it is. */
  readonly owners: Uint32Array
  /** A number of `Found`. */
  readonly found: Uint8Array
  /** Stat records of dest's entries: `recordLength` numbers a row. */
  readonly dest: BigUint64Array
  /** The same of the sources' entries; 0 where the entry is not of a file. */
  readonly source: BigUint64Array
  /** Texts of symlinks. */
  readonly targets: ReadonlyMap<number, string>
  /** Other sources that have the same. */
  readonly shared: ReadonlyMap<number, readonly number[]>
  /** Where files of file maps lie: absolute paths. */
  readonly origins: ReadonlyMap<number, string>
  /** SHA-256 of files whose content the caller gave. */
  readonly hashes: ReadonlyMap<number, string>
}

/**
 * Did an entry stand in dest before, identical, so that it is not ours? `Differing`: it has other attributes than were asked
 * for.
 */
export const Found = { No: 0, Alike: 1, Differing: 2 } as const

/** Inode number, mtime and ctime in ns. A ctime of 0 never compares equal. */
export const recordLength = 3

/** The name of the manifest in dest. */
export const manifestName = '.reflink-merge-manifest'

/** Are two stat records of one unchanged entry? */
export function isSameRecord(
  a: BigUint64Array,
  at: number,
  b: BigUint64Array,
  bt: number,
): boolean {
  const ctime = a[at * recordLength + 2]
  return (
    ctime !== 0n &&
    ctime === b[bt * recordLength + 2] &&
    a[at * recordLength] === b[bt * recordLength] &&
    a[at * recordLength + 1] === b[bt * recordLength + 1]
  )
}
