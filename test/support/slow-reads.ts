import path from 'node:path'

import { runText } from './child'
import type { Failure } from './failure'

const library = path.resolve(__dirname, '../../lib/index')

/** How a call of the library in a child ended. */
export type SlowOutcome = { readonly result: unknown } | { readonly error: Failure }

/**
 * Calls the library in a child that stops for a while whenever it has looked at a file that it holds open, so that
 * whatever somebody does to that file again and again falls between two looks. `call`: JavaScript, with `lib` as the
 * library; its promise's value must be JSON.
 */
export async function slowly(file: string, call: string): Promise<SlowOutcome> {
  const calls = '?fstat,?fstat64,?newfstatat'
  const prefix = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', file]
  prefix.push('-e', `trace=${calls}`, '-e', `inject=${calls}:delay_exit=100000`)
  const text = `
    const lib = require(${JSON.stringify(library)})
    const tell = (outcome) => process.stdout.write(JSON.stringify(outcome))
    ;(${call}).then(
      (result = null) => tell({ result }),
      (error) => tell({ error: { ...error, message: error.message } }),
    )`
  // Sanitizers do not work under strace.
  const env = { LD_PRELOAD: undefined, REFLINK_MERGE_ADDON: undefined }
  const { code, stdout, stderr } = await runText(text, [], { prefix, env })
  if (code !== 0) throw new Error(`the child ended with ${String(code)}: ${stderr}`)
  return JSON.parse(stdout) as SlowOutcome
}
