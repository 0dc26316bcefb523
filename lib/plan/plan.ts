import { append } from '../append'
import type { Place } from '../host/host'
import { below } from '../host/host'
import type { FileAt, SourceTree, TreeDirectory } from '../scan/tree'
import type { Conflict } from '../types'
import type { Part } from './part'
import type { Seen } from './seen'

/** What happens to one entry; `Created` and `Replaced` say that it has happened. */
export const Action = {
  Create: 0,
  Replace: 1,
  Keep: 2,
  Unchanged: 3,
  Created: 4,
  Replaced: 5,
  /** What dest has is identical, but has other attributes than were asked for: it is replaced, or stays. */
  Align: 6,
  Differing: 7,
} as const

/**
 * What dest has at a directory's path.
 * - `new`: nothing; the whole subtree is published by one rename
 * - `exists`: a directory, into which this one is merged
 * - `replace`: something else, which is moved aside first
 * - `keep`: something else, which stays; nothing below is merged
 * - `published`: this very directory, put there by this merge
 */
type DirectoryState = 'new' | 'exists' | 'replace' | 'keep' | 'published'

/** One directory of the union of all sources. */
export interface PlanDirectory {
  /** '/'-joined below dest; '' for dest itself. */
  readonly path: string
  readonly name: string
  /** The sources that have it, in the caller's order. */
  readonly sources: readonly number[]
  /** Permission bits of the first source that gives any; undefined: as mkdir makes it. */
  readonly mode: number | undefined
  /** The directory whose times it takes with `preserveTimestamps`. */
  readonly origin: Place | undefined
  parts: Part[]
  /** Names of entries that several sources have alike → those sources, in the caller's order. */
  shared: ReadonlyMap<string, readonly number[]>
  /** Names that dest has in another spelling, one entry to its file system → that spelling. */
  spellings: ReadonlyMap<string, string>
  readonly directories: Map<string, PlanDirectory>
  state: DirectoryState
  /** Does it stand in the staging directory? */
  staged: boolean
  /** What dest held when it was last looked at, for `namesOf(this)`. */
  seen: Seen | undefined
}

/** The union of the sources, before it is compared with what dest holds. */
export interface Union {
  readonly root: PlanDirectory
  readonly trees: readonly SourceTree[]
  /** Between sources, decided by the policy. */
  readonly decided: readonly Conflict[]
  /** The merge cannot go on with these. */
  readonly undecided: readonly Conflict[]
  /** By source: paths that it wanted and did not get. */
  readonly lost: readonly string[][]
}

/** Of a merge that wants nothing. */
export function emptyPlan(): PlanDirectory {
  return {
    ...{ path: '', name: '', sources: [], mode: undefined, origin: undefined },
    ...{ parts: [], shared: emptyMap, spellings: emptyMap, directories: new Map() },
    ...{ state: 'exists', staged: false, seen: undefined },
  }
}

/** Shared by all directories that have nothing in it. */
export const emptyMap: ReadonlyMap<string, never> = new Map<string, never>()

const counts = new Map<number, Uint32Array>()

/** 0, 1, … `count` - 1; shared by all who ask for as many, so not to be written to. */
export function upTo(count: number): Uint32Array {
  let numbers = counts.get(count)
  if (numbers === undefined) {
    numbers = Uint32Array.from({ length: count }, (_, index) => index)
    // Few directories are that big, and their numbers are.
    if (count <= 4096) counts.set(count, numbers)
  }
  return numbers
}

/** The names that a directory holds: those of its parts in order, then its subdirectories. */
export function namesOf(directory: PlanDirectory): string[] {
  const names: string[] = []
  for (const { tree, picks } of directory.parts) {
    for (const pick of picks) names.push(tree.names[pick] as string)
  }
  append(names, directory.directories.keys())
  return names
}

/** What a file is read from: another file, or bytes that the caller gave. */
export type Origin = FileAt | { readonly content: Uint8Array }

export function originOf(tree: TreeDirectory, index: number): Origin {
  const content = tree.contents.get(index)
  return content === undefined ? tree.fileAt(index) : { content }
}

/** The place of a plan's directory below dest, or below the staged tree. */
export function placeOf(start: Place, directory: PlanDirectory): Place {
  return below(start, directory.path)
}
