import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ExistingPolicy, LinkMode, MergeOptions, Source } from '../index'

/** The options as commander gives them. */
export interface CliOptions {
  linkMode?: LinkMode[]
  conflicts?: 'error' | 'first' | 'last' | 'exclusive'
  existing?: ExistingPolicy
  concurrency?: number
  durability?: 'none' | 'full'
  json?: boolean
  quiet?: boolean
}

const linkModes: readonly string[] = ['clone', 'hardlink', 'copy', 'symlink']

function parseLinkModes(text: string): LinkMode[] {
  const modes = text.split(',')
  const unknown = modes.find((mode) => !linkModes.includes(mode))
  if (unknown === undefined) return modes as LinkMode[]
  throw new InvalidArgumentError(`"${unknown}" is none of ${linkModes.join(', ')}.`)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new InvalidArgumentError('It must be a whole number, 1 or more.')
}

/** Options that merge and plan share. */
export function addMergeOptions(command: Command): Command {
  return command
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
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'print no progress and no summary')
}

/** The options of the API. */
export function toMergeOptions(given: CliOptions): MergeOptions {
  const options: MergeOptions = {}
  if (given.linkMode !== undefined) options.linkModes = given.linkMode
  if (given.conflicts !== undefined) options.conflicts = given.conflicts
  if (given.existing !== undefined) options.existing = given.existing
  if (given.concurrency !== undefined) options.concurrency = given.concurrency
  if (given.durability !== undefined) options.durability = given.durability
  return options
}

/** The last path is dest, the others are sources, named as they were given. */
export function splitPaths(paths: readonly string[]): { sources: Source[]; dest: string } {
  const dest = paths.at(-1) ?? ''
  return { sources: paths.slice(0, -1).map((dir) => ({ name: dir, dir })), dest }
}
