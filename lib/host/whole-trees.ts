import type { Place } from './host'

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
 * may use, on one file system, with ASCII names that every system tells apart. Of other trees there is nothing here.
 */
export interface TreeColumns {
  /**
   * The files were looked at. Otherwise the directories told that they are regular files, and nothing is known of their
   * modes and sizes.
   */
  readonly sized: boolean
  /** One a place: a number of `TreeFound`. */
  readonly found: Uint8Array
  /** One a place: st_dev. */
  readonly devices: Float64Array
  /** One a place: its first directory. */
  readonly starts: Uint32Array

  /** One a directory, each before those that lie in it, which are the next ones: the first that does not lie in it. */
  readonly ends: Uint32Array
  /** One a directory: 0777. */
  readonly modes: Uint32Array
  /** One a directory: the files directly in it. */
  readonly counts: Uint32Array
  /** One a directory: bytes of these, if sized. */
  readonly bytes: Float64Array
  /** One a directory: the length of `paths` up to and with its own; so for the names and the numbers of its files. */
  readonly pathEnds: Uint32Array
  readonly nameEnds: Uint32Array
  readonly fileEnds: Uint32Array

  /** One a file, in the order of the directories, if sized: 0777. */
  readonly fileModes: Uint16Array
  /** One a file, if sized: bytes. */
  readonly sizes: Float64Array

  /** Of the directories below the place, '/'-joined, NUL after each. */
  readonly paths: string
  /** Of the files, NUL after each. */
  readonly names: string
}

/** A tree to make: directories, and what to fill them with. */
export interface TreeJob {
  readonly from: Place
  readonly to: Place
  /** Of the directories below `from`, NUL after each; in `to` the first `skip` bytes of each are left out. */
  readonly paths: string
  readonly skip: number
  /** One a directory: 0777. */
  readonly modes: Uint32Array
  /** One a directory: the files directly in it. */
  readonly counts: Uint32Array
  /** Of all files, NUL after each. */
  readonly names: string
}

export interface TreeOutcomes {
  /** All of it was made. */
  readonly complete: boolean
  /** One a tree: bytes of the files that were cloned or copied. */
  readonly bytes: Float64Array
  /** One a tree, unless complete: its directories that were made, the first ones. */
  readonly made?: Uint32Array
  /** One a file, unless complete: 1 or 0. */
  readonly placed?: Uint8Array
}

export interface TreeMatches {
  /** One a tree: 1 or 0. */
  readonly same: Uint8Array
  /** One a tree that is the same: bytes of its files. */
  readonly bytes: Float64Array
  /**
   * Of each directory in `to`: st_dev, st_ino, mtime and ctime in ns, `identityLength` a directory; 0 where nobody looked.
   */
  readonly identities: BigUint64Array
}

/** How the files of a tree are made. */
export type TreeOperation = 'clone' | 'hardlink' | 'copy'
