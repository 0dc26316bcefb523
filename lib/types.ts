/** How a file of a source becomes a file of dest. */
export type LinkMode = 'clone' | 'hardlink' | 'copy' | 'symlink'

/** What every source has, wherever its files come from. */
export interface SourceOptions {
  /** Unique in a merge; used in conflicts and reports. */
  name: string
  /** `/`-separated path in dest, e.g. `@babel/core`; default: dest itself. */
  to?: string | undefined
  /** Called with the path within the package; return false to leave it out, with everything under it. */
  filter?: ((path: string) => boolean) | undefined
  /**
   * Stands for everything the source contains, its filter included: two sources with the same digest have the same tree.
   * With a manifest, a source whose digest is the recorded one is not read.
   */
  digest?: string | undefined
  /**
   * After the merge, `to` contains only this source, what other sources of the merge put there, and the names in `keep`, such
   * as `node_modules`. What differs is replaced, whatever `existing` says; everything else there is removed. Default false.
   */
  exact?: boolean | { keep: readonly string[] } | undefined
}

/** A package that is a directory tree. */
export interface DirectorySource extends SourceOptions {
  /** Absolute, or relative to the working directory. */
  dir: string
  files?: undefined
}

/** A package that is a map of files in a content-addressed store. */
export interface FileMapSource extends SourceOptions {
  /** `/`-separated path in the package → what goes there. */
  files: FileMap
  dir?: undefined
}

/** A package to merge: a directory tree, or a map of files in a content-addressed store. */
export type Source = DirectorySource | FileMapSource

/** `/`-separated path in the package → what goes there. */
export type FileMap = ReadonlyMap<string, FileEntry> | Readonly<Record<string, FileEntry>>

/**
 * An entry of a file map:
 * - a regular file, usually in a content-addressed store: its path, absolute or relative to the working directory
 * - the same with what the caller's index knows about it. `size`, in bytes, is trusted until the file is read; `mode`, of which
 *   only 0777 counts, is what the file gets in dest, whatever mode it has in the store
 * - a file with this content, text as UTF-8, and `mode` (default 0644). It is always written, whatever the link modes
 * - a symlink with this target, to which the option `symlinks` applies
 */
export type FileEntry =
  | string
  | { path: string; size?: number | undefined; mode?: number | undefined }
  | { content: string | Uint8Array; mode?: number | undefined }
  | { target: string }

/** How conflicts between sources are decided. */
export type ConflictPolicy =
  'error' | 'first' | 'last' | 'exclusive' | ((conflict: Conflict) => string)

/** What happens to a file or symlink already in dest that differs. */
export type ExistingPolicy = 'error' | 'keep' | 'replace'

/** What happens to entries that an earlier merge with a manifest put into dest and that were changed since. */
export type ModifiedPolicy = 'error' | 'keep' | 'replace'

/** What happens to the symbolic links in sources. */
export type SymlinkPolicy = 'contained' | 'verbatim' | 'reject'

/** What happens to the fifos, sockets and devices in sources. */
export type SpecialPolicy = 'error' | 'skip'

/** The options of merge(), openMerge() and planMerge(). Each has a default, which `undefined` selects. */
export interface MergeOptions {
  /** Tried in order; default `['clone', 'copy']`. `['clone']` requires cloning. */
  linkModes?: LinkMode | readonly LinkMode[] | undefined
  /** Between sources; default `'error'`. */
  conflicts?: ConflictPolicy | undefined
  /** A file or symlink already in dest that differs; default `'error'`. */
  existing?: ExistingPolicy | undefined
  /**
   * Keeps a manifest of what merges put into dest: later ones know what is theirs, and do not open what is unchanged.
   * `true`: `<dest>/.reflink-merge-manifest`; a string: that file, which must be inside dest. Default false.
   */
  manifest?: boolean | string | undefined
  /**
   * Removes, in the same commit, what the manifest lists and no source provides any more; what others put there stays.
   * Requires `manifest`. Default false.
   */
  prune?: boolean | undefined
  /** Entries that an earlier merge put into dest and that were changed since; default `'error'`. Requires `manifest`. */
  modified?: ModifiedPolicy | undefined
  /**
   * Identical entries that were in dest before the first merge with a manifest become part of the manifest, so they may be
   * removed later. Default false: they are never removed. Requires `manifest`.
   */
  adopt?: boolean | undefined
  /** Symlinks in sources; default `'contained'`: kept if they stay inside dest. */
  symlinks?: SymlinkPolicy | undefined
  /**
   * Fifos, sockets and devices in directory trees; default `'error'`. `'skip'` leaves them out, and lists them in
   * `SourceResult.skipped`. What a file map names must always be a regular file.
   */
  specials?: SpecialPolicy | undefined
  /** `/`-separated path in dest → true if the file will be edited, so that it must never be a link into the store. */
  mutable?: ((path: string) => boolean) | undefined
  /** Add u+w to files; default false: permission bits as in the source. */
  writable?: boolean | undefined
  /**
   * Keep the mtime of files, directories and symlinks that are created, and the atime of files; default false: they are as
   * old as the merge, except for files where the system's clone keeps their times, as it does on macOS.
   */
  preserveTimestamps?: boolean | undefined
  /**
   * macOS: a directory that only one source provides, and of which nothing is left out, is cloned with a single call
   * (man 2 clonefile). Default true; false clones each file.
   */
  directoryClone?: boolean | undefined
  /**
   * macOS: `'drop'` removes the attribute `com.apple.quarantine` from cloned files, which clones file by file;
   * default `'keep'`. `ENOSYS` without the addon.
   */
  quarantine?: 'keep' | 'drop' | undefined
  /** Batches of work in flight; default: depends on the machine and the file system. */
  concurrency?: number | undefined
  /** `'full'`: survives power loss once merge() resolves; default `'none'`. */
  durability?: 'none' | 'full' | undefined
  /** `timeout`: ms to wait for dest's lock; default: wait forever. `false`: do not lock. */
  lock?: false | { timeout?: number | undefined } | undefined
  /** Aborting rejects the merge with `signal.reason` and leaves dest as it was. */
  signal?: AbortSignal | undefined
  /** At most 10 calls a second. */
  onProgress?: ((progress: MergeProgress) => void) | undefined
}

/** The steps of a merge, in their order; `lock` is the wait for dest's lock. */
export type MergePhase = 'scan' | 'plan' | 'stage' | 'lock' | 'commit'

/** An entry that an earlier merge put into dest and that is no longer as that merge left it. */
export interface Modified {
  /** `/`-separated path in dest. */
  path: string
  /** The source whose entry it is. */
  source: string
  /**
   * `content`: other bytes or another link target. `mode`: only the permission bits differ. `type`: something of another kind
   * is there. `missing`: nothing is. `found`: it was there before, identical, and is not the merge's own.
   */
  how: 'content' | 'mode' | 'type' | 'missing' | 'found'
  /** Whether it stays as it is. */
  kept: boolean
}

/** What remove() did. */
export interface RemoveResult {
  /** Entries other than directories that were removed. */
  removed: number
  /** What was not as recorded, and for each whether it stays. */
  kept: Modified[]
  /** Paths of a removed source that another source in the manifest has with other content: the next sync() puts that there. */
  uncovered: { path: string; source: string }[]
  /** Directories that were removed. */
  directories: number
  locking: MergeResult['locking']
  containment: MergeResult['containment']
  duration: MergeResult['duration']
}

/** Options of remove(). */
export type RemoveOptions = Pick<
  MergeOptions,
  'manifest' | 'lock' | 'durability' | 'signal' | 'concurrency'
>

/** Options of verify(). */
export interface VerifyOptions {
  /** The file; default `<dest>/.reflink-merge-manifest`. */
  manifest?: string | undefined
  /** Reads every file, even if its stat record is as recorded. Default false. */
  bytes?: boolean | undefined
  /** Lists what is in directories made by merges but was not put there by one. Default false. */
  foreign?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** What verify() found. */
export interface VerifyResult {
  /** Entries other than directories that the manifest lists. */
  entries: number
  unchanged: number
  modified: Modified[]
  /** With `foreign`: paths, sorted. */
  foreign?: string[]
  sources: { name: string; to: string; digest?: string }[]
}

/** How far a merge is. */
export interface MergeProgress {
  phase: MergePhase
  /** Files scanned (phase `scan`) or placed so far. */
  files: number
  /** 0 until the plan is known. */
  totalFiles: number
  bytes: number
  totalBytes: number
}

/** A path that two sources, or a source and dest, fill differently. */
export interface Conflict {
  /** `/`-separated path in dest; one entry stands for a whole subtree. */
  path: string
  /**
   * `content`: two sources, other bytes, executable bits or link target. `type`: a file, a directory, a
   * symlink for one path, or an entry that an earlier merge put there has become another of these. `case`: two names that
   * dest's file system takes for one. `existing`: dest already holds something else there.
   */
  kind: 'content' | 'type' | 'case' | 'existing'
  /** The names of the sources that want the path, in the caller's order. */
  sources: string[]
  /**
   * The source whose entry stands; null where none does: undecided, or what dest held was kept, or, with
   * `exclusive`, each of them lost to another source elsewhere in the scope of a conflict.
   */
  winner: string | null
  /** Kind `case`: all spellings of the path, also the one that dest holds, sorted. */
  paths?: string[]
}

/** Files for which the first link mode was not possible, one entry per reason. */
export interface Fallback {
  from: LinkMode
  to: LinkMode
  /** Name of the errno, e.g. `EOPNOTSUPP`. */
  code: string
  /** Negative, as in Node's errors. */
  errno: number
  syscall: string
  /** The first file that this happened to: in the source … */
  path: string
  /** … and in dest. */
  dest: string
  /** How many files went from `from` to `to` for this reason. */
  files: number
}

/** What became of one source. */
export interface SourceResult {
  name: string
  /** Files and bytes of this source in the plan. */
  files: number
  bytes: number
  /** Paths in dest that another source won; one entry may stand for a whole subtree. */
  lost: string[]
  /** `specials: 'skip'`: paths in the source of the fifos, sockets and devices that were left out, sorted. */
  skipped?: string[]
}

/** What a merge did. */
export interface MergeResult {
  /** In the plan: */
  files: number
  directories: number
  symlinks: number
  bytes: number
  /** Entries other than directories: */
  created: number
  replaced: number
  kept: number
  unchanged: number
  /** With `prune` or `exact`: entries that were removed. */
  removed: number
  /** With `manifest`: entries that were changed since they were put there. */
  modified: Modified[]
  /** Files placed by each link mode. */
  linkModes: Record<LinkMode, number>
  fallbacks: Fallback[]
  /** Those that a policy decided. */
  conflicts: Conflict[]
  sources: SourceResult[]
  /** `exclusive`: no other merge could write to dest at the same time. `degraded`: only merges of this process were kept out. */
  locking: 'exclusive' | 'degraded' | 'none'
  /** `kernel`: the kernel guaranteed that nothing below dest was reached through a symlink. */
  containment: 'kernel' | 'best-effort'
  /** Where dest does not have the requested attributes. */
  attributes: {
    /**
     * What dest's file system did not store of the entries that were created or compared, sorted: `mode`, some permission
     * bits; `owner`, entries do not belong to this process's user; `timestamps`, with `preserveTimestamps`.
     */
    unsupported: ('mode' | 'owner' | 'timestamps')[]
    /**
     * Files in dest, counted in `unchanged`, that have the right bytes and executable bits, but other permission bits or times
     * than requested, or that are the source's own files although `linkModes` has no hard links. `existing: 'replace'`
     * replaces them.
     */
    differing: number
  }
  /** The staging directory, if it could not be removed, and why. dest is complete all the same. */
  leftover?: { path: string; error: unknown }
  /**
   * What killed merges had put into dest and this one could not remove, because others have changed it: see
   * `RecoverResult.left`.
   */
  left?: { path: string; error: unknown }[]
  /** Milliseconds. */
  duration: {
    scan: number
    plan: number
    stage: number
    lock: number
    commit: number
    total: number
  }
}

/**
 * If the program's types know `Symbol.asyncDispose` (`lib: ["esnext.disposable"]` or `@types/node`):
 * `await using session = await openMerge(dest)`. It aborts a session that has not ended, and waits for one that
 * is ending; it never rejects with what commit() or abort() has already rejected with.
 */
type AsyncDisposal = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { [name in Key]: () => Promise<void> }
  : object

/**
 * A merge whose sources arrive one by one. The result is that of one merge() with the sources in the order
 * of their ranks, whenever and in whatever order they were added.
 */
export interface MergeSession extends AsyncDisposal {
  /**
   * Adds a source and starts to stage it; resolves once it is staged. Sources with lower ranks come first; of two
   * with the same rank, the one whose name sorts first. Default: after all that were added without a rank before,
   * counting from 0.
   *
   * Rejects like merge(). A source that could not be added makes commit() reject with the same error, unless it is
   * dropped by then, or added again under its name, with a rank of its own. Bad arguments (`ERR_INVALID_ARG_TYPE`,
   * `ERR_INVALID_ARG_VALUE`), including a name that is not unique, change nothing. `ERR_INVALID_STATE` after
   * commit().
   */
  add(source: Source, at?: { rank?: number | undefined }): Promise<void>
  /**
   * Removes a source from the merge, whether it was added, is being added, or could not be added. From this call on it
   * no longer counts, and its name is free. Resolves once everything staged of it is removed. An add() that is still
   * running is waited for, and rejects with an `AbortError`.
   *
   * `ERR_INVALID_ARG_VALUE` for a name that no source has: one that was never added, or was dropped before.
   * `ERR_INVALID_STATE` after commit().
   */
  drop(name: string): Promise<void>
  /**
   * Waits for the sources that were added, then plans, stages what is missing, and publishes everything.
   * Rejects like merge(), including for a source that could not be added and was neither dropped nor added again;
   * then dest is as it was. This ends the session: a second call rejects with `ERR_INVALID_STATE`.
   */
  commit(): Promise<MergeResult>
  /**
   * Gives up: whatever is in progress rejects with an `AbortError`. Resolves when nothing is running any more and
   * everything staged is removed; dest is as it was. Does nothing after commit() has resolved.
   */
  abort(): Promise<void>
}

/** What a merge would do with one entry. */
export type PlanAction = 'create' | 'replace' | 'keep' | 'unchanged' | 'remove'

/** One entry of the tree that a merge would produce. */
export interface PlanEntry {
  /** `/`-separated path in dest. */
  path: string
  type: 'file' | 'directory' | 'symlink'
  /** The source whose entry it is; for a directory the first one that has it. */
  source: string
  /** Bytes; 0 for anything but a file. */
  size: number
  /** Directories that dest already has are `unchanged`. */
  action: PlanAction
}

/** What a merge would do. */
export interface MergePlan {
  files: number
  directories: number
  symlinks: number
  bytes: number
  /** All of them, whatever the policies. With 'error' for both policies merge() would fail with them. */
  conflicts: Conflict[]
  sources: SourceResult[]
  /** Sorted by path, a directory before what is in it. */
  entries(): Iterable<PlanEntry>
}

/** A link mode that does not work, and the system's reason. */
export interface ProbeFailure {
  works: false
  /** Name of the errno, e.g. `EXDEV`. */
  code: string
  /** Negative, as in Node's errors. */
  errno: number
  syscall: string
}

/** What each link mode does between two directories, found out by trying. */
export interface ProbeResult {
  /** The file of the source that was tried. */
  path: string
  /** The existing directory on dest's file system in which it was tried. */
  dest: string
  linkModes: Record<LinkMode, { works: true } | ProbeFailure>
  /** Bytes that the clone shares with its source on disk; 0 where cloning does not work. */
  sharedBytes: number
}

/** What recover() found and did. */
export interface RecoverResult {
  /** Killed merges that had begun to change dest: it is now as it was before them. */
  undone: number
  /** Staging directories that were removed, including those of merges that had not changed anything yet. */
  removed: number
  /** Staging directories that were left alone: their merges are running, or the file system has no locks to find out. */
  running: number
  /**
   * What could not be put back: an entry of dest that others have changed or put something into stays as it is; a staging
   * directory (`.reflink-merge-…-kept`) contains what could not go back to its place; the staging directory of a merge that
   * cannot be undone is left alone. `error` says what to do.
   */
  left: { path: string; error: unknown }[]
  /** Directories that look like staging directories but are not: copies, or parts of a package. They are left alone. */
  foreign?: string[]
}

/** Options of cp(): those of fs.promises.cp. */
export interface CpOptions {
  /** Copy what symlinks lead to. Default false. */
  dereference?: boolean | undefined
  /** With `force: false`: what exists in dest is an error. Default false. */
  errorOnExist?: boolean | undefined
  /** Called with the paths of an entry in src and in dest; false leaves it, and what is under it, out. */
  filter?: ((source: string, destination: string) => boolean | Promise<boolean>) | undefined
  /** Overwrite existing files; false keeps them. Default true. */
  force?: boolean | undefined
  /** Flags of fs.copyFile: COPYFILE_FICLONE_FORCE requires cloning; clones are tried first whatever is given. Default 0. */
  mode?: number | undefined
  /** Keep the times of src. Default false. */
  preserveTimestamps?: boolean | undefined
  /** Copy directories. Default false. */
  recursive?: boolean | undefined
  /** Keep the texts of symlinks as they are. Default false: a relative one is made absolute, so that it leads to what it led to. */
  verbatimSymlinks?: boolean | undefined
}
