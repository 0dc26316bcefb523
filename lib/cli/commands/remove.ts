import { defaultHost } from '../../host'
import { remove, type RemoveOptions } from '../../index'
import { planRemoveOn } from '../../remove'
import { addDryRunOption } from '../carry-out'
import type { CliCommand } from '../command'
import { ExitCode } from '../exit-codes'
import { toJson } from '../json'
import { describeRemoval, describeRemovePlan } from '../lifecycle-text'
import { addManifestFileOption } from '../manifest-options'
import { mostPaths } from '../print-plan'
import {
  addChangeOptions,
  addVerboseOutputOptions,
  toChangeOptions,
  type ChangeCliOptions,
} from '../options'
import { findSources, type FoundNames } from '../source-names'

interface RemoveCliOptions extends ChangeCliOptions {
  manifest?: string
  dryRun?: boolean
  list?: boolean
}

export const removeCommand: CliCommand = {
  name: 'remove',
  description: 'remove sources that an earlier sync put into dest',
  examples: [
    [
      'remove project/node_modules store/left',
      'removes a source by its name, as `verify --verbose` lists it',
    ],
    ['remove project/node_modules left @acme/core', 'removes sources by their paths in dest'],
  ],

  declare(command) {
    addManifestFileOption(
      command
        .argument('<dest>', 'a directory filled by sync or merge --manifest')
        .argument('<name...>', 'names of sources, or their paths in dest'),
    )
    addDryRunOption(addVerboseOutputOptions(addChangeOptions(command)))
  },

  async run(command, context) {
    const [dest, words] = command.processedArgs as [string, string[]]
    const given: RemoveCliOptions = command.opts()
    const found = await findSources(dest, given.manifest, words)
    for (const word of found.unknown) context.tell(unknownText(word, found))
    const options: RemoveOptions = { ...toChangeOptions(given), signal: context.signal }
    if (given.manifest !== undefined) options.manifest = given.manifest
    if (given.dryRun === true) {
      const plan = await planRemoveOn(defaultHost, dest, found.names, options)
      const most = mostPaths(given, context)
      if (given.json === true) context.print(toJson(plan))
      else if (given.quiet !== true) context.print(describeRemovePlan(plan, dest, given, most))
      return ExitCode.Done
    }
    const result = await remove(dest, found.names, options)
    if (given.json === true) context.print(toJson(result))
    else if (given.quiet !== true) context.print(describeRemoval(result, dest, given))
    return ExitCode.Done
  },
}

const shownNames = 10

/** A name that was removed before is no error, one that was misspelt looks the same. */
function unknownText(word: string, { known }: FoundNames): string {
  const more = known.length - shownNames
  const shown = known.slice(0, shownNames).join(', ')
  const list = more > 0 ? `${shown} … and ${String(more)} more` : shown
  const all = known.length === 0 ? 'it lists no sources' : `it lists ${list}`
  return `reflink-merge: the manifest has no source named "${word}", and not exactly one at that path; ${all}`
}
