import type { MergeOptions } from '../index'

/** What a message of the library may name. */
type Named = Exclude<keyof MergeOptions, 'signal' | 'onProgress'> | 'lock.timeout' | 'filter'

/** The same on the command line. */
const flags: Readonly<Record<Named, string>> = {
  linkModes: '--link-mode',
  conflicts: '--conflicts',
  existing: '--existing',
  manifest: '--manifest',
  prune: '--prune',
  modified: '--modified',
  adopt: '--adopt',
  symlinks: '--symlinks',
  specials: '--specials',
  mutable: '--mutable',
  filter: '--exclude',
  writable: '--writable',
  preserveTimestamps: '--preserve-timestamps',
  directoryClone: '--no-directory-clone',
  quarantine: '--quarantine',
  concurrency: '--concurrency',
  durability: '--durability',
  lock: '--no-lock',
  'lock.timeout': '--lock-timeout',
}

/** What the command line cannot be given, or is given in another way. */
const phrases: readonly (readonly [api: RegExp, cli: string])[] = [
  [
    /, ('exclusive' excludes the losers from the whole directory), or pass a function\./,
    ', and $1.',
  ],
  [/^sources\[\d+\]\.name (".*") is not unique$/, 'the source $1 is given twice'],
]

function flagOf(name: string): string | undefined {
  return Object.hasOwn(flags, name) ? flags[name as Named] : undefined
}

/**
 * A message of the library with its options as the command line has them: `` `existing: 'replace'` `` is --existing replace. The
 * library names them in backticks, or as `options.existing` where that is what the message is about; all else, such as paths,
 * stays as it is.
 */
export function inFlags(message: string): string {
  const flagged = message
    .replace(/^options\.([\w.]+)|(?<= requires )options\.(\w+)$/g, (whole, ...names: string[]) => {
      return flagOf(names[0] ?? names[1] ?? '') ?? whole
    })
    .replace(
      /(?:(?:the|The) option )?`([\w.]+)(?:: '([\w-]+)')?`/g,
      (whole, name: string, value: string | undefined) => {
        const flag = flagOf(name)
        return flag === undefined ? whole : [flag, value ?? []].flat().join(' ')
      },
    )
  return phrases.reduce((text, [api, cli]) => text.replace(api, cli), flagged)
}
