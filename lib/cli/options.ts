import { InvalidArgumentError, Option, type Command } from 'commander'
import { matcher } from './globs'
import type { ExistingPolicy, LinkMode, MergeOptions, SpecialPolicy, SymlinkPolicy } from '../index'
import { addManifestOptions, toManifestOptions, type ManifestCliOptions } from './manifest-options'

/** How the result is printed, as commander gives it. */
export interface OutputOptions {
  json?: boolean
  quiet?: boolean
  verbose?: boolean
}

/** How dest is guarded and how fast it is changed, as commander gives it. */
export interface ChangeCliOptions extends OutputOptions {
  concurrency?: number
  durability: 'none' | 'full'
  /** false: --no-lock. */
  lock: boolean
  lockTimeout?: number
}

/** The options of merge, plan and sync, as commander gives them. */
export interface MergeCliOptions extends ChangeCliOptions, ManifestCliOptions {
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
}

const linkModes: readonly string[] = ['clone', 'hardlink', 'copy', 'symlink']

function parseLinkModes(text: string): LinkMode[] {
  const modes = text.split(',')
  const unknown = modes.find((mode) => !linkModes.includes(mode))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`"${unknown}" is not one of ${linkModes.join(', ')}.`)
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
      new Option('-q, --quiet', 'print neither progress nor a summary').conflicts([
        'json',
        'verbose',
      ]),
    )
}

/** `--verbose`, in addition to those of every command. */
export function addVerboseOutputOptions(command: Command): Command {
  return addOutputOptions(command).option(
    '--verbose',
    'print more: each source, each phase and every path',
  )
}

/** Options of every command that changes dest. */
export function addChangeOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--durability <level>', 'full: everything is on disk before the command ends')
        .choices(['none', 'full'])
        .default('none'),
    )
    .option(
      '--concurrency <n>',
      'batches of work in flight (default: depends on the machine)',
      parseCount,
    )
    .addOption(
      new Option('--lock-timeout <ms>', 'how long to wait for another merge (default: forever)')
        .argParser(parseMilliseconds)
        .conflicts('lock'),
    )
    .option('--no-lock', 'do not lock dest')
}

/** Options of merge and plan; `isSync`: those of sync. */
export function addMergeOptions(command: Command, isSync = false): Command {
  command
    .addOption(
      new Option(
        '--link-mode <modes>',
        'how files get into dest: one or more, comma-separated, tried in order',
      )
        .choices(linkModes)
        // A list of these, not just one.
        .argParser(parseLinkModes)
        .default(['clone', 'copy'], 'clone,copy'),
    )
    .addOption(
      new Option('--conflicts <policy>', 'two sources have different files at one path')
        .choices(['error', 'first', 'last', 'exclusive'])
        .default('error'),
    )
    .addOption(
      new Option('--existing <policy>', 'dest already has a different file')
        .choices(['error', 'keep', 'replace'])
        .default('error'),
    )
  addManifestOptions(command, isSync)
    .addOption(
      new Option(
        '--symlinks <policy>',
        'in sources: keep those that stay inside dest, keep all, or refuse all',
      )
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
        'files that will be edited, so never links into the store; matches paths in dest',
      ).argParser((glob: string, globs: string[] | undefined) => [...(globs ?? []), glob]),
    )
    .option('--writable', 'make files writable by their owner')
    .option('--preserve-timestamps', 'keep the timestamps of files, directories and symlinks')
    .option('--no-directory-clone', 'macOS: clone file by file, not whole directories')
    .addOption(
      new Option('--quarantine <policy>', 'macOS: the quarantine attribute of cloned files')
        .choices(['keep', 'drop'])
        .default(undefined, 'keep'),
    )
  return addVerboseOutputOptions(addChangeOptions(command))
}

/** Those of the API for every command that changes dest. */
export function toChangeOptions(
  given: ChangeCliOptions,
): Pick<MergeOptions, 'durability' | 'concurrency' | 'lock'> {
  const { durability, concurrency, lock, lockTimeout } = given
  const options: Pick<MergeOptions, 'durability' | 'concurrency' | 'lock'> = { durability }
  if (concurrency !== undefined) options.concurrency = concurrency
  if (!lock) options.lock = false
  else if (lockTimeout !== undefined) options.lock = { timeout: lockTimeout }
  return options
}

/** The options of the API. */
export function toMergeOptions(given: MergeCliOptions): MergeOptions {
  const { linkMode, conflicts, existing, symlinks, specials, mutable, writable } = given
  const { preserveTimestamps, directoryClone, quarantine } = given
  const options: MergeOptions = {
    ...{ linkModes: linkMode, conflicts, existing, symlinks, specials },
    ...toChangeOptions(given),
    ...toManifestOptions(given),
  }
  if (mutable !== undefined) options.mutable = matcher(mutable)
  if (writable !== undefined) options.writable = writable
  if (preserveTimestamps !== undefined) options.preserveTimestamps = preserveTimestamps
  if (!directoryClone) options.directoryClone = false
  if (quarantine !== undefined) options.quarantine = quarantine
  return options
}
