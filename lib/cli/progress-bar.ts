import { Presets, SingleBar, type Options, type Params } from 'cli-progress'
import type { MergeProgress } from '../index'
import type { CliStream } from './command'
import { Pace, phaseNames } from './pace'
import { formatCount, formatSeconds } from './units'

// With these and the texts beside it the bar fits; what is left of the line is the bar's.
const widest = 40
const narrowest = 10

/** How far a merge is, as a bar on a terminal, gone when it is done. */
export class ProgressBar {
  private readonly bar: SingleBar
  private readonly pace = new Pace()
  private isShown = false
  private isOver = false

  constructor(private readonly stream: CliStream) {
    this.bar = new SingleBar(
      {
        stream,
        format: (options, params, payload: { progress: MergeProgress }) =>
          this.format(options, params, payload.progress),
        hideCursor: true,
        clearOnComplete: true,
        linewrap: false,
        fps: 10,
      },
      Presets.shades_classic,
    )
  }

  readonly update = (progress: MergeProgress): void => {
    if (this.isOver) return
    this.pace.add(progress, performance.now())
    const { files, totalFiles, phase } = progress
    const placed = phase === 'scan' || phase === 'plan' ? 0 : files
    // A total of none would be a bar that is full.
    const total = Math.max(totalFiles, 1)
    if (!this.isShown) this.bar.start(total, placed, { progress })
    this.isShown = true
    this.bar.setTotal(total)
    this.bar.update(placed, { progress })
  }

  readonly stop = (): void => {
    this.isOver = true
    this.bar.stop()
  }

  private format(options: Options, { progress: part }: Params, progress: MergeProgress): string {
    const { phase, files, totalFiles } = progress
    const name = phaseNames[phase]
    if (phase === 'scan' && files > 0) return `${name}: ${formatCount(files, 'file')}`
    if (phase !== 'stage' || totalFiles === 0) return name
    const { filesASecond = 0 } = this.pace
    const percent = `${Math.floor(part * 100)} %`.padStart(5)
    const counts = `${files.toLocaleString('en')}/${formatCount(totalFiles, 'file')}`
    const rate = `${Math.round(filesASecond).toLocaleString('en')}/s`
    const left = this.pace.secondsFor(totalFiles - files)
    const rest = left === undefined ? '' : ` | ${formatSeconds(left)} left`
    const text = `${percent} | ${counts} | ${rate}${rest}`
    const columns = this.stream.columns ?? 80
    const room = Math.min(columns - name.length - text.length - 3, widest)
    if (room < narrowest) return `${name} ${text}`
    const full = Math.round(part * room)
    const complete = (options.barCompleteString ?? '').slice(0, full)
    const incomplete = (options.barIncompleteString ?? '').slice(0, room - full)
    return `${name} ${complete}${incomplete} ${text}`
  }
}
