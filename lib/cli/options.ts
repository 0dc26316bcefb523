import { InvalidArgumentError, Option, type Command } from 'commander'
import { matcher } from './globs'
import type { ExistingPolicy, LinkMode, MergeOptions, SpecialPolicy, SymlinkPolicy } from '../index'

/** How the result is told, as commander gives it. */
export interface OutputOptions {
  json?: boolean
  quiet?: boolean
  verbose?: boolean
}

/** The options of merge and plan, as commander gives them. */
export interface MergeCliOptions extends OutputOptions {
  linkMode: LinkMode[]
  conflicts: 'error' | 'first' | 'last' | 'exclusive'
  existing: ExistingPolicy
  symlinks: SymlinkPolicy
  specials: SpecialPolicy
  mutable?: string[]
  writable?: boolean
  preserveTimestamps?: boolean
  /** false: --no-directory-clone. */
  directoryClone: boolean
  quarantine?: 'keep' | 'drop'
  concurrency?: number
  durability: 'none' | 'full'
  /** false: --no-lock. */
  lock: boolean
  lockTimeout?: number
}

const linkModes: readonly string[] = ['clone', 'hardlink', 'copy', 'symlink']

function parseLinkModes(text: string): LinkMode[] {
  const modes = text.split(',')
  const unknown = modes.find((mode) => !linkModes.includes(mode))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`"${unknown}" is none of ${linkModes.join(', ')}.`)
  }
  if (new Set(modes).size < modes.length) throw new InvalidArgumentError('Name each mode once.')
  return modes as LinkMode[]
}

export function parseCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count
  throw new InvalidArgumentError('It must be a whole number, 1 or more.')
}

function parseMilliseconds(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count
  throw new InvalidArgumentError('It must be a number of milliseconds, 0 or more.')
}

/** Options of every command that prints a result. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print the result as JSON')
    .addOption(
      new Option('-q, --quiet', 'print no progress and no summary').conflicts(['json', 'verbose']),
    )
}

/** Options that merge and plan share. */
export function addMergeOptions(command: Command): Command {
  command
    .addOption(
      new Option(
        '--link-mode <modes>',
        'how files are placed: one or more, with commas, tried in order',
      )
        .choices(linkModes)
        // Not one of these, but a list of them.
        .argParser(parseLinkModes)
        .default(['clone', 'copy'], 'clone,copy'),
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
      new Option('--symlinks <policy>', 'in sources: those that stay inside dest, all, or none')
        .choices(['contained', 'verbatim', 'reject'])
        .default('contained'),
    )
    .addOption(
      new Option('--specials <policy>', 'fifos, sockets and devices in sources')
        .choices(['error', 'skip'])
        .default('error'),
    )
    .addOption(
      new Option(
        '--mutable <glob>',
        'files that will be edited: never links into the store; paths are within dest',
      ).argParser((glob: string, globs: string[] | undefined) => [...(globs ?? []), glob]),
    )
    .option('--writable', 'make files writable by their owner')
    .option('--preserve-timestamps', 'keep the times of files, directories and symlinks')
    .option('--no-directory-clone', 'macOS: clone file by file')
    .addOption(
      new Option('--quarantine <policy>', 'macOS: the mark of downloads on cloned files')
        .choices(['keep', 'drop'])
        .default(undefined, 'keep'),
    )
    .addOption(
      new Option('--durability <level>', 'full: on disk before the command ends')
        .choices(['none', 'full'])
        .default('none'),
    )
    .option(
      '--concurrency <n>',
      'batches of work in flight (default: fits the machine)',
      parseCount,
    )
    .addOption(
      new Option('--lock-timeout <ms>', 'how long to wait for another merge (default: without end)')
        .argParser(parseMilliseconds)
        .conflicts('lock'),
    )
    .option('--no-lock', 'do not lock dest')
  return addOutputOptions(command).option(
    '--verbose',
    'print more: each source, each phase, every conflict',
  )
}

/** The options of the API. */
export function toMergeOptions(given: MergeCliOptions): MergeOptions {
  const { linkMode, conflicts, existing, symlinks, specials, mutable, writable } = given
  const {
    preserveTimestamps,
    directoryClone,
    quarantine,
    durability,
    concurrency,
    lock,
    lockTimeout,
  } = given
  const options: MergeOptions = {
    ...{ linkModes: linkMode, conflicts, existing, symlinks, specials, durability },
  }
  if (mutable !== undefined) options.mutable = matcher(mutable)
  if (writable !== undefined) options.writable = writable
  if (preserveTimestamps !== undefined) options.preserveTimestamps = preserveTimestamps
  if (!directoryClone) options.directoryClone = false
  if (quarantine !== undefined) options.quarantine = quarantine
  if (concurrency !== undefined) options.concurrency = concurrency
  if (!lock) options.lock = false
  else if (lockTimeout !== undefined) options.lock = { timeout: lockTimeout }
  return options
}
