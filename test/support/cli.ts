import path from 'node:path'
import { PassThrough } from 'node:stream'

import { run } from '../../lib/cli/run'
import { runNode } from './child'
import type { ChildOptions, ChildResult } from './child'

/** What a process of its own is started with. */
export const main = path.join(__dirname, '..', '..', 'lib', 'cli', 'main.ts')

export interface CliResult {
  code: number
  stdout: string
  stderr: string
}

/** The command line within this process, which takes no second to start; with no terminal. */
export async function cli(...args: readonly string[]): Promise<CliResult> {
  return cliIn(process.cwd(), ...args)
}

/** The same, started in a directory of choice. */
export async function cliIn(cwd: string, ...args: readonly string[]): Promise<CliResult> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const before = process.cwd()
  process.chdir(cwd)
  try {
    const code = await run(['node', 'reflink-merge', ...args], streams)
    return { code, stdout: said(streams.stdout), stderr: said(streams.stderr) }
  } finally {
    process.chdir(before)
  }
}

/** All that was written to it: one read() gives it all up to Node 24, and one piece of it in Node 26. */
function said(stream: PassThrough): string {
  const pieces: Buffer[] = []
  for (let piece; (piece = stream.read() as Buffer | null) !== null;) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** The command line as a process of its own: for signals, pipes and terminals. */
export function cliProcess(args: readonly string[], options?: ChildOptions): Promise<ChildResult> {
  return runNode([main, ...args], options)
}
