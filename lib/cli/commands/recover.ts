import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { errno } from '../../errno'
import { recover, SystemError, type RecoverResult } from '../../index'
import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { toJson } from '../json'
import { messageOf } from '../message'
import { addOutputOptions, type OutputOptions } from '../options'
import { describeRecovery } from '../text'

export const recoverCommand: CliCommand = {
  name: 'recover',
  description: 'undo what killed merges left behind in dest',
  examples: [
    ['recover project/vendor', 'puts project/vendor back to what it was before the killed merge'],
  ],

  declare(command) {
    addOutputOptions(command.argument('<dest>', 'the dest of the killed merge'))
  },

  async run(command, { print, tell }) {
    const [dest] = command.processedArgs as [string]
    const { json, quiet }: OutputOptions = command.opts()
    const result = await recover(dest)
    if (isNothing(result) && !existsSync(dest)) throw noDest(dest)
    if (json === true) print(toJson(result))
    else if (quiet !== true) print(describeRecovery(result, dest))
    for (const { path, error } of result.left) {
      tell(`reflink-merge: ${path} was left as it is: ${messageOf(error)}`)
    }
    return result.left.length > 0 ? ExitCode.Failed : ExitCode.Done
  },
}

/** Where dest was missing, a killed merge into it has left something above it, or nothing at all. */
function isNothing({ undone, removed, running, left }: RecoverResult): boolean {
  return undone + removed + running + left.length === 0
}

/** Most likely a wrong path: programs call recover() for a dest that may not be there, people do not. */
function noDest(dest: string): SystemError {
  const hint = 'Nothing is there, and no merge has left anything behind: check the spelling'
  return new SystemError(errno.ENOENT, { syscall: 'open', path: resolve(dest), hint, side: 'dest' })
}
