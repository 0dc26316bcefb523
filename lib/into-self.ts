import { sep } from 'node:path'
import { listSome, MergeError } from './errors'
import type { GivenSource } from './scan/given'
import { realPath, type StoreDirectories } from './scan/store-directories'

/**
 * A source in dest, or dest in a source: the merge would read what it writes. Throws and names them all.
 * Directories are compared as they really are, symlinks resolved.
 */
export function refuseIntoSelf(
  sources: readonly GivenSource[],
  dest: string,
  stores: StoreDirectories,
): void {
  const paths: string[] = []
  const stored = stores.find((real) => isWithin(real, dest))
  for (const { name, dir, files } of sources) {
    if (dir !== undefined && (isWithin(dir, dest) || isWithin(dest, dir))) {
      paths.push(`${name}: ${dir}`)
    }
    if (files === undefined || stored.size === 0) continue
    const { directories, directoryOf } = files
    for (const number of new Set(directoryOf)) {
      const directory = directories[number]
      if (directory !== undefined && stored.has(directory)) paths.push(`${name}: ${directory}`)
    }
  }
  if (paths.length === 0) return
  const message = `dest ${dest} and a source lie within each other:${listSome(paths)}`
  throw new MergeError('ERR_MERGE_INTO_SELF', message, { paths })
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

/** The sources with their directories resolved. */
export function resolveSources(sources: readonly GivenSource[]): Promise<GivenSource[]> {
  return Promise.all(
    sources.map(async (source) =>
      source.dir === undefined ? source : { ...source, dir: await realPath(source.dir) },
    ),
  )
}
