// Quicker than people wonder, slower than most merges take to clean up.
const soon = 1_000

/** Ctrl-C and kill abort what runs, which puts everything back; a second one ends the process. */
export class Interrupt {
  private readonly controller = new AbortController()
  private timer: NodeJS.Timeout | undefined
  private readonly onSignal = (): void => {
    this.controller.abort(new Error('interrupted'))
    this.timer ??= setTimeout(this.onDelay, soon)
  }

  /** `onDelay`: it takes a while to put things back. */
  constructor(private readonly onDelay: () => void) {
    process.once('SIGINT', this.onSignal)
    process.once('SIGTERM', this.onSignal)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  end(): void {
    clearTimeout(this.timer)
    process.removeListener('SIGINT', this.onSignal)
    process.removeListener('SIGTERM', this.onSignal)
  }
}
