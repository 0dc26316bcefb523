import type { Command } from 'commander'

/** One command of the command line; each has a file in commands/. */
export interface CliCommand {
  readonly name: string
  readonly description: string
  /** What follows `reflink-merge` on the command line, and what it does; shown by --help. */
  readonly examples: readonly (readonly [line: string, effect: string])[]
  /** Declares arguments and options. */
  readonly declare: (command: Command) => void
  /** Returns the exit code; what it throws is reported on stderr and decides the exit code. */
  readonly run: (command: Command, context: CliContext) => Promise<number>
}

/** What a command gets from outside. */
export interface CliContext extends CliStreams {
  /** Aborted by Ctrl-C, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal
  /** The result: a text for stdout, a newline is added. */
  readonly print: (text: string) => void
  /** Everything else: a line for stderr. */
  readonly tell: (text: string) => void
}

/** Like process.stdout, which knows these things if it is a terminal. */
export type CliStream = NodeJS.WritableStream & {
  isTTY?: boolean
  columns?: number
  rows?: number
  getColorDepth?: () => number
}

export interface CliStreams {
  readonly stdout: CliStream
  readonly stderr: CliStream
}
