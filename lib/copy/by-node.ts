import { constants, promises as fs } from 'node:fs'
import type { CpOptions } from '../types'

/** Throws what fs.promises.cp throws for such arguments: it checks them before it asks its filter, which says no. */
export async function checkArguments(
  src: string | URL,
  dest: string | URL,
  options: CpOptions | undefined,
): Promise<void> {
  const no = (): boolean => false
  // What is not an object has no filter, and is refused.
  const isRead = options === undefined || (isObject(options) && isFilter(options.filter))
  await fs.cp(src, dest, isRead ? { ...options, filter: no } : options)
}

/** Copies what is not a directory: that is one clone, without a tree to merge. */
export async function copyOne(src: string, dest: string, options: CpOptions): Promise<void> {
  const mode = (options.mode ?? 0) | constants.COPYFILE_FICLONE
  await fs.cp(src, dest, { ...options, mode, filter: () => true })
}

/**
 * Throws what fs.promises.cp throws for these two entries, which both exist. Nothing is changed: what a directory holds is left
 * out, and nothing is overwritten. Not for two symlinks, of which Node always replaces the second.
 */
export async function throwAsNode(src: string, dest: string, options: CpOptions): Promise<void> {
  let isFirst = true
  const filter = (): boolean => {
    const isTop = isFirst
    isFirst = false
    return isTop
  }
  const harmless = { force: false, preserveTimestamps: false, filter }
  await fs.cp(src, dest, { ...options, ...harmless, errorOnExist: mustBeNew(options) })
}

/** Is it an error that a file exists? */
export function mustBeNew({ force = true, errorOnExist = false }: CpOptions): boolean {
  return errorOnExist && !force
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isFilter(value: unknown): boolean {
  return value === undefined || typeof value === 'function'
}
