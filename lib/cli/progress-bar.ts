import { Presets, SingleBar } from 'cli-progress'
import type { MergeProgress } from '../index'

/** A progress bar on stderr, if that is a terminal. */
export class ProgressBar {
  private readonly bar: SingleBar | undefined
  private started = false

  constructor(quiet: boolean) {
    if (quiet || !process.stderr.isTTY) return
    const format = '{phase} {bar} {percentage}% | {value}/{total} files | {eta_formatted}'
    this.bar = new SingleBar(
      { format, stream: process.stderr, hideCursor: true, clearOnComplete: true },
      Presets.shades_classic,
    )
  }

  readonly update = (progress: MergeProgress): void => {
    const { phase, files, totalFiles } = progress
    if (this.bar === undefined || totalFiles === 0) return
    if (!this.started) this.bar.start(totalFiles, files, { phase })
    this.started = true
    this.bar.update(files, { phase })
  }

  stop(): void {
    this.bar?.stop()
  }
}
