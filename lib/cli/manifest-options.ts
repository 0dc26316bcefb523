import { Option, type Command } from 'commander'
import type { MergeOptions, ModifiedPolicy } from '../index'
import { manifestName } from '../manifest'
import { declareManifest } from './manifest-word'

/** What becomes of what earlier merges have put into dest, as commander gives it. */
export interface ManifestCliOptions {
  manifest?: true | string
  prune?: boolean
  modified?: ModifiedPolicy
  adopt?: boolean
}

/** Options of merge and plan, and but for --prune of sync, which always does so. */
export function addManifestOptions(command: Command, isSync: boolean): Command {
  declareManifest(
    command,
    `record what is put into dest, in this file within dest (default: ${manifestName})`,
  )
  if (!isSync) {
    command.option('--prune', 'remove what the manifest lists and no source provides any more')
  }
  return command
    .addOption(
      new Option(
        '--modified <policy>',
        'entries from an earlier merge that have been changed since (default: error)',
      )
        .choices(['error', 'keep', 'replace'])
        .default(undefined, 'error'),
    )
    .option('--adopt', 'treat identical files that were already in dest as part of their package')
}

/** Of remove and verify, which need a manifest. */
export function addManifestFileOption(command: Command): Command {
  return command.option(
    '--manifest <file>',
    `the manifest, a file within dest (default: ${manifestName})`,
  )
}

/** The options of the API. */
export function toManifestOptions(
  given: ManifestCliOptions,
): Pick<MergeOptions, keyof ManifestCliOptions> {
  const { manifest, prune, modified, adopt } = given
  const options: Pick<MergeOptions, keyof ManifestCliOptions> = {}
  if (manifest !== undefined) options.manifest = manifest
  if (prune !== undefined) options.prune = prune
  if (modified !== undefined) options.modified = modified
  if (adopt !== undefined) options.adopt = adopt
  return options
}
