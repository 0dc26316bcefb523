import { promises as fs } from 'node:fs'
import { dirname, sep } from 'node:path'
import { listSome, MergeError } from './errors'
import type { Source } from './types'

/**
 * A source in dest, or dest in a source: the merge would read what it writes. Throws and names them all.
 * Directories are compared as they really are, symlinks resolved.
 */
export async function refuseIntoSelf(sources: readonly Source[], dest: string): Promise<void> {
  const paths: string[] = []
  for (const { name, dir, files } of sources) {
    if (dir !== undefined && (isWithin(dir, dest) || isWithin(dest, dir))) {
      paths.push(`${name}: ${dir}`)
    }
    const directories = new Set([...(files?.values() ?? [])].map((file) => dirname(file)))
    for (const directory of directories) {
      if (isWithin(await real(directory), dest)) paths.push(`${name}: ${directory}`)
    }
  }
  if (paths.length === 0) return
  const message = `dest ${dest} and a source lie within each other:${listSome(paths)}`
  throw new MergeError('ERR_MERGE_INTO_SELF', message, { paths })
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

/** A path with its symlinks resolved; one that does not exist is left for the scan to report. */
async function real(path: string): Promise<string> {
  return fs.realpath(path).catch(() => path)
}

/** The sources with their directories resolved. */
export function resolveSources(sources: readonly Source[]): Promise<Source[]> {
  return Promise.all(
    sources.map(async (source) =>
      source.dir === undefined ? source : { ...source, dir: await real(source.dir) },
    ),
  )
}
