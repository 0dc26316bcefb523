/** How a file of a source becomes a file of dest. */
export type LinkMode = 'clone' | 'hardlink' | 'copy' | 'symlink'

/** What every source has, whatever its files come from. */
export interface SourceOptions {
  /** Unique in a merge; used in conflicts and reports. */
  name: string
  /** `/`-separated place in dest, e.g. `@babel/core`; default: dest itself. */
  to?: string | undefined
  /** Called with the path within the package; false leaves it, and what is under it, out. */
  filter?: ((path: string) => boolean) | undefined
  /**
   * Stands for all that the source holds, its filter included: two sources with one digest hold the same tree. With a
   * manifest, a source whose digest is the one recorded is not read.
   */
  digest?: string | undefined
  /**
   * After the merge, `to` holds this source alone, what other sources of the merge put there, and the names in `keep`, such as
   * `node_modules`. What differs is replaced, whatever `existing` says; everything else there is removed. Default false.
   */
  exact?: boolean | { keep: readonly string[] } | undefined
}

/** A package to merge that is a directory tree. */
export interface DirectorySource extends SourceOptions {
  /** Absolute, or relative to the working directory. */
  dir: string
  files?: undefined
}

/** A package to merge that is a map of files in a content-addressed store. */
export interface FileMapSource extends SourceOptions {
  /** `/`-separated path in the package → what is to be there. */
  files: FileMap
  dir?: undefined
}

/** A package to merge: a directory tree, or a map of files in a content-addressed store. */
export type Source = DirectorySource | FileMapSource

/** `/`-separated path in the package → what is to be there. */
export type FileMap = ReadonlyMap<string, FileEntry> | Readonly<Record<string, FileEntry>>

/**
 * An entry of a file map:
 * - a regular file, usually of a content-addressed store: its path, absolute or relative to the working directory
 * - the same with what the caller's index knows of it. `size`, in bytes, counts until the file is read; `mode`, of which 0777
 *   counts, is what the file gets in dest, whatever mode it has in the store
 * - a file with this content, text as UTF-8, and `mode` (default 0644). It is always written, whatever the link modes
 * - a symlink with this text, to which the option `symlinks` applies
 */
export type FileEntry =
  | string
  | { path: string; size?: number | undefined; mode?: number | undefined }
  | { content: string | Uint8Array; mode?: number | undefined }
  | { target: string }

/** How conflicts between sources are decided. */
export type ConflictPolicy =
  'error' | 'first' | 'last' | 'exclusive' | ((conflict: Conflict) => string)

/** What happens to a differing non-directory that dest already holds. */
export type ExistingPolicy = 'error' | 'keep' | 'replace'

/** What happens to entries that an earlier merge with a manifest put into dest and somebody has changed since. */
export type ModifiedPolicy = 'error' | 'keep' | 'replace'

/** What happens to the symbolic links in sources. */
export type SymlinkPolicy = 'contained' | 'verbatim' | 'reject'

/** What happens to the fifos, sockets and devices in sources. */
export type SpecialPolicy = 'error' | 'skip'

/** What merge(), openMerge() and planMerge() take in addition to sources and dest; every one has a default, which `undefined` stands for. */
export interface MergeOptions {
  /** Tried in order; default `['clone', 'copy']`. `['clone']` requires cloning. */
  linkModes?: LinkMode | readonly LinkMode[] | undefined
  /** Between sources; default `'error'`. */
  conflicts?: ConflictPolicy | undefined
  /** A differing non-directory that dest already holds; default `'error'`. */
  existing?: ExistingPolicy | undefined
  /**
   * Keeps a manifest of what merges have put into dest: later ones know what is theirs, and do not open what is unchanged.
   * `true`: `<dest>/.reflink-merge-manifest`; a string: that file, which must lie in dest. Default false.
   */
  manifest?: boolean | string | undefined
  /**
   * Removes, in the same commit, what the manifest lists and no source provides any more; what others have put there stays.
   * Requires `manifest`. Default false.
   */
  prune?: boolean | undefined
  /** What an earlier merge put into dest and somebody has changed since; default `'error'`. Requires `manifest`. */
  modified?: ModifiedPolicy | undefined
  /**
   * What stood in dest, identical, before the first merge with a manifest becomes part of it, and so may be removed later;
   * default false: it is never removed. Requires `manifest`.
   */
  adopt?: boolean | undefined
  /** In sources; default `'contained'`: kept if the link stays inside dest. */
  symlinks?: SymlinkPolicy | undefined
  /**
   * Fifos, sockets and devices in directory trees; default `'error'`. `'skip'` leaves them out, and lists them in
   * `SourceResult.skipped`. What a file map names must be a regular file, whatever is asked for.
   */
  specials?: SpecialPolicy | undefined
  /** `/`-separated path in dest → true: never hard- or symlinked to the store, because it will be edited. */
  mutable?: ((path: string) => boolean) | undefined
  /** Add u+w to files; default false: permission bits as in the source. */
  writable?: boolean | undefined
  /**
   * Keep the mtime of files, directories and symlinks that are made, and files' atime; default false: directories are
   * as old as the merge, files too, unless the system's clone keeps their times, as it does on macOS.
   */
  preserveTimestamps?: boolean | undefined
  /**
   * macOS: a directory that one source alone provides, and nothing of which is left out, is cloned by one call
   * (man 2 clonefile). Default true; false clones each file.
   */
  directoryClone?: boolean | undefined
  /**
   * macOS: `'drop'` takes the attribute `com.apple.quarantine` off files that are cloned, and so clones each
   * file; default `'keep'`. `ENOSYS` without the addon.
   */
  quarantine?: 'keep' | 'drop' | undefined
  /** Batches of work in flight; default: fits the machine and the file system. */
  concurrency?: number | undefined
  /** `'full'`: survives power loss once merge() resolves; default `'none'`. */
  durability?: 'none' | 'full' | undefined
  /** `timeout`: ms to wait for dest's lock; default: wait without end. `false`: do not lock. */
  lock?: false | { timeout?: number | undefined } | undefined
  /** Aborting rejects the merge with `signal.reason` and leaves dest as it was. */
  signal?: AbortSignal | undefined
  /** At most 10 calls a second. */
  onProgress?: ((progress: MergeProgress) => void) | undefined
}

/** The steps of a merge, in their order; `lock` is the wait for dest's lock. */
export type MergePhase = 'scan' | 'plan' | 'stage' | 'lock' | 'commit'

/** An entry that an earlier merge put into dest and that is not as that left it. */
export interface Modified {
  /** `/`-separated path in dest. */
  path: string
  /** The source whose entry it is. */
  source: string
  /**
   * `content`: other bytes or another link target. `mode`: other permission bits alone. `type`: something of another kind
   * stands there. `missing`: nothing does. `found`: it stood there before, identical, and is not the merge's own.
   */
  how: 'content' | 'mode' | 'type' | 'missing' | 'found'
  /** It stays as it is. */
  kept: boolean
}

/** What remove() did. */
export interface RemoveResult {
  /** Entries other than directories that were taken out. */
  removed: number
  /** What was not as recorded: whether it stays is told for each. */
  kept: Modified[]
  /** Paths of a removed source that another source of the manifest has too, but with other content: the next sync() puts that there. */
  uncovered: { path: string; source: string }[]
  /** Directories that were taken out. */
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
  /** Reads every file, also those whose stat records are as recorded. Default false. */
  bytes?: boolean | undefined
  /** Lists what stands in directories that merges have made and no merge has put there. Default false. */
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

/** Files that were not placed by the link mode that was asked for first, one entry a reason. */
export interface Fallback {
  from: LinkMode
  to: LinkMode
  /** Name of the errno, e.g. `EOPNOTSUPP`. */
  code: string
  /** Negative, as in Node's errors. */
  errno: number
  syscall: string
  /** The first file it happened to: in the source … */
  path: string
  /** … and its place in dest. */
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
  /** Paths in dest that it wanted and another source won; one entry stands for a whole subtree. */
  lost: string[]
  /** `specials: 'skip'`: the fifos, sockets and devices that were left out, by their paths in the source, sorted. */
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
  /** With `prune` or `exact`: entries that were taken out. */
  removed: number
  /** With `manifest`: what somebody has changed since it was put there. */
  modified: Modified[]
  /** Files placed by each link mode. */
  linkModes: Record<LinkMode, number>
  fallbacks: Fallback[]
  /** The ones that a policy decided. */
  conflicts: Conflict[]
  sources: SourceResult[]
  /** `exclusive`: no other merge could write to dest meanwhile. `degraded`: only those of this process. */
  locking: 'exclusive' | 'degraded' | 'none'
  /** `kernel`: nothing below dest was reached through a symlink, guaranteed by the kernel. */
  containment: 'kernel' | 'best-effort'
  /** Where dest does not have the attributes that were asked for. */
  attributes: {
    /**
     * What dest's file system does not hold of the entries that were made or compared, sorted: `mode`, some permission
     * bits; `owner`, entries belong to another user than to this process's; `timestamps`, with `preserveTimestamps`.
     */
    unsupported: ('mode' | 'owner' | 'timestamps')[]
    /**
     * Files of dest, counted in `unchanged`, that have the wanted bytes and executable bits, but not as was asked for: other
     * permission bits or times, or they are the source's own files, and `linkModes` has no hard links. `existing: 'replace'`
     * replaces them.
     */
    differing: number
  }
  /** The staging directory, if it could not be removed, and why. dest is complete all the same. */
  leftover?: { path: string; error: unknown }
  /**
   * What merges that were killed had put into dest and this one could not take back, since others have changed it: see
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
 * Where the types of the program know `Symbol.asyncDispose`, by `lib: ["esnext.disposable"]` or `@types/node`:
 * `await using session = await openMerge(dest)`. It is abort() for a session that has not ended, and waits for
 * one that is ending; it never rejects for what commit() or abort() has rejected with.
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
   * Adds a source and starts to stage it; resolves once it is staged. The one with the lower rank comes
   * first, of two with one rank the one whose name sorts first. Default: after all that were added before
   * without a rank, counting from 0.
   *
   * Rejects like merge(). A source that could not be added makes commit() reject with the same error, unless
   * it is dropped, or added again under its name by then: that is another add(), with a rank of its own. Bad
   * arguments (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`), also a name that is not unique, change
   * nothing. `ERR_INVALID_STATE` after commit().
   */
  add(source: Source, at?: { rank?: number | undefined }): Promise<void>
  /**
   * Takes a source out of the merge, whether it was added, is being added, or could not be. From the call on it
   * counts no more, and its name is free. Resolves once what was staged of it is removed. An add() that still
   * runs is waited for, and rejects with an `AbortError`.
   *
   * `ERR_INVALID_ARG_VALUE` for a name that no source has: one that was never added, or was dropped before.
   * `ERR_INVALID_STATE` after commit().
   */
  drop(name: string): Promise<void>
  /**
   * Waits for the sources that were added, then plans, stages what is missing, and publishes all of it.
   * Rejects like merge(), also for a source that could not be added and was neither dropped nor added again;
   * then dest is as it was. It ends the session: a second call rejects with `ERR_INVALID_STATE`.
   */
  commit(): Promise<MergeResult>
  /**
   * Gives up: what is under way rejects with an `AbortError`. Resolves when nothing runs any more and what
   * was staged is removed; dest is as it was. After commit() has resolved it does nothing.
   */
  abort(): Promise<void>
}

/** What a merge would do with one entry. */
export type PlanAction = 'create' | 'replace' | 'keep' | 'unchanged' | 'remove'

/** One entry of what a merge would give. */
export interface PlanEntry {
  /** `/`-separated path in dest. */
  path: string
  type: 'file' | 'directory' | 'symlink'
  /** The source whose entry it is; for a directory the first one that has it. */
  source: string
  /** Bytes; 0 for what is not a file. */
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
  /** All of them, whatever the policy. With 'error' for both policies merge() would fail with them. */
  conflicts: Conflict[]
  sources: SourceResult[]
  /** Sorted by path, a directory before what is in it. */
  entries(): Iterable<PlanEntry>
}

/** A link mode that does not work, and the system's word for why. */
export interface ProbeFailure {
  works: false
  /** Name of the errno, e.g. `EXDEV`. */
  code: string
  /** Negative, as in Node's errors. */
  errno: number
  syscall: string
}

/** What each link mode does between two places, found by trying. */
export interface ProbeResult {
  /** The file of the source that was tried. */
  path: string
  /** The existing directory on dest's file system in which it was tried. */
  dest: string
  linkModes: Record<LinkMode, { works: true } | ProbeFailure>
  /** Bytes that the clone shares with its source on disk; 0 where cloning does not work. */
  sharedBytes: number
}

/** What recover() found of merges that were killed. */
export interface RecoverResult {
  /** Merges that had begun to change dest: it is as it was before them. */
  undone: number
  /** Staging directories that were removed, also of merges that had changed nothing yet. */
  removed: number
  /** Staging directories that were left alone: their merges run, or the file system has no locks to tell. */
  running: number
  /**
   * What could not be put back: an entry of dest that others have changed since, or put something into, stays as it is; a
   * staging directory (`.reflink-merge-…-kept`) holds what had no place to go back to, one of a merge that cannot be undone
   * is left alone. `error` tells what to do.
   */
  left: { path: string; error: unknown }[]
  /** Directories that have the name of a staging directory, and are none: copies, or parts of a package. They are left alone. */
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
