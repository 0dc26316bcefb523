import { basename, dirname, sep } from 'node:path'
import type { TreeColumns, TreeJob, TreeMatches, TreeOperation, TreeOutcomes } from './whole-trees'

/**
 * What stands between the merge and the system. Everything is a batch over places: a place is a
 * directory, and every name is one entry in it. No call decides anything; each name gets 0 or the
 * raw errno (positive), and the name of the call that failed.
 */

/** An open directory: the start of places, and what a lock hangs on. */
export interface Directory {
  /** As it was opened, for messages; anyone who renames it sets it. Without descriptors it is the way to it. */
  path: string
  readonly fd: number
  /**
   * st_dev and st_ino: tells whether a path still leads to this directory. Nothing else gets that number as long as this
   * one is open.
   */
  readonly identity: string
}

/** A directory: an open one or an absolute path, and the `/`-joined names that lead down from it. */
export interface Place {
  readonly base: Directory | string
  readonly path: string
}

/** The same operation on every name of one directory. */
export interface NamesJob {
  readonly to: Place
  readonly names: readonly string[]
  /** Permission bits, for mkdir and chmod. */
  readonly modes?: Uint32Array
}

/** The same operation on every name of a pair of directories. */
export interface PairJob {
  readonly from: Place
  readonly to: Place
  /** In `from`. */
  readonly names: readonly string[]
  /** In `to`; default: the same. */
  readonly toNames?: readonly string[]
  /** Permission bits of the files that are made or compared, instead of the source's; `noMode`: the source's. */
  readonly modes?: Uint32Array
}

/** Files with given bytes: to make, or to compare. */
export interface ContentJob {
  readonly to: Place
  readonly names: readonly string[]
  readonly contents: readonly Uint8Array[]
  /** Permission bits. */
  readonly modes: Uint32Array
}

/** Symlinks to make: `targets` are kept as text. */
export interface LinkJob {
  readonly to: Place
  readonly names: readonly string[]
  readonly targets: readonly string[]
}

export interface Outcomes {
  /** One a name, in the jobs' order; 0 for success. */
  readonly errnos: Int32Array
  readonly syscall: (index: number) => string
  /** Did an operation on pairs fail to open or make the entry in `to`? Both sides are `open`. */
  readonly inDest?: (index: number) => boolean
  /** Of files that were cloned or copied, one a name: how many bytes each has. A host that does not say leaves it out. */
  readonly bytes?: Float64Array
}

export interface Comparison extends Outcomes {
  /** One a name, a number of `Equality`. */
  readonly equal: Uint8Array
}

/** Kinds of entries, as numbers in columns. */
export const Kind = {
  Missing: 0,
  File: 1,
  Directory: 2,
  Symlink: 3,
  /** Fifo, socket, device. */
  Other: 4,
  /** A symlink whose text is not UTF-8, so that it cannot be given back to the system as it is. */
  OddLink: 5,
} as const

/** How two files are equal: not at all, by their bytes, or because they are one inode. */
export const Equality = { Differ: 0, SameBytes: 1, SameFile: 2 } as const

/** What entries are, in columns: one entry an index in each. */
export interface Columns {
  readonly kinds: Uint8Array
  /** 07777. */
  readonly modes: Uint16Array
  /** Bytes. */
  readonly sizes: Float64Array
  /** Text of the symlinks, by index. */
  readonly targets: ReadonlyMap<number, string>
}

/** What a directory holds, in a form that spares a look at each entry. */
export interface PlainListing {
  /** Names of regular files, none of them with setuid, setgid or sticky bit: the first entries of the listing. */
  readonly files: readonly string[]
  /** Names of subdirectories: the entries after these. */
  readonly directories: readonly string[]
  /** Of all files together. */
  readonly bytes: number
}

export interface Listing extends Columns {
  /** Of the listing as a whole. */
  readonly errno: number
  readonly syscall: string
  /** The entry at which it failed; empty for the directory itself. */
  readonly failedName: string
  readonly names: readonly string[]
  /** Names that are not UTF-8, as far as they can be shown. */
  readonly notUtf8: readonly string[]
  /** Where the host knows that there is nothing else, and no bad name; undefined says nothing. */
  readonly plain: PlainListing | undefined
  /** The host knows that no two names look alike to any file system. */
  readonly distinct: boolean
  /** The directory's own, 07777. */
  readonly mode: number
  /** st_dev. */
  readonly device: number
}

export interface Stats extends Columns, Outcomes {
  /** st_dev, st_ino, mtime and ctime in ns: four an entry, all 0 for a missing one. */
  readonly identities: BigUint64Array
}

/** What entries are, and what distinguishes each from a later one that was given its inode number. */
export interface Identified extends Stats {
  /**
   * Birth time in ns, 0 where there is none; a hash of the file handle, 0 where there is none; the number of hard links: three
   * an entry, all 0 for a missing one.
   */
  readonly lasting: BigUint64Array
}

/** What a directory passes on to what is made in it: group, default ACL, compression, project, encryption … */
interface Inheritance {
  /** Why it cannot be known; 0 if it can. */
  readonly errno: number
  /** Directories with the same text pass the same on, and entries can be renamed from one to another. */
  readonly text: string
}

/** How a single call went: 0, or the errno and the name of the call that failed. */
export interface Failed {
  readonly errno: number
  readonly syscall: string
}

/** How much of an identity tells the inode, and how much also its state. */
export const identityLength = 4
export const lastingLength = 3

export interface FileOptions {
  /** Files get u+w. */
  readonly writable: boolean
  /** Files keep atime and mtime. */
  readonly times: boolean
  /** New files and directories keep the mode that they were made with: the file system refuses to set another. */
  readonly asMade?: boolean
  /** copy_file_range may be used, which some file systems answer by sharing extents. */
  readonly inKernelCopy: boolean
  /** Clones lose `com.apple.quarantine`; of no effect but on macOS. */
  readonly dropQuarantine?: boolean
}

export interface Host {
  readonly kind: 'native' | 'node'
  /** `kernel`: places are walked name by name with O_NOFOLLOW; `best-effort`: they are paths. */
  readonly containment: 'kernel' | 'best-effort'
  /** The system whose names dest must keep to. */
  readonly platform: NodeJS.Platform
  /** How the system names a failed clone. */
  readonly cloneSyscall: string
  /** Batches that pay off at once on this host, at most. */
  readonly parallelism: number

  /** Opens a directory to keep; the start of the place may be a symlink, nothing below it. Throws. */
  open(place: Place): Promise<Directory>
  close(directory: Directory): Promise<void>
  /** flock(2), exclusive, without waiting: 0, EWOULDBLOCK, or why this file system has no locks. */
  tryLock(directory: Directory): number

  /** Makes a small file, mode 0600. */
  writeRecord(place: Place, name: string, text: string): Promise<Failed>
  readRecord(place: Place, name: string): Promise<Failed & { readonly text: string }>
  /** Waits until all that was written to the directory's file system is on disk. */
  sync(directory: Directory): Promise<Failed>

  list(places: readonly Place[]): Promise<Listing[]>
  /** Nothing is followed. A missing entry is an answer, not a failure. */
  stat(jobs: readonly NamesJob[]): Promise<Stats>
  /** The same, and what is not given to another entry later: dearer. */
  identify(jobs: readonly NamesJob[]): Promise<Identified>
  /** What directories pass on to what is made in them. Absent where the host cannot ask. */
  readonly inheritance?: ((places: readonly Place[]) => Promise<Inheritance[]>) | undefined
  /** Equal bytes? Regular files only. */
  compare(jobs: readonly PairJob[]): Promise<Comparison>
  /** Do the files have these bytes? Regular files only. */
  compareContent(jobs: readonly ContentJob[]): Promise<Comparison>

  /**
   * New files only: EEXIST where the name is taken. A failed one leaves nothing behind. A source that changed meanwhile
   * is EBUSY, and `changedCall` in the place of a system call: so it is with copy().
   */
  clone(jobs: readonly PairJob[], options: FileOptions): Promise<Outcomes>
  /**
   * Clones whole directories, with all that lies in them by then: modes, times, extended attributes, names that
   * nobody has listed. Absent where the system cannot. Source: man 2 clonefile.
   */
  readonly cloneDirectory?: ((jobs: readonly PairJob[]) => Promise<Outcomes>) | undefined
  /**
   * Reads whole trees in one trip; `sized`: looks at each file, for its mode and size. Absent where the host cannot.
   */
  readonly scanTrees?:
    ((places: readonly Place[], sized: boolean) => Promise<TreeColumns>) | undefined
  /**
   * Does `to` have every directory and file of the trees, each under this very name, with these bytes and the same
   * permission bits? Without `bytes` only the directories are looked at. `own`: none of the files is the source's own.
   */
  readonly matchTrees?:
    ((jobs: readonly TreeJob[], bytes: boolean, own?: boolean) => Promise<TreeMatches>) | undefined
  /**
   * Makes whole trees in one trip. What failed has left nothing behind, and ends nothing but what depends on it.
   */
  readonly placeTrees?:
    | ((
        operation: TreeOperation,
        jobs: readonly TreeJob[],
        options: FileOptions,
      ) => Promise<TreeOutcomes>)
    | undefined
  hardlink(jobs: readonly PairJob[]): Promise<Outcomes>
  copy(jobs: readonly PairJob[], options: FileOptions): Promise<Outcomes>
  symlink(jobs: readonly LinkJob[]): Promise<Outcomes>
  /** New files only, with their modes whatever the umask says. */
  write(jobs: readonly ContentJob[], options: FileOptions): Promise<Outcomes>

  /** With `exact`, the modes are set whatever the umask says. */
  mkdir(jobs: readonly NamesJob[], exact: boolean): Promise<Outcomes>
  /** Directories only. */
  chmod(jobs: readonly NamesJob[]): Promise<Outcomes>
  /** atime and mtime of directories and symlinks. */
  copyTimes(jobs: readonly PairJob[]): Promise<Outcomes>
  /** Without `replace`: EEXIST where the name is taken. */
  rename(jobs: readonly PairJob[], replace: boolean): Promise<Outcomes>
  /** Swaps what the names lead to, in one step; ENOSYS or EINVAL where that cannot be. */
  exchange(jobs: readonly PairJob[]): Promise<Outcomes>
  unlink(jobs: readonly NamesJob[]): Promise<Outcomes>
  rmdir(jobs: readonly NamesJob[]): Promise<Outcomes>
}

/** What the owner needs to fill, move and remove a directory. */
export const ownerAccess = 0o700

/** The path of an entry as people read it, with the system's own separator. */
export function pathOf(place: Place, name = ''): string {
  const start = typeof place.base === 'string' ? place.base : place.base.path
  const parts = [start === '/' ? '' : start]
  if (place.path !== '') parts.push(place.path)
  if (name !== '') parts.push(name)
  if (parts.length === 1) return start
  const path = parts.join('/')
  return sep === '/' ? path : path.replaceAll('/', sep)
}

/** The place `path` below a place. */
export function below(place: Place, path: string): Place {
  if (path === '') return place
  return { base: place.base, path: joinPath(place.path, path) }
}

/** The last name of a path, and what leads to it. */
export function splitPath(path: string): { parent: string; name: string } {
  const slash = path.lastIndexOf('/')
  return { parent: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) }
}

/** A directory as an entry of the one that holds it. */
export function entryOf({ base, path }: Place): { directory: Place; name: string } {
  if (path === '' && typeof base === 'string') {
    return { directory: { base: dirname(base), path: '' }, name: basename(base) }
  }
  const { parent, name } = splitPath(path)
  return { directory: { base, path: parent }, name }
}

/** Two relative paths in one. */
export function joinPath(a: string, b: string): string {
  if (a === '') return b
  return b === '' ? a : `${a}/${b}`
}

/** Every name of the jobs with its job, in the order of the outcomes. */
export function* eachName<J extends { readonly names: readonly string[] }>(
  jobs: readonly J[],
): Generator<{ index: number; job: J; name: string; position: number }> {
  let index = 0
  for (const job of jobs) {
    for (const [position, name] of job.names.entries()) {
      yield { index, job, name, position }
      index++
    }
  }
}
