import type { Identity } from './identity'

/** An entry, and what tells whether somebody has changed it since. */
export interface KnownEntry extends Identity {
  readonly isDirectory: boolean
  /** Bytes; 0 for a directory. */
  readonly size: number
  /** ns; 0 for a directory. */
  readonly mtime: bigint
}

/** What stands in the way of an entry, and is put aside. */
export interface Replaced {
  /** As dest spells it. */
  readonly name: string
  readonly identity: Identity
}

/** An entry that is to be published. */
interface Intent extends KnownEntry {
  /** '/'-joined below dest: the directory in which it is to stand. */
  readonly path: string
  readonly name: string
  readonly replaced: Replaced | undefined
}

/** A directory that is published with all that is in it: what of it is ours. */
export interface OwnDirectory {
  readonly identity: Identity
  readonly directories: ReadonlyMap<string, OwnDirectory>
  /** Of what else is in it; only where times of the file system do not show it, see `Round.time`. */
  readonly files: ReadonlyMap<string, KnownEntry> | undefined
}

export interface OwnEntry extends Intent {
  /** Nothing is published: `replaced` is taken out. What else tells of the entry is 0 then. */
  readonly isRemoval: boolean
  /** Of a directory. */
  readonly own: OwnDirectory | undefined
}

/** What is published in one go. */
export interface Round {
  /**
   * ns, by the clock of dest's file system: later than every change to what was staged, and not later than any change
   * that came after that. 0 where the file system's ctime cannot tell.
   */
  readonly time: bigint
  readonly entries: readonly OwnEntry[]
}

/** A staging directory of the merge inside a directory of dest. */
export interface OtherStaging {
  /** '/'-joined below dest: the directory that holds it. */
  readonly path: string
  /** Below dest: what goes into these is staged there, and into those below them that are staged nowhere else. */
  readonly directories: readonly string[]
}

/** What a merge is about to do to dest, written down before it does: a merge that is killed can be undone. */
export interface MergeRecord {
  /** Where dest's own place is in `new/` and `old/`: '/'-joined names. */
  readonly prefix: string
  /** The first is the one that holds the record: only those are told that lie below directories of others. */
  readonly stagings: readonly OtherStaging[]
  readonly round: Round
}

/** A directory that is published with more access than it is to have. */
export interface Restriction {
  /** '/'-joined below the directory that holds the staging directory. */
  readonly path: string
  /** Permission bits. */
  readonly mode: number
  readonly identity: Identity
}
