import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** What a tree holds. */
export interface TreeCount {
  readonly files: number
  /** Without the root. */
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  /** Path of the file with the most bytes, relative; null: there is none. */
  readonly biggest: string | null
}

export async function countTree(dir: string): Promise<TreeCount> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  let bytes = 0
  let biggest: { path: string; size: number } | null = null
  const pathOf = (entry: Dirent): string => join(entry.parentPath, entry.name)
  for (const path of entries.filter((entry) => entry.isFile()).map(pathOf)) {
    const { size } = await lstat(path)
    bytes += size
    if (biggest === null || size > biggest.size) biggest = { path, size }
  }
  const count = (is: (entry: Dirent) => boolean): number => entries.filter(is).length
  return {
    files: count((entry) => entry.isFile()),
    directories: count((entry) => entry.isDirectory()),
    symlinks: count((entry) => entry.isSymbolicLink()),
    bytes,
    biggest: biggest === null ? null : relative(dir, biggest.path),
  }
}
