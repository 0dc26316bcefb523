import type { LinkMode } from '../types'
import type { Summary } from './statistics'

/** How files are placed: the library's link modes, and what Node itself has. */
export type Method = 'clone' | 'hardlink' | 'copy' | 'fs.cp' | 'fs.copyFile'

export const methods: readonly Method[] = ['clone', 'hardlink', 'copy', 'fs.cp', 'fs.copyFile']

/** `fresh`: written a moment ago, not on disk yet. `settled`: on disk, and in the page cache. */
export type SourceState = 'settled' | 'fresh'

/** What the biggest file has in common with its source: `linked`: all; `shared`: blocks on disk; `own`: nothing. */
export type Blocks = 'linked' | 'shared' | 'own'

/** One measurement. */
export interface Measured {
  /** Wall time until all files are placed. */
  readonly ms: number
  /** CPU time of the process that placed them, all its threads, ms. */
  readonly user: number
  readonly system: number
  /** After that, until all is on disk, ms; null for fresh sources, which are written out then, too. */
  readonly syncMs: number | null
  /** By how much the file system's used space grew, bytes; null for fresh sources. */
  readonly disk: number | null
  /** The part of that which is file contents, bytes; null where the file system does not say. */
  readonly data: number | null
  /** How long it took to remove it all again, ms; null for fresh sources. */
  readonly removeMs: number | null
}

/** What is done, by one method. */
export interface Task {
  /** `sizes`: files of one size, one after the other. `tree`: a package tree. */
  readonly work: 'sizes' | 'tree'
  readonly method: Method
  readonly state: SourceState
  /** Bytes of each file; null for the tree. */
  readonly size: number | null
  /** How many at once; null: what the method does by default. */
  readonly workers: number | null
}

/** A task and all that was measured of it. */
export interface Row extends Task {
  readonly files: number
  readonly bytes: number
  /** null: it did not run, or the system does not say. */
  readonly blocks: Blocks | null
  /** Why it cannot be done here; then there are no rounds. */
  readonly failed: string | null
  readonly rounds: readonly Measured[]
  readonly ms: Summary | null
  readonly filesPerSecond: Summary | null
  /** 1,000,000 bytes; of a clone or link: as if they had been moved. */
  readonly megabytesPerSecond: Summary | null
  readonly user: Summary | null
  readonly system: Summary | null
  readonly syncMs: Summary | null
  readonly disk: Summary | null
  readonly data: Summary | null
  readonly removeMs: Summary | null
}

export interface Conclusion {
  /** What it is about, for programs. */
  readonly about: 'time' | 'disk' | 'tree' | 'fresh' | 'workers' | 'removal' | 'node'
  /** false: the rounds contradict each other, or are too few; the text says so. */
  readonly certain: boolean
  readonly text: string
}

export interface Recommendation {
  /** For the option `linkModes`; null: nothing is recommended. */
  readonly linkModes: readonly LinkMode[] | null
  readonly text: string
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** Bytes. */
  readonly memory: number
  readonly platform: string
  readonly release: string
  readonly node: string
  readonly version: string
  /** Is the addon there? Without it the library works through node:fs. */
  readonly addon: boolean
  /** Of the last minute, before anything was measured; 0 on Windows. */
  readonly load: number
}

/** What `reflink-merge bench --json` prints; schemas/bench.json describes it. */
export interface BenchResult {
  /** Of this format. */
  readonly format: 1
  /** ISO 8601. */
  readonly date: string
  readonly machine: Machine
  readonly directory: string
  /** As the system calls it, such as `btrfs`. */
  readonly fileSystem: string
  readonly quick: boolean
  /** Measured rounds; one more came before and was not measured. */
  readonly rounds: number
  /** Whether the time limit ended it before all rounds were done. */
  readonly cutShort: boolean
  readonly seconds: number
  readonly tree: {
    /** The caller's own, or null: a made one. */
    readonly source: string | null
    readonly files: number
    readonly directories: number
    readonly bytes: number
  }
  readonly rows: readonly Row[]
  readonly conclusions: readonly Conclusion[]
  readonly recommendation: Recommendation
}
