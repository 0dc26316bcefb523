import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ExistingPolicy, LinkMode, MergeOptions } from '../index'

/** How the result is told, as commander gives it. */
export interface OutputOptions {
  json?: boolean
  quiet?: boolean
}

/** The options of merge and plan, as commander gives them. */
export interface MergeCliOptions extends OutputOptions {
  linkMode?: LinkMode[]
  conflicts?: 'error' | 'first' | 'last' | 'exclusive'
  existing?: ExistingPolicy
  concurrency?: number
  durability?: 'none' | 'full'
}

const linkModes: readonly string[] = ['clone', 'hardlink', 'copy', 'symlink']

function parseLinkModes(text: string): LinkMode[] {
  const modes = text.split(',')
  const unknown = modes.find((mode) => !linkModes.includes(mode))
  if (unknown === undefined) return modes as LinkMode[]
  throw new InvalidArgumentError(`"${unknown}" is none of ${linkModes.join(', ')}.`)
}

export function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new InvalidArgumentError('It must be a whole number, 1 or more.')
}

/** Options of every command. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'print no progress and no summary')
}

/** Options that merge and plan share. */
export function addMergeOptions(command: Command): Command {
  command
    .addOption(
      new Option(
        '--link-mode <modes>',
        'how files are placed, tried in order: ' + linkModes.join(', '),
      )
        .argParser(parseLinkModes)
        .default(undefined, 'clone,copy'),
    )
    .addOption(
      new Option('--conflicts <policy>', 'two sources with different files for one path')
        .choices(['error', 'first', 'last', 'exclusive'])
        .default('error'),
    )
    .addOption(
      new Option('--existing <policy>', 'a different file that dest already holds')
        .choices(['error', 'keep', 'replace'])
        .default('error'),
    )
    .addOption(
      new Option('--durability <level>', 'full: on disk before the command ends').choices([
        'none',
        'full',
      ]),
    )
    .option('--concurrency <n>', 'batches of work in flight', parseCount)
  return addOutputOptions(command)
}

/** The options of the API. */
export function toMergeOptions(given: MergeCliOptions): MergeOptions {
  const options: MergeOptions = {}
  if (given.linkMode !== undefined) options.linkModes = given.linkMode
  if (given.conflicts !== undefined) options.conflicts = given.conflicts
  if (given.existing !== undefined) options.existing = given.existing
  if (given.concurrency !== undefined) options.concurrency = given.concurrency
  if (given.durability !== undefined) options.durability = given.durability
  return options
}
