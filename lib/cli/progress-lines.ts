import type { MergeProgress } from '../index'
import { formatProgress, Pace } from './pace'

// Merges that are over before are not worth a line.
const firstAfter = 3_000
const pauseBetween = 5_000

/** How far a merge is, as lines of a log. */
export class ProgressLines {
  private readonly started = performance.now()
  private readonly pace = new Pace()
  private last = this.started + firstAfter - pauseBetween

  constructor(private readonly tell: (line: string) => void) {}

  readonly update = (progress: MergeProgress): void => {
    const now = performance.now()
    this.pace.add(progress, now)
    if (now - this.last < pauseBetween) return
    this.last = now
    this.tell(`reflink-merge: ${formatProgress(progress, this.pace)}`)
  }

  readonly stop = (): void => undefined
}
