import { Argument, Option, type Command } from 'commander'
import type { Source } from '../index'
import { selectEntries, type GlobOptions } from './globs'
import { takeManifestFile } from './manifest-word'
import { readSourcesFile } from './sources-file'
import { readPackages } from './packages'

/** Where the sources are, as commander gives it. */
interface SourceOptions extends GlobOptions {
  packages?: string[]
  sources?: string[]
}

// A list of arguments is always the last one to commander, so that it is told of one list alone.
const shownArguments = [
  { name: '[source...]', text: 'a directory, as path or path:to (its place in dest)' },
  { name: '<dest>', text: 'the directory to merge into; it need not be there' },
]

/** Sources, then dest: the arguments of merge, plan and sync. */
export function declareSources(command: Command): Command {
  const collect = (value: string, values: string[] | undefined): string[] => [
    ...(values ?? []),
    value,
  ]
  return command
    .usage(`[options] ${shownArguments.map(({ name }) => name).join(' ')}`)
    .argument('[path...]')
    .configureHelp({
      visibleArguments: () => shownArguments.map(({ name, text }) => new Argument(name, text)),
    })
    .addOption(
      new Option(
        '--packages <dir>',
        'each subdirectory is a package, with its name as its place; @scope/name is understood',
      ).argParser(collect),
    )
    .addOption(
      new Option('--sources <file>', 'sources from a JSON array; - is stdin').argParser(collect),
    )
    .addOption(
      new Option(
        '--exclude <glob>',
        'leave out what matches, and everything under it; paths are within a package',
      ).argParser(collect),
    )
    .addOption(
      new Option('--include <glob>', 'of files and symlinks, merge only what matches').argParser(
        collect,
      ),
    )
}

/** In their order: --packages, --sources, then those that are named one by one. */
export function readSources(command: Command): { sources: Source[]; dest: string } {
  const [words] = command.processedArgs as [string[]]
  const paths = takeManifestFile(command, words)
  const { packages = [], sources: files = [], ...globs }: SourceOptions = command.opts()
  const dest = paths.at(-1)
  if (dest === undefined) return command.error("error: missing required argument 'dest'")
  const sources = [
    ...packages.flatMap(readPackages),
    ...files.flatMap(readSourcesFile),
    ...paths.slice(0, -1).map(readSource),
  ]
  // The array in a file may be empty, as a list that a program wrote may be.
  if (sources.length === 0 && files.length === 0) {
    command.error('error: there must be a source and a dest')
  }
  return { sources: selectEntries(sources, globs), dest }
}

/** `path` or `path:to`, split at the last colon; one that has a colon itself takes one at its end: `a:b:`. */
function readSource(text: string): Source {
  const colon = text.lastIndexOf(':')
  const isDrive = process.platform === 'win32' && colon === 1
  if (colon < 0 || isDrive) return { name: text, dir: text }
  const dir = text.slice(0, colon)
  const to = text.slice(colon + 1)
  return to === '' ? { name: text, dir } : { name: text, dir, to }
}
