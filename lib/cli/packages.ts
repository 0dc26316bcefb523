import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Source } from '../index'
import { UsageError } from './usage-error'

/**
 * A source for each package in a directory that is laid out as node_modules is: its subdirectories, and those of its
 * scopes (`@scope/name`). Each goes to its own name in dest. Names that begin with a dot (`.bin`, `.cache`) are no packages.
 */
export function readPackages(dir: string): Source[] {
  const names = subdirectories(dir).flatMap((name) =>
    name.startsWith('@') ? subdirectories(join(dir, name)).map((own) => `${name}/${own}`) : [name],
  )
  if (names.length === 0) throw new UsageError(`there are no packages in ${dir}`)
  return names.map((name) => ({ name: join(dir, name), dir: join(dir, name), to: name }))
}

/** Sorted; a symlink to a directory counts as one. */
function subdirectories(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => !name.startsWith('.') && isDirectory(join(dir, name)))
    .sort()
}

/** False for a symlink that leads nowhere. */
function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
