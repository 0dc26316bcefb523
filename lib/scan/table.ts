import type { TreeColumns } from '../host/whole-trees'

/**
 * What sources hold: directories in pre-order, so that a subtree is a stretch of each column, and their entries in the order of
 * the directories. Nothing changes it once it is filled.
 */
export interface TreeTable extends TreeColumns {
  /** Of a file map; undefined: every entry is a file that lies in its directory, under its own name. */
  readonly map?: MapColumns
}

/** What a file map tells of its entries. */
export interface MapColumns {
  /** One an entry: a number of `Row`; undefined: files only. */
  readonly kinds: Uint8Array | undefined
  /** The directory, with a separator at its end, below which all files lie. */
  readonly root: string
  /** One an entry: the path of a file below `root`, the text of a symlink; NUL after each. */
  readonly sources: string
  /** The length of `sources` up to and with each one. */
  readonly sourceEnds: Uint32Array
  /** Of some entries: what is written into them. */
  readonly contents: ReadonlyMap<number, Uint8Array>
  /** One an entry: 0777, or `noMode`: as the file has it; undefined: as all files have them. */
  readonly givenModes: Uint32Array | undefined
  /** One an entry: bytes by the caller's index, NaN where it tells none; undefined: it tells none. */
  readonly givenSizes: Float64Array | undefined
  /** One an entry: st_dev; undefined: all files lie on one device. */
  readonly devices: Float64Array | undefined
  /** One a directory: 1 if no file system takes two of its names for one, 0 if that is not known. */
  readonly distinct: Uint8Array
}

/** A number of a column that holds ends: where the stretch of `at` begins. */
export function startOf(ends: Uint32Array, at: number): number {
  return at === 0 ? 0 : (ends[at - 1] as number)
}
