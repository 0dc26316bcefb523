import type { RawTreeColumns, RawTreeMatches } from '../addon'
import type { Outcomes, Place } from './host'

/** What reading a tree in one trip has come to. */
export const TreeFound = {
  Plain: 0,
  /** It cannot be read, or has something that is not plain. */
  Other: 1,
  /** More than one trip should take. */
  Large: 2,
} as const

/**
 * What lies in trees that are plain: regular files without setuid, setgid or sticky bit, and directories that their owner
 * may use, on one file system, with ASCII names that every system distinguishes. Of other trees there is nothing here.
 */
export type TreeColumns = Readonly<RawTreeColumns>

/** A tree to make: directories, and what to fill them with. */
export interface TreeJob {
  readonly from: Place
  readonly to: Place
  /** Of the directories below `from`, NUL after each; in `to` the first `skip` bytes of each are left out. */
  readonly paths: string
  readonly skip: number
  /** One a directory: 0777, or `noMode`: as mkdir makes it. */
  readonly modes: Uint32Array
  /** One a directory: the entries directly in it. */
  readonly counts: Uint32Array
  /** Of all entries, NUL after each. */
  readonly names: string
  /** One an entry: a number of `Row`. Default: files only. */
  readonly kinds?: Uint8Array
  /**
   * NUL after each: the path of a file below `from`, the text of a symlink. Default: files lie in the directories of
   * `paths`, under their own names.
   */
  readonly sources?: string
  /** One an entry: 0777, or `noMode`: the source's. Default: the source's. */
  readonly fileModes?: Uint32Array
  /** Of the entries that are `Row.Content`, in their order. */
  readonly contents?: readonly Uint8Array[]
  /** One an entry: 0 leaves it out. */
  readonly wanted?: Uint8Array
  /** So many directories, the first ones, are there already. */
  readonly made?: number
}

/** What an entry of a tree is made from. */
export const Row = { File: 0, Symlink: 1, Content: 2 } as const

/** No mode of its own. */
export const noMode = 0xffffffff

/** The errno of an entry that was not tried: its directory is not there. */
export const notTried = -1

/** What became of making several trees. */
export interface TreeOutcomes {
  /** All of it was made. */
  readonly complete: boolean
  /** One a tree: bytes of the files that were cloned, copied or written. */
  readonly bytes: Float64Array
  /** One a tree, unless complete: its directories that are there, the first ones. */
  readonly made?: Uint32Array
  /** One a tree, unless complete: why the next directory could not be made; 0 where all are there. */
  readonly stops?: Outcomes
  /** One an entry, unless complete: 0, why it could not be made, or `notTried`. */
  readonly rows?: Outcomes
}

export type TreeMatches = Readonly<RawTreeMatches>

/** How the files of a tree are made. */
export type TreeOperation = 'clone' | 'hardlink' | 'copy'
