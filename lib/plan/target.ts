import { promises as fs } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { errno, errnoOf } from '../errno'
import { SystemError } from '../errors'
import type { Directory, Host } from '../host/host'
import { openReal } from '../host/open-real'

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
    const nearest = await openReal(host, real)
    return { path: join(real, missing.join(sep)), nearest, missing }
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
    const hint = link === undefined ? undefined : `It is a symlink to ${link}, which does not exist`
    throw new SystemError(number, { syscall: 'realpath', path, hint })
  }
}

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
