import { Presets, SingleBar } from 'cli-progress'
import type { Progress } from '../bench/rounds'
import type { CliContext } from './command'
import type { OutputOptions } from './options'

/** How far a benchmark is, on stderr: a bar on a terminal, a line a round where there is none, or in CI. */
export class BenchProgress {
  private readonly bar: SingleBar | undefined
  private readonly tell: (line: string) => void
  private round = -1

  constructor({ stderr, tell }: CliContext, { json, quiet }: OutputOptions) {
    const { CI = '', TERM } = process.env
    const movable = stderr.isTTY === true && (CI === '' || CI === 'false') && TERM !== 'dumb'
    // What is on a terminal with --json may be all of one screen.
    this.tell = quiet === true || movable ? () => undefined : tell
    if (quiet === true || json === true || !movable) return
    const format = '{phase} {bar} {percentage}% | {eta_formatted} left'
    const options = { stream: stderr, format, barsize: 30, hideCursor: true, clearOnComplete: true }
    this.bar = new SingleBar({ ...options, linewrap: false }, Presets.shades_classic)
  }

  readonly update = ({ round, done, total }: Progress): void => {
    const phase = round === 0 ? 'rehearsal' : `round ${round}`
    if (this.round < 0) this.bar?.start(total, done, { phase })
    if (round !== this.round) this.tell(`reflink-merge: ${phase}`)
    this.round = round
    this.bar?.update(done, { phase })
  }

  stop(): void {
    this.bar?.stop()
  }
}
