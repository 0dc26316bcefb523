import type { SourceOptions } from '../types'

/** A source as the caller gave it: checked, and a copy, whatever the caller does to theirs from now on. */
export interface GivenSource extends Readonly<SourceOptions> {
  /** Absolute. Either this or `files`. */
  readonly dir?: string
  readonly files?: GivenFiles
  /** The text that a symlink of the directory gets in dest; `path`: within the package. Default: the one that it has. */
  readonly relink?: (path: string, text: string) => string
}

/** A file map, one entry an index. Arrays, since maps have as many entries as packages have files. */
export interface GivenFiles {
  /** Within the package. */
  readonly paths: readonly string[]
  readonly entries: readonly GivenEntry[]
  /** The directories of the store in which files lie, each once; those of all sources that were given together. */
  readonly directories: readonly string[]
  /** One an entry: the index of its directory; -1 for what is no file of the store. */
  readonly directoryOf: readonly number[]
}

/** A file of the store by its absolute path, or more than that. */
export type GivenEntry = string | GivenFile | GivenContent | GivenLink

interface GivenFile {
  readonly path: string
  /** What the caller's index tells. */
  readonly size: number | undefined
  readonly mode: number | undefined
}

interface GivenContent {
  readonly content: Uint8Array
  /** Permission bits. */
  readonly mode: number
}

interface GivenLink {
  /** The text of the symlink. */
  readonly target: string
}

/** The absolute path of an entry that is a file of the store. */
export function pathInStore(entry: GivenEntry): string | undefined {
  if (typeof entry === 'string') return entry
  return 'path' in entry ? entry.path : undefined
}
