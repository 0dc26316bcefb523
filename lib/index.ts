import * as cloning from './clone'
import { cpOn } from './copy/cp'
import { defaultHost } from './host'
import * as waiting from './merge-sync'
import { mergeOn, openOn, planOn, recoverOn, syncOn } from './merge'
import * as probing from './probe'
import { removeOn } from './remove'
import type {
  CpOptions,
  MergeOptions,
  MergePlan,
  MergeResult,
  MergeSession,
  ProbeResult,
  RecoverResult,
  RemoveOptions,
  RemoveResult,
  Source,
  VerifyOptions,
  VerifyResult,
} from './types'
import { verifyOn } from './verify'

export { SystemError } from './errors'
export * from './merge-error'
export type * from './types'

/**
 * Puts the trees of all sources into dest, all or nothing. If it rejects, dest is as it was.
 *
 * Rejects with `ERR_MERGE_CONFLICT`, `ERR_MERGE_INVALID_PATH`, `ERR_MERGE_INTO_SELF`,
 * `ERR_MERGE_UNSUPPORTED_FILE`, `ERR_MERGE_LOCK_TIMEOUT`, `ERR_MERGE_SOURCE_CHANGED`, `ERR_MERGE_UNRECOVERED`,
 * `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`,
 * `signal.reason`, or the error of a failed system call (`code`, `errno`, `syscall`, `path`, `dest`).
 */
export async function merge(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  return mergeOn(defaultHost, sources, dest, options)
}

/**
 * merge() for callers that cannot wait for a promise: it runs in a worker thread, for which this one waits. The thread stays for
 * later calls. Prefer merge(): many packages in one call are many times faster than a call for each.
 *
 * Throws what merge() rejects with; errors have the stack of this call. `ERR_INVALID_ARG_VALUE` where a callback or a signal is
 * given, since nothing of the waiting thread can run: `filter`, `conflicts` as a function, `mutable`, `onProgress`, `signal`.
 * A merge() into the same dest that this thread has not finished holds the lock, and cannot go on: wait for it first, or limit the
 * wait by `lock: { timeout }`.
 */
export function mergeSync(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): MergeResult {
  return waiting.mergeSync(sources, dest, options)
}

/**
 * Opens a merge whose sources arrive one by one, in any order; its result is that of one merge() with the sources
 * in the order of their ranks. End it with commit() or abort(). Rejects as merge() would if dest or the options are
 * at fault.
 */
export async function openMerge(dest: string, options?: MergeOptions): Promise<MergeSession> {
  return openOn(defaultHost, dest, options)
}

/**
 * Reports what merge() would do: every conflict and every entry. dest is not changed; where names look alike and
 * dest does not have them yet, they are tried in a hidden directory that is removed afterwards. Rejects like merge(),
 * except for conflicts, which it lists.
 */
export async function planMerge(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  return planOn(defaultHost, sources, dest, options)
}

/**
 * Makes dest contain what the sources contain: merges them, and removes what an earlier sync() or merge() with a manifest put
 * there and no source provides any more. It is merge() with `manifest: true` and `prune: true`, all or nothing. What others
 * put into dest stays; entries changed since then are a conflict, unless the option `modified` decides.
 *
 * Rejects like merge(), and with `ERR_MERGE_MANIFEST` where the manifest cannot be used.
 */
export async function sync(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  return syncOn(defaultHost, sources, dest, options)
}

/**
 * Removes the sources with these names from dest, all or nothing. Entries that another source provides too stay, and so do
 * entries that were changed, and what others put there. A name that the manifest does not list is ignored.
 *
 * Rejects with `ERR_MERGE_MANIFEST` if there is no manifest or it cannot be used, with `ERR_MERGE_CONFLICT` if a symlink has
 * taken the place of a directory, and otherwise like merge().
 */
export async function remove(
  dest: string,
  names: readonly string[],
  options?: RemoveOptions,
): Promise<RemoveResult> {
  return removeOn(defaultHost, dest, names, options)
}

/**
 * Compares dest with its manifest, and changes nothing. An entry is unchanged if its stat record is the recorded one, or if it
 * has the same bytes as its source, provided that still exists.
 *
 * Rejects with `ERR_MERGE_MANIFEST` if there is no manifest or it cannot be used.
 */
export async function verify(dest: string, options?: VerifyOptions): Promise<VerifyResult> {
  return verifyOn(defaultHost, dest, options)
}

/**
 * Undoes what killed merges into dest left behind: puts dest back to what it was before them, and removes their
 * staging directories. Every merge into dest does this when it starts. Merges that are still running are left alone.
 *
 * dest may be missing: a merge that was about to create it leaves its staging directory in a directory above it. If there is
 * nothing at all, there is nothing to recover, and all counts are 0.
 */
export async function recover(dest: string): Promise<RecoverResult> {
  return recoverOn(defaultHost, dest)
}

/**
 * Tries each link mode for real: from a file in `source` (a directory or a file) to the nearest existing
 * directory of `dest`, in a staging directory that is removed afterwards. The source is only read (but a hard link
 * changes its link count and ctime while it exists).
 *
 * Rejects if source contains no regular file, or if source cannot be read or dest cannot be written.
 */
export async function probe(source: string, dest: string): Promise<ProbeResult> {
  return probing.probe(source, dest)
}

/**
 * Clones one file, or rejects: nothing is ever copied. `dest` must not exist (EEXIST); a failure leaves
 * nothing behind. Permission bits are the source's. A symlink as `src` is not followed (ELOOP). If the source is written to
 * at the same time, the error is `ERR_MERGE_SOURCE_CHANGED`.
 *
 * Rejects with `code`, negative `errno`, `syscall` (`ficlone`, `clonefile`, `duplicate_extents`, `open`), `path` and `dest`;
 * on Windows also `win32Error`. Source: man 2 ioctl_ficlone; man 2 clonefile; FSCTL_DUPLICATE_EXTENTS_TO_FILE (ReFS).
 */
export async function cloneFile(src: string, dest: string): Promise<void> {
  return cloning.cloneFile(src, dest)
}

/** Like `cloneFile`, on the calling thread. */
export function cloneFileSync(src: string, dest: string): void {
  cloning.cloneFileSync(src, dest)
}

/**
 * fs.promises.cp, with clones in the place of copies: the same arguments, tree and errors, so that one changed import is enough.
 *
 * A directory is copied by merge(), all or nothing: what fs.promises.cp finds wrong half-way is found before dest is changed, and
 * if a copy fails, dest is as it was. What is not a directory is copied by fs.promises.cp itself, as a clone where that can be.
 * It differs from fs.promises.cp in this:
 * - Clones are tried first. `mode` is only asked whether to require them (COPYFILE_FICLONE_FORCE, whose failure is that of the
 *   clone: `EOPNOTSUPP`, `ficlone`); COPYFILE_EXCL changes nothing there either, since existing files are removed or kept before.
 * - Existing files with the same bytes and mode stay as they are. With `force: false` existing symlinks stay, too.
 * - A symlink may take the place of any other one. Node refuses some, with ERR_FS_CP_EINVAL or ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY.
 * - Nothing below dest is written through a symlink: with `dereference`, one that stands where a directory is copied is replaced.
 * - `preserveTimestamps` counts for directories and symlinks, too.
 * - Set-user-ID, set-group-ID and sticky bits are not copied, and devices not read (ERR_FS_CP_UNKNOWN).
 * - A filter is asked about all entries before the first one is copied.
 * - dest must not hold src (`ERR_MERGE_INTO_SELF`), nor, with `dereference`, what links in src lead to. Names must be such that
 *   merge() takes them (`ERR_MERGE_INVALID_PATH`).
 */
export async function cp(
  source: string | URL,
  destination: string | URL,
  options?: CpOptions,
): Promise<void> {
  return cpOn(defaultHost, source, destination, options)
}

/**
 * How many bytes of two files are in the same physical extents, i.e. are stored only once. Small files that
 * Btrfs keeps in its metadata share nothing. Both files are first written out to disk, so that their extents are known.
 *
 * Rejects with ENOSYS (`fiemap`) without the addon, and with EOPNOTSUPP if the file system does not report
 * extents (tmpfs). Source: Documentation/filesystems/fiemap.rst of the Linux kernel.
 */
export async function sharedBytes(a: string, b: string): Promise<number> {
  return cloning.sharedBytes(a, b)
}
