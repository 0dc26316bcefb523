import {
  errno,
  cloneNeverHere,
  cloneNotThisFile,
  linkNeverHere,
  linkNotThisFile,
  symlinkNotHere,
} from '../errno'
import type { Step } from '../plan/placements'
import type { LinkMode } from '../types'

/** A link mode that failed: what the kernel said, and for which file. */
export interface Refusal {
  readonly mode: LinkMode
  /** Positive. */
  readonly errno: number
  readonly syscall: string
  readonly path: string
  readonly dest: string
  /** It was an open() in dest. */
  readonly inDest?: boolean
}

/**
 * What a failure means for the link mode: `never` for this pair of file systems, not for this `file`,
 * or it is a real error that no other mode would mend (`fatal`).
 */
export type Meaning = 'never' | 'file' | 'fatal'

// Only the call that makes the mode what it is may be fallen back from: a source that cannot be opened
// or a file that cannot be created would fail in every mode.
const rules: Partial<
  Record<
    LinkMode,
    { syscalls: readonly string[]; never: ReadonlySet<number>; file: ReadonlySet<number> }
  >
> = {
  clone: {
    syscalls: ['ficlone', 'clonefile', 'duplicate_extents'],
    never: cloneNeverHere,
    file: cloneNotThisFile,
  },
  hardlink: { syscalls: ['link'], never: linkNeverHere, file: linkNotThisFile },
  symlink: { syscalls: ['symlink'], never: symlinkNotHere, file: new Set() },
}

export function meaningOf(mode: LinkMode, number: number, syscall: string): Meaning {
  const rule = rules[mode]
  if (rule?.syscalls.includes(syscall) !== true) return 'fatal'
  if (rule.never.has(number)) return 'never'
  return rule.file.has(number) ? 'file' : 'fatal'
}

/** Modes whose first use on a pair of file systems tells whether they work there at all. */
export function isTriedFirst(mode: LinkMode): boolean {
  return mode === 'clone' || mode === 'hardlink'
}

/** The link modes in the caller's order, for the files of one file system, or of one source on it. */
export class FallbackChain {
  private readonly retired = new Map<LinkMode, Refusal>()

  /** Never ask for this mode again. */
  retire(refusal: Refusal): void {
    this.retired.set(refusal.mode, refusal)
  }

  /** Why a mode is never asked for, if so. */
  whyRetired(mode: LinkMode): Refusal | undefined {
    return this.retired.get(mode)
  }

  /** EXDEV: link(), and before Linux 5.18 the clone calls, do not cross mounts, even of one file system. */
  get isOfMount(): boolean {
    return [...this.retired.values()].some(({ errno: number }) => number === errno.EXDEV)
  }
}

/** One fallback chain for each file system; where mounts matter, which a device does not show, for each source on it. */
export class FallbackChains {
  private readonly byDevice = new Map<number, FallbackChain>()
  /** Of the devices in `mounts`. */
  private readonly bySource = new Map<string, FallbackChain>()
  private readonly mounts = new Set<number>()

  add(device: number, source: string, fallbackChain: FallbackChain): void {
    if (fallbackChain.isOfMount) this.mounts.add(device)
    if (this.mounts.has(device)) this.bySource.set(this.keyOf(device, source), fallbackChain)
    else this.byDevice.set(device, fallbackChain)
  }

  of(device: number, source: string): FallbackChain | undefined {
    if (!this.mounts.has(device)) return this.byDevice.get(device)
    return this.bySource.get(this.keyOf(device, source))
  }

  /** What one fallback chain is for. */
  keyOf(device: number, source: string): string {
    return this.mounts.has(device) ? `${device} ${source}` : String(device)
  }
}

/**
 * The first of the modes that was not retired, with the steps down to it and their reasons. Without a mode `reason` is why
 * the last one is none.
 */
export function descend(
  modes: readonly LinkMode[],
  fallbackChain: FallbackChain | undefined,
  before: readonly Step[],
  refusal: Refusal | undefined,
): { mode: LinkMode | undefined; steps: readonly Step[]; reason: Refusal | undefined } {
  let steps = before
  let reason = refusal
  const start = refusal === undefined ? 0 : modes.indexOf(refusal.mode) + 1
  for (const mode of modes.slice(start)) {
    if (reason !== undefined) {
      const { mode: from, errno, syscall } = reason
      steps = [...steps, { from, to: mode, errno, syscall }]
    }
    const retired = fallbackChain?.whyRetired(mode)
    if (retired === undefined) return { mode, steps, reason }
    reason = retired
  }
  return { mode: undefined, steps, reason }
}

/**
 * The modes for a file that must be dest's own: it will be edited, or its mode differs from the
 * source's. Where the caller allows only links, it is copied.
 */
export function ownModes(modes: readonly LinkMode[]): readonly LinkMode[] {
  const own = modes.filter((mode) => mode === 'clone' || mode === 'copy')
  return own.length > 0 ? own : ['copy']
}
