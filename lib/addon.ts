import { join } from 'node:path'
import load from 'node-gyp-build'

/** A start (an open directory or an absolute path) and the '/'-joined names that lead down from it. */
export interface RawPlace {
  base: number | string
  path?: string
}

/** The same operation on every name of a pair of directories; there is a NUL after each name. */
export interface RawJob {
  from?: RawPlace
  to: RawPlace
  names: string
  toNames?: string
  modes?: Uint32Array
}

export interface RawOptions {
  writable?: boolean
  times?: boolean
  inKernelCopy?: boolean
  exactMode?: boolean
}

export interface RawOutcomes {
  errnos: Int32Array
  /** Indexes into `Addon.calls`. */
  calls: Uint8Array
  equal: Uint8Array
}

interface RawColumns {
  kinds: Uint8Array
  modes: Uint16Array
  sizes: Float64Array
  /** Texts of the symlinks, in order, a NUL after each. */
  targets: string
}

export interface RawListing extends RawColumns {
  errno: number
  call: number
  failedName: string
  names: string
  notUtf8: string
  mode: number
  device: number
}

export interface RawStats extends RawColumns {
  errnos: Int32Array
  calls: Uint8Array
  /** st_dev, st_ino, mtime and ctime in ns: four an entry. */
  identities: BigUint64Array
}

export interface RawOutcome {
  errno: number
  syscall: string
}

/** What the C++ addon exports. Errnos are positive, 0 is success; garbage arguments are a TypeError. */
export interface Addon {
  reflink(src: string, dest: string): number
  reflinkAsync(src: string, dest: string): Promise<number>
  cloneFile(src: string, dest: string): Promise<RawOutcome>
  cloneFileSync(src: string, dest: string): RawOutcome
  sharedBytes(a: string, b: string): Promise<RawOutcome & { bytes: number; second: boolean }>
  tryLock(fd: number): number
  /** Absent where the system has no directory descriptors (Windows). */
  batch?(operation: string, jobs: readonly RawJob[], options: RawOptions): Promise<RawOutcomes>
  stat?(jobs: readonly RawJob[]): Promise<RawStats>
  list?(places: readonly RawPlace[]): Promise<RawListing[]>
  openDirectory?(place: RawPlace): { errno: number; fd: number }
  /** The system calls' names, by the numbers in `calls`. */
  calls?: readonly string[]
  cloneSyscall?: string
}

function loadAddon(): { addon?: Addon; error?: unknown } {
  if (process.env['REFLINK_MERGE_NATIVE'] === 'off') return {}
  const build = process.env['REFLINK_MERGE_ADDON']
  try {
    if (build === undefined || build === '') return { addon: load(join(__dirname, '..')) as Addon }
    const module = { exports: {} }
    process.dlopen(module, build)
    return { addon: module.exports as Addon }
  } catch (error) {
    return { error }
  }
}

const loaded = loadAddon()

/** The addon, or undefined where there is none: the library then goes on with node:fs. */
export const addon = loaded.addon

/** Why there is no addon; undefined where there is one, or where it was switched off. */
export const addonError = loaded.error
