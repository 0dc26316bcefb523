import { Presets, SingleBar } from 'cli-progress'
import type { Progress } from '../bench/rounds'

/** A progress bar on stderr if that is a terminal, else a line a round. */
export class BenchProgress {
  private readonly bar: SingleBar | undefined
  private round = -1

  constructor(
    private readonly quiet: boolean,
    private readonly tell: (text: string) => void,
  ) {
    if (quiet || !process.stderr.isTTY) return
    const format = '{phase} {bar} {percentage}% | {eta_formatted}'
    this.bar = new SingleBar(
      { format, stream: process.stderr, hideCursor: true, clearOnComplete: true },
      Presets.shades_classic,
    )
  }

  readonly update = ({ round, done, total }: Progress): void => {
    if (this.quiet) return
    const phase = round === 0 ? 'rehearsal' : `round ${String(round)}`
    if (this.round < 0) this.bar?.start(total, done, { phase })
    if (this.bar === undefined && round !== this.round) this.tell(`${phase} …`)
    this.round = round
    this.bar?.update(done, { phase })
  }

  stop(): void {
    this.bar?.stop()
  }
}
