import type { MergePhase, MergeProgress } from './types'

// At most ten reports a second.
const pauseBetween = 100

interface Placing {
  /** So much more is to be placed. */
  readonly expect: (files: number, bytes: number) => void
  /** So much was placed. */
  readonly add: (files: number, bytes: number) => void
  /** It failed: what was not placed is not expected any more. */
  readonly giveUp: () => void
}

/** Tells the caller how far a merge is. */
export class Progress {
  private readonly state: MergeProgress = {
    phase: 'scan',
    files: 0,
    totalFiles: 0,
    bytes: 0,
    totalBytes: 0,
  }
  private scannedFiles = 0
  private last = -Infinity

  constructor(private readonly report: ((progress: MergeProgress) => void) | undefined) {}

  /** Does anybody ask for it? */
  get isHeard(): boolean {
    return this.report !== undefined
  }

  enter(phase: MergePhase): void {
    this.state.phase = phase
    this.tell()
  }

  readonly scanned = (files: number): void => {
    this.scannedFiles += files
    this.tell()
  }

  /** Files to be placed: how many, and then those that were. */
  placing(): Placing {
    const left = { files: 0, bytes: 0 }
    const expect = (files: number, bytes: number): void => {
      left.files += files
      left.bytes += bytes
      this.state.totalFiles += files
      this.state.totalBytes += bytes
    }
    const add = (files: number, bytes: number): void => {
      left.files -= files
      left.bytes -= bytes
      this.state.files += files
      this.state.bytes += bytes
      this.tell()
    }
    const giveUp = (): void => {
      expect(-left.files, -left.bytes)
    }
    return { expect, add, giveUp }
  }

  private tell(): void {
    const now = performance.now()
    if (this.report === undefined || now - this.last < pauseBetween) return
    this.last = now
    // Scanned files are counted before there is a total; from then on those that are placed.
    const isEarly = this.state.phase === 'scan' || this.state.phase === 'plan'
    this.report(isEarly ? { ...this.state, files: this.scannedFiles } : { ...this.state })
  }
}
