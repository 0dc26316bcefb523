import type { MergePhase, MergeProgress } from './types'

// At most ten reports a second.
const pauseBetween = 100

/** Tells the caller how far a merge is. */
export class Progress {
  private readonly state: MergeProgress = {
    phase: 'scan',
    files: 0,
    totalFiles: 0,
    bytes: 0,
    totalBytes: 0,
  }
  private last = -Infinity

  constructor(private readonly report: ((progress: MergeProgress) => void) | undefined) {}

  /** Counting starts anew where the phase says so. */
  enter(phase: MergePhase, totals?: { files: number; bytes: number }): void {
    this.state.phase = phase
    if (totals !== undefined) {
      Object.assign(this.state, { files: 0, bytes: 0 })
      Object.assign(this.state, { totalFiles: totals.files, totalBytes: totals.bytes })
    }
    this.tell()
  }

  add(files: number, bytes: number): void {
    this.state.files += files
    this.state.bytes += bytes
    this.tell()
  }

  private tell(): void {
    const now = performance.now()
    if (this.report === undefined || now - this.last < pauseBetween) return
    this.last = now
    this.report({ ...this.state })
  }
}
