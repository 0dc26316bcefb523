import { sep } from 'node:path'
import { listSome } from './errors'
import { MergeError, type SourcePath } from './merge-error'
import type { GivenSource } from './scan/given'
import { realPath, type StoreDirectories } from './scan/store-directories'

/** Why a source that lies in dest is refused. */
export const insideDest = 'is inside dest'

/**
 * A source in dest, or dest in a source: the merge would read what it writes. Throws and names them all.
 * Directories are compared as they really are, symlinks resolved.
 */
export function refuseIntoSelf(
  sources: readonly GivenSource[],
  dest: string,
  stores: StoreDirectories,
): void {
  const paths: SourcePath[] = []
  const stored = stores.find((real) => isWithin(real, dest))
  for (const { name, dir, files } of sources) {
    const reason = dir === undefined ? undefined : reasonOf(dir, dest)
    if (dir !== undefined && reason !== undefined) paths.push({ source: name, path: dir, reason })
    if (files === undefined || stored.size === 0) continue
    const { directories, directoryOf } = files
    for (const number of new Set(directoryOf)) {
      const directory = directories[number]
      if (directory !== undefined && stored.has(directory)) {
        paths.push({ source: name, path: directory, reason: insideDest })
      }
    }
  }
  if (paths.length === 0) return
  const lines = paths.map(({ source, path, reason }) => `${source}: ${path} (${reason})`)
  const message = `dest ${dest} and a source overlap:${listSome(lines)}`
  throw new MergeError('ERR_MERGE_INTO_SELF', message, { paths })
}

/** Undefined where neither lies in the other. */
function reasonOf(dir: string, dest: string): string | undefined {
  if (dir === dest) return 'is dest'
  if (isWithin(dest, dir)) return 'dest lies in it'
  return isWithin(dir, dest) ? insideDest : undefined
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
