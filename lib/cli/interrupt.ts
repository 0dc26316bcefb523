// Quicker than people wonder, slower than most merges take to clean up.
const soon = 1_000

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The terminal is gone. */
export class HangUp extends Error {}

/** Ctrl-C, kill and closing the terminal abort what runs, which puts everything back; a second one ends the process. */
export class Interrupt {
  private readonly controller = new AbortController()
  private timer: NodeJS.Timeout | undefined
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    this.controller.abort(signal === 'SIGHUP' ? new HangUp('hung up') : new Error('interrupted'))
    this.timer ??= setTimeout(this.onDelay, soon)
  }

  /** `onDelay`: it takes a while to put things back. */
  constructor(private readonly onDelay: () => void) {
    for (const signal of signals) process.once(signal, this.onSignal)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  end(): void {
    clearTimeout(this.timer)
    for (const signal of signals) process.removeListener(signal, this.onSignal)
  }
}
