import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import picomatch from 'picomatch'
import type { Source } from '../index'

/** Which entries of the sources are merged: globs, as commander gives them. */
export interface GlobOptions {
  exclude?: string[]
  include?: string[]
}

/**
 * Does a '/'-separated path match one of the globs? One without a slash is about the last name of the path, as in
 * .gitignore; names that begin with a dot are matched like others.
 */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  const byPath = picomatch(
    globs.filter((glob) => glob.includes('/')),
    { dot: true },
  )
  const byName = picomatch(
    globs.filter((glob) => !glob.includes('/')),
    { dot: true },
  )
  return (path) => byPath(path) || byName(path.slice(path.lastIndexOf('/') + 1))
}

/**
 * The sources without what --exclude names, and of other files only what --include names, if it is given. A directory
 * that --exclude names is left out with all that is in it, one in which --include finds nothing as well.
 */
export function selectEntries(
  sources: readonly Source[],
  { exclude, include }: GlobOptions,
): Source[] {
  if (exclude === undefined && include === undefined) return [...sources]
  const isExcluded = exclude === undefined ? () => false : matcher(exclude)
  const isIncluded = include && matcher(include)
  return sources.map((source) => {
    const filter = isIncluded
      ? holding(source, isExcluded, isIncluded)
      : (path: string) => !isExcluded(path)
    const { digest } = source
    if (digest === undefined) return { ...source, filter }
    // It stands for all of the source: what the globs leave of it is something else.
    return { ...source, filter, digest: JSON.stringify([digest, exclude, include]) }
  })
}

/** The library asks about a path without its kind: a directory is wanted where something in it is. */
function holding(
  { dir, files }: Source,
  isExcluded: (path: string) => boolean,
  isIncluded: (path: string) => boolean,
): (path: string) => boolean {
  if (dir === undefined) {
    const wanted = [...pathsOf(files)].filter((path) => isIncluded(path) && !isExcluded(path))
    const all = new Set(wanted.flatMap(withParents))
    return (path) => all.has(path) && !isExcluded(path)
  }
  const known = new Map<string, boolean>()
  const isWanted = (path: string): boolean => {
    if (isExcluded(path)) return false
    const found = known.get(path) ?? isWantedIn(path)
    known.set(path, found)
    return found
  }
  const isWantedIn = (path: string): boolean => {
    const place = join(dir, path)
    if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) return isIncluded(path)
    return readdirSync(place).some((name) => isWanted(`${path}/${name}`))
  }
  return isWanted
}

function pathsOf(files: Source['files']): Iterable<string> {
  return files instanceof Map ? files.keys() : Object.keys(files ?? {})
}

/** `a/b/c`: `a`, `a/b`, `a/b/c`. */
function withParents(path: string): string[] {
  const names = path.split('/')
  return names.map((_, index) => names.slice(0, index + 1).join('/'))
}
