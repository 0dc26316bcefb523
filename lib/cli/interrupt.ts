/** Ctrl-C and kill abort what runs, which puts everything back; a second one ends the process. */
export class Interrupt {
  private readonly controller = new AbortController()
  private readonly onSignal = (): void => {
    this.controller.abort(new Error('interrupted'))
  }

  constructor() {
    process.once('SIGINT', this.onSignal)
    process.once('SIGTERM', this.onSignal)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  end(): void {
    process.removeListener('SIGINT', this.onSignal)
    process.removeListener('SIGTERM', this.onSignal)
  }
}
