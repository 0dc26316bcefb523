import type { RawTreeColumns, RawTreeMatches, RawTreeOutcomes } from '../addon'
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
export type TreeColumns = Readonly<RawTreeColumns>

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

export type TreeOutcomes = Readonly<RawTreeOutcomes>

export type TreeMatches = Readonly<RawTreeMatches>

/** How the files of a tree are made. */
export type TreeOperation = 'clone' | 'hardlink' | 'copy'
