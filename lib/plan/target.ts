import { promises as fs } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { errno, errnoOf } from '../errno'
import { SystemError } from '../errors'
import type { Directory, Host } from '../host/host'
import { nameProblem } from '../host/names'
import { openReal } from '../host/open-real'
import { MergeError } from '../merge-error'

/** Where the merge goes. */
export interface Target {
  /** Absolute path of dest; what leads to it is resolved, once. */
  readonly path: string
  /** Dest, or the nearest directory above it that exists. */
  readonly nearest: Directory
  /** The names from there to dest; none if dest exists. */
  readonly missing: readonly string[]
}

/** Finds dest. It, and what leads to it, may be symlinks; nothing below it will be followed. */
export async function openTarget(host: Host, dest: string): Promise<Target> {
  const missing: string[] = []
  for (let path = resolve(dest); ; path = dirname(path)) {
    const real = await realpath(path)
    if (real === undefined) {
      missing.unshift(basename(path))
      continue
    }
    refuseUnmakeable(host, dest, missing)
    const nearest = await openReal(host, real)
    return { path: join(real, missing.join(sep)), nearest, missing }
  }
}

/** What leads to dest and is there may have any name; what is to be made must be a name on every system. */
function refuseUnmakeable(host: Host, dest: string, missing: readonly string[]): void {
  for (const name of missing) {
    const problem = nameProblem(name, host.platform)
    if (problem === undefined) continue
    const message = `the path of dest contains a name that merges do not create: ${JSON.stringify(name)} (${problem}); create that directory first, or use another dest`
    throw new MergeError('ERR_MERGE_INVALID_PATH', message, {
      paths: [{ source: '', path: dest, reason: problem }],
    })
  }
}

/** undefined where there is nothing. */
async function realpath(path: string): Promise<string | undefined> {
  try {
    return await fs.realpath(path)
  } catch (error) {
    const number = errnoOf(error)
    if (number === undefined) throw error
    const link = number === errno.ENOENT ? await readlink(path) : undefined
    if (number === errno.ENOENT && link === undefined) return undefined
    // A symlink that leads nowhere is something: no directory can be made in its place.
    const hint =
      link === undefined
        ? realpathHints.get(number)
        : `It is a symlink to ${link}, which does not exist: create that directory, or remove the link`
    throw new SystemError(number, { syscall: 'realpath', path, hint })
  }
}

const realpathHints: ReadonlyMap<number, string> = new Map([
  [
    errno.ENOTDIR,
    'Something in the path of dest is not a directory: use another dest, or move it away',
  ],
  [errno.ELOOP, 'Symlinks in the path of dest form a loop: remove one of them'],
  [
    errno.ENAMETOOLONG,
    'The path of dest, or a name in it, is longer than its file system can hold: shorten it',
  ],
  [
    errno.EACCES,
    'This user may not search a directory on the way to dest: give it the permission, or take another dest',
  ],
])

/** undefined where there is nothing, or no symlink. */
async function readlink(path: string): Promise<string | undefined> {
  try {
    return await fs.readlink(path)
  } catch (error) {
    const number = errnoOf(error)
    if (number === errno.ENOENT || number === errno.EINVAL) return undefined
    if (number === undefined) throw error
    throw new SystemError(number, { syscall: 'readlink', path })
  }
}
