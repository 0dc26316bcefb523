import type * as cloning from './clone'
import type * as hosts from './host'
import type * as merging from './merge'
import type * as probing from './probe'
import { patiently } from './host/patient'
import type {
  MergeOptions,
  MergePlan,
  MergeResult,
  MergeSession,
  ProbeResult,
  RecoverResult,
  Source,
} from './types'

export { MergeError, SystemError, type MergeErrorCode } from './errors'
export type * from './types'

/**
 * Puts the trees of all sources into dest, all or nothing. If it rejects, dest is as it was.
 *
 * Rejects with `ERR_MERGE_CONFLICT`, `ERR_MERGE_INVALID_PATH`, `ERR_MERGE_INTO_SELF`,
 * `ERR_MERGE_UNSUPPORTED_FILE`, `ERR_MERGE_LOCK_TIMEOUT`, `ERR_MERGE_SOURCE_CHANGED`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`,
 * `signal.reason`, or the error of a failed system call (`code`, `errno`, `syscall`, `path`, `dest`).
 */
export async function merge(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergeResult> {
  return inPart(loadMerging, ({ host, mergeOn }) => mergeOn(host, sources, dest, options))
}

/**
 * A merge whose sources arrive one by one, in any order; its result is that of one merge() with the sources
 * in the order of their ranks. End it with commit() or abort(). Rejects where merge() would because of dest
 * or the options.
 */
export async function openMerge(dest: string, options?: MergeOptions): Promise<MergeSession> {
  return inPart(loadMerging, ({ host, openOn }) => openOn(host, dest, options))
}

/**
 * What merge() would do: every conflict, and every entry. dest is not changed; only where names look alike and
 * dest does not hold them, they are tried in a hidden directory that is removed again. Rejects like merge(), but
 * for conflicts, which it lists.
 */
export async function planMerge(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<MergePlan> {
  return inPart(loadMerging, ({ host, planOn }) => planOn(host, sources, dest, options))
}

/**
 * Undoes what merges into dest that were killed have left: puts dest back to what it was before them, and removes
 * their staging directories. Every merge into dest does so at its start. Those of merges that still run are left alone.
 */
export async function recover(dest: string): Promise<RecoverResult> {
  return inPart(loadMerging, ({ host, recoverOn }) => recoverOn(host, dest))
}

/**
 * Tries each link mode for real: from a file of `source` (a directory or a file) to the nearest existing
 * directory of `dest`, in a staging directory that is removed again. The source is only read (a hard link
 * counts for its link count and ctime while it lasts).
 *
 * Rejects if source holds no regular file, or if either cannot be read or written.
 */
export async function probe(source: string, dest: string): Promise<ProbeResult> {
  return inPart(loadProbing, (part) => part.probe(source, dest))
}

/**
 * Clones one file, or rejects: nothing is ever copied. `dest` must not exist (EEXIST); a failure leaves
 * nothing of it. Permission bits are the source's. A symlink as `src` is not followed (ELOOP). A source that is written to
 * meanwhile is `ERR_MERGE_SOURCE_CHANGED`.
 *
 * Rejects with `code`, negative `errno`, `syscall` (`ficlone`, `clonefile`, `duplicate_extents`, `open`), `path` and `dest`;
 * on Windows also `win32Error`. Source: man 2 ioctl_ficlone; man 2 clonefile; FSCTL_DUPLICATE_EXTENTS_TO_FILE (ReFS).
 */
export async function cloneFile(src: string, dest: string): Promise<void> {
  return inPart(loadCloning, (part) => part.cloneFile(src, dest))
}

/** As `cloneFile`, on the calling thread. */
export function cloneFileSync(src: string, dest: string): void {
  loadCloning().cloneFileSync(src, dest)
}

/**
 * How many bytes of two files lie in the same physical extents, i.e. are stored once. Small files that
 * Btrfs keeps inside its metadata share nothing. Writes out both files' data first, to know its place.
 *
 * Rejects with ENOSYS (`fiemap`) without the addon, and with EOPNOTSUPP where the file system does not
 * tell (tmpfs). Source: Documentation/filesystems/fiemap.rst of the Linux kernel.
 */
export async function sharedBytes(a: string, b: string): Promise<number> {
  return inPart(loadCloning, (part) => part.sharedBytes(a, b))
}

// Each part, the addon included, is loaded by the first call that needs it: the hundred modules take 30 ms, which a tool
// that only loads the library should not pay at its start. `import()` would load Node's ES module loader besides.
/* eslint-disable @typescript-eslint/no-require-imports */
const loadHost = () => (require('./host') as typeof hosts).defaultHost
const loadMerging = () => ({ host: loadHost(), ...(require('./merge') as typeof merging) })
const loadCloning = () => require('./clone') as typeof cloning
const loadProbing = () => require('./probe') as typeof probing
/* eslint-enable @typescript-eslint/no-require-imports */

/**
 * Calls a part of the library, at once, so that it gets the arguments as they are now. Where other parts of the process
 * have taken all descriptors nothing can be loaded, and that is waited for, as in a merge.
 */
function inPart<T, R>(load: () => T, call: (part: T) => Promise<R>): Promise<R> {
  let part: T
  try {
    part = load()
  } catch {
    return patiently(undefined, () => Promise.resolve().then(load)).then(call)
  }
  return call(part)
}
