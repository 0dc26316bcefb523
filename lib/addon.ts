import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type Load from 'node-gyp-build'
import { isDenied } from './errno'
import { packageRoot } from './package-root'

/** Directories: the index of a start, and the '/'-joined names that lead down from it, a NUL after each path. */
export interface RawPlaces {
  bases: Uint32Array
  paths: string
}

/** The same operation on every name of pairs of directories, in columns. There is a NUL after each name. */
export interface RawJobs {
  /** Open directories and absolute paths. */
  bases: readonly (number | string)[]
  from?: RawPlaces
  to: RawPlaces
  /** Names of each pair of directories. */
  counts: Uint32Array
  /** In `from`; or the targets of symlinks. */
  names: string
  /** In `to`; default: the same. */
  toNames?: string
  modes?: Uint32Array
  contents?: readonly Uint8Array[]
}

/** How files are made: see `FileOptions` of the host; `exactMode` sets modes whatever the umask says. */
export interface RawOptions {
  writable?: boolean
  times?: boolean
  inKernelCopy?: boolean
  exactMode?: boolean
  asMade?: boolean
  dropQuarantine?: boolean
}

/** One errno a name, 0 for success, and which call it came from. */
interface RawOutcomes {
  errnos: Int32Array
  /** Indexes into `Addon.calls`. */
  calls: Uint8Array
  equal: Uint8Array
  /** Of clone and copy, one a name: the bytes of the new file. */
  bytes?: Float64Array
}

interface RawColumns {
  kinds: Uint8Array
  modes: Uint16Array
  sizes: Float64Array
  /** Texts of the symlinks, in order, a NUL after each. */
  targets: string
}

/** What directories hold, one after the other: subdirectories after what else there is. */
export interface RawListings extends RawColumns {
  errnos: Int32Array
  calls: Uint8Array
  directoryModes: Uint16Array
  devices: Float64Array
  /** Entries of each directory. */
  counts: Uint32Array
  notUtf8Counts: Uint32Array
  /** 1: regular files without set-ID and sticky bits, directories, and good names only. */
  plain: Uint8Array
  /** 1: no two names look alike to any file system. */
  distinct: Uint8Array
  /** Of a plain directory: its subdirectories, the bytes of its files, and how much of `names` they take in UTF-8. */
  directories: Uint32Array
  bytes: Float64Array
  fileNameBytes: Uint32Array
  directoryNameBytes: Uint32Array
  failedNames: string
  names: string
  notUtf8: string
}

/** What entries are, in columns. */
interface RawStats extends RawColumns {
  errnos: Int32Array
  calls: Uint8Array
  /** st_dev, st_ino, mtime and ctime in ns: four an entry. */
  identities: BigUint64Array
}

/** The same, and what is not given to another entry later. */
interface RawIdentified extends RawStats {
  /** Birth time in ns, a hash of the file handle, the number of links: three an entry. */
  lasting: BigUint64Array
}

/** 0, or the errno and the call it came from. */
export interface RawOutcome {
  errno: number
  syscall: string
  /** Windows: what GetLastError told, of which several may be one errno. */
  win32Error?: number
}

/** What became of reading or writing a small file. */
interface RawRecord {
  errno: number
  /** Index into `Addon.calls`. */
  call: number
  /** As it was read. */
  text: string
}

/** What a whole tree is made from, in columns. There is a NUL after each path and name. */
export interface RawTree {
  from: readonly [number | string, string]
  to: readonly [number | string, string]
  /** Of the directories below `from`; in `to` the first `skip` bytes of each are left out. */
  paths: string
  skip: number
  modes: Uint32Array
  /** Entries of each directory. */
  counts: Uint32Array
  names: string
  /** One an entry: 0 is a file, 1 a symlink, 2 a content. */
  kinds?: Uint8Array
  /** One an entry: the path of a file below `from`, the text of a symlink. */
  sources?: string
  /** One an entry. */
  fileModes?: Uint32Array
  contents?: readonly Uint8Array[]
  /** One an entry: 0 leaves it out. */
  wanted?: Uint8Array
  /** Directories that are there already, the first ones. */
  made?: number
}

/** What trees hold that are plain; of others there is nothing here but `found`: 0 is plain, 1 is not, 2 is too large. */
export interface RawTreeColumns {
  /**
   * The files were looked at. Otherwise the directories told that they are regular files, and nothing is known of their
   * modes and sizes.
   */
  sized: boolean
  /** One a place: 0, 1 or 2, as above. */
  found: Uint8Array
  /** One a place: st_dev. */
  devices: Float64Array
  /** One a place: its first directory. */
  starts: Uint32Array

  /** One a directory, each before those that lie in it, which are the next ones: the first that does not lie in it. */
  ends: Uint32Array
  /** One a directory: 0777. */
  modes: Uint32Array
  /** One a directory: the files directly in it. */
  counts: Uint32Array
  /** One a directory: bytes of these, if sized. */
  bytes: Float64Array
  /** One a directory: the length of `paths` up to and with its own; so for the names and the numbers of its files. */
  pathEnds: Uint32Array
  nameEnds: Uint32Array
  fileEnds: Uint32Array

  /** One a file, in the order of the directories, if sized: 0777. */
  fileModes: Uint16Array
  /** One a file, if sized: bytes. */
  sizes: Float64Array

  /** Of the directories below the place, '/'-joined, NUL after each. */
  paths: string
  /** Of the files, NUL after each. */
  names: string
}

/** What became of making several trees: all of it, or how many directories of each, and why not the others. */
interface RawTreeOutcomes {
  /** All of it was made. */
  complete: boolean
  /** One a tree: bytes of the files that were cloned, copied or written. */
  bytes: Float64Array
  /** One a tree, unless complete: its directories that are there, the first ones. */
  made?: Uint32Array
  /** One a tree, unless complete: why the next directory could not be made, 0 where all are there. */
  stopErrnos?: Int32Array
  stopCalls?: Uint8Array
  /** One an entry, unless complete: 0, the errno, or -1 where it was not tried. */
  errnos?: Int32Array
  calls?: Uint8Array
}

/** Which trees are somewhere already, and what their directories there are: see `Host.matchTrees`. */
export interface RawTreeMatches {
  /** One a tree: 1 or 0. */
  same: Uint8Array
  /** One a tree that is the same: bytes of its files. */
  bytes: Float64Array
  /**
   * Of each directory in `to`: st_dev, st_ino, mtime and ctime in ns, four a directory; 0 where nobody looked.
   */
  identities: BigUint64Array
}

/** What the C++ addon exports. Errnos are positive, 0 is success; garbage arguments are a TypeError. */
export interface Addon {
  /** Clones a file; 0 or the errno. */
  reflink(src: string, dest: string): number
  /** The same, off the main thread. */
  reflinkAsync(src: string, dest: string): Promise<number>
  /** Clones a file with its permission bits, off the main thread. */
  cloneFile(src: string, dest: string): Promise<RawOutcome>
  /** The same on the calling thread. */
  cloneFileSync(src: string, dest: string): RawOutcome
  /** Bytes of two files that lie in the same extents; `second`: the failure was about `b`. */
  sharedBytes(a: string, b: string): Promise<RawOutcome & { bytes: number; second: boolean }>
  /** flock(2), exclusive, without waiting: 0 or the errno. */
  tryLock(fd: number): number
  /** Absent where the system has no directory descriptors (Windows). */
  batch?(operation: string, jobs: RawJobs, options: RawOptions): Promise<RawOutcomes>
  /** lstat(2) of every name. */
  stat?(jobs: RawJobs): Promise<RawStats>
  identify?(jobs: RawJobs): Promise<RawIdentified>
  /** What directories hold. */
  list?(bases: readonly (number | string)[], places: RawPlaces): Promise<RawListings>
  /**
   * What directories pass on to what is made in them: one errno each, and a text, NUL after each.
   */
  inheritance?(
    bases: readonly (number | string)[],
    places: RawPlaces,
  ): Promise<{ errnos: Int32Array; texts: string }>
  /** Reads whole trees. */
  scanTrees?(
    bases: readonly (number | string)[],
    places: RawPlaces,
    sized: boolean,
  ): Promise<RawTreeColumns>
  /** Looks for whole trees; without `bytes` for their directories alone. */
  matchTrees?(trees: readonly RawTree[], bytes: boolean, own?: boolean): Promise<RawTreeMatches>
  /** Makes whole trees. */
  placeTrees?(
    operation: string,
    trees: readonly RawTree[],
    options: RawOptions,
  ): Promise<RawTreeOutcomes>
  /**
   * Opens a directory, following nothing below `base`. The descriptor is closed with closeDirectory(), or with the thread
   * that opened it.
   */
  openDirectory?(base: number | string, path: string): { errno: number; fd: number }
  /** Closes what openDirectory() opened. */
  closeDirectory?(fd: number): number
  /** A new file. */
  writeRecord?(base: number | string, path: string, name: string, text: string): Promise<RawRecord>
  /** A small file's text. */
  readRecord?(base: number | string, path: string, name: string): Promise<RawRecord>
  /** Waits for all that was written to the file system of an open directory. */
  sync?(fd: number): Promise<RawRecord>
  /** The system calls' names, by the numbers in `calls`; `create` is the open(2) of a file that is to be made. */
  calls?: readonly string[]
  cloneSyscall?: string
}

function loadAddon(): { addon?: Addon; error?: unknown } {
  if (process.env['REFLINK_MERGE_NATIVE'] === 'off') return {}
  try {
    return { addon: open() }
  } catch (error) {
    // Node's permission model, which also forbids what is opened next.
    if (isDenied(error)) return { error }
    // For want of descriptors no addon can be found, which says nothing about it: this throws EMFILE then, so that
    // loading this module fails, and can be tried again.
    closeSync(openSync(__filename, 'r'))
  }
  try {
    return { addon: open() }
  } catch (error) {
    return { error }
  }
}

function open(): Addon {
  const build = process.env['REFLINK_MERGE_ADDON']
  if (build === undefined || build === '') {
    // Not at the top: it looks at the system, and throws where Node's permission model forbids that.
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- it must be possible to catch
    const load = require('node-gyp-build') as typeof Load
    return load(addonDirectory()) as Addon
  }
  const module = { exports: {} }
  process.dlopen(module, build)
  return module.exports as Addon
}

/** Where the published package was compiled, it was in native/, which has the binding.gyp then. */
function addonDirectory(): string {
  const native = join(packageRoot, 'native')
  return existsSync(join(native, 'build')) ? native : packageRoot
}

const loaded = loadAddon()

/** The addon, or undefined where there is none: the library then goes on with node:fs. */
export const addon = loaded.addon

/** Why there is no addon; undefined where there is one, or where it was switched off. */
export const addonError = loaded.error
