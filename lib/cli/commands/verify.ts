import { verify, type VerifyOptions } from '../../index'
import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { toJson } from '../json'
import { describeVerification } from '../lifecycle-text'
import { addManifestFileOption } from '../manifest-options'
import { addVerboseOutputOptions, type OutputOptions } from '../options'

interface VerifyCliOptions extends OutputOptions {
  manifest?: string
  bytes?: boolean
  foreign?: boolean
}

export const verifyCommand: CliCommand = {
  name: 'verify',
  description: 'compare dest with its manifest; exits with 1 if anything differs',
  examples: [
    ['verify project/node_modules', 'lists what has changed since the last sync'],
    ['verify project/node_modules --foreign', 'also lists what no sync put there'],
    ['verify project/node_modules --bytes', 'compares every file with its source'],
  ],

  declare(command) {
    addManifestFileOption(
      command.argument('<dest>', 'a directory filled by sync or merge --manifest'),
    )
      .option(
        '--bytes',
        'compare every file with its source, even where inode and times are as recorded',
      )
      .option('--foreign', 'list what is in directories made by merges but not in the manifest')
    addVerboseOutputOptions(command)
  },

  async run(command, { print, signal }) {
    const [dest] = command.processedArgs as [string]
    const given: VerifyCliOptions = command.opts()
    const { manifest, bytes = false, foreign = false } = given
    const options: VerifyOptions = { bytes, foreign, signal }
    if (manifest !== undefined) options.manifest = manifest
    const result = await verify(dest, options)
    if (given.json === true) print(toJson(result))
    else if (given.quiet !== true) print(describeVerification(result, dest, given))
    return result.modified.length > 0 ? ExitCode.Differs : ExitCode.Done
  },
}
