import { StringDecoder } from 'node:string_decoder'

import { startCommand, type RunningChild } from './child'

/** A command on a terminal of its own, to type into. */
export class Terminal {
  private shown = ''
  private readonly decoder = new StringDecoder('utf8')
  private hasEnded = false
  private onMore = (): void => undefined

  private constructor(private readonly child: RunningChild) {
    child.process.stdout?.on('data', (piece: Buffer) => {
      this.shown += this.decoder.write(piece)
      this.onMore()
    })
    void child.done.then(() => {
      this.hasEnded = true
      this.onMore()
    })
  }

  /** `command`: for sh. */
  static start(
    command: string,
    options: { cwd: string; env?: Readonly<Record<string, string>> },
  ): Terminal {
    const sized = `stty cols 200 rows 50 && exec ${command}`
    // From util-linux: makes a terminal, and passes on what is typed and what is shown.
    const script = ['script', '--quiet', '--return', '--flush', '--command', sized, '/dev/null']
    return new Terminal(startCommand(script, { ...options, input: null }))
  }

  type(keys: string): void {
    this.child.process.stdin?.write(keys)
  }

  /** Waits until this is shown, after what was waited for before; gives what matched. Rejects where the command ends first. */
  async until(expected: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = expected.exec(this.shown)
      if (found !== null) {
        this.shown = this.shown.slice(found.index + found[0].length)
        return found
      }
      if (this.hasEnded) throw new Error(`ended without ${String(expected)}: ${this.shown}`)
      await new Promise<void>((resolve) => (this.onMore = resolve))
    }
  }

  async end(): Promise<void> {
    this.child.kill()
    await this.child.done
  }
}
