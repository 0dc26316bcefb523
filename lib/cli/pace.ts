import type { MergePhase, MergeProgress } from '../index'
import { formatCount, formatSeconds } from './units'

/** Over how many milliseconds the pace is taken: long enough to be steady, short enough to follow. */
const window = 4_000

/** Files a second, of late. */
export class Pace {
  private samples: { at: number; files: number; phase: MergePhase }[] = []

  /** `now`: ms. */
  add({ files, phase }: MergeProgress, now: number): void {
    // Files are counted anew when they are placed.
    if (this.samples.at(-1)?.phase !== phase) this.samples = []
    this.samples.push({ at: now, files, phase })
    while ((this.samples[1]?.at ?? now) < now - window) this.samples.shift()
  }

  /** undefined: not known yet. */
  get filesASecond(): number | undefined {
    const first = this.samples[0]
    const last = this.samples.at(-1)
    if (first === undefined || last === undefined || last.files <= first.files) return undefined
    return ((last.files - first.files) * 1000) / (last.at - first.at)
  }

  /** undefined: not known yet. */
  secondsFor(files: number): number | undefined {
    return this.filesASecond && files / this.filesASecond
  }
}

/** What a phase is to people. */
export const phaseNames: Readonly<Record<MergePhase, string>> = {
  scan: 'reading the sources',
  plan: 'comparing',
  stage: 'placing',
  lock: 'waiting for the lock on dest',
  commit: 'publishing',
}

/** `placing: 12,000 of 40,000 files (30 %), 5,600 files/s, 5 s left` */
export function formatProgress(progress: MergeProgress, pace: Pace): string {
  const { phase, files, totalFiles } = progress
  const name = phaseNames[phase]
  if (phase === 'scan' && files > 0) return `${name}: ${formatCount(files, 'file')}`
  if (phase !== 'stage' || totalFiles === 0) return name
  const percent = Math.floor((files * 100) / totalFiles)
  const parts = [
    `${name}: ${files.toLocaleString('en')} of ${formatCount(totalFiles, 'file')} (${percent} %)`,
  ]
  const { filesASecond } = pace
  if (filesASecond !== undefined) {
    parts.push(`${Math.round(filesASecond).toLocaleString('en')} files/s`)
    parts.push(`${formatSeconds((totalFiles - files) / filesASecond)} left`)
  }
  return parts.join(', ')
}
