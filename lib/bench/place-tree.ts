import { copyFile, cp, mkdir, readdir, readlink, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { merge } from '../index'
import { runLimited } from '../concurrency'
import type { Method } from './result'

/** A tree to be placed where nothing is yet. */
export interface TreeJob {
  readonly work: 'tree'
  readonly method: Method
  readonly from: string
  readonly to: string
  /** null: what the method does by default. */
  readonly workers: number | null
}

// As many as libuv's pool has threads by default: what people do with fs.copyFile.
const copiesAtOnce = 4

export async function placeTree({ method, from, to, workers }: TreeJob): Promise<void> {
  switch (method) {
    case 'clone':
    case 'hardlink':
    case 'copy':
      // Alone in the list: where it cannot be done, that is to be reported, and nothing else measured in its place.
      await merge([{ name: 'tree', dir: from }], to, {
        linkModes: [method],
        symlinks: 'verbatim',
        ...(workers === null ? {} : { concurrency: workers }),
      })
      return
    case 'fs.cp':
      await cp(from, to, { recursive: true, verbatimSymlinks: true })
      return
    case 'fs.copyFile':
      await copyFiles(from, to, workers ?? copiesAtOnce)
  }
}

async function copyFiles(from: string, to: string, workers: number): Promise<void> {
  await mkdir(to)
  const entries = await readdir(from, { withFileTypes: true, recursive: true })
  const pathIn = (entry: (typeof entries)[number]): string =>
    relative(from, join(entry.parentPath, entry.name))
  const directories = entries.filter((entry) => entry.isDirectory()).map(pathIn)
  for (const path of directories.sort()) await mkdir(join(to, path))
  const rest = entries.filter((entry) => !entry.isDirectory()).values()
  await runLimited(workers, undefined, () => {
    const { done, value } = rest.next()
    if (done === true) return undefined
    const path = pathIn(value)
    return value.isSymbolicLink()
      ? copyLink(join(from, path), join(to, path))
      : copyFile(join(from, path), join(to, path))
  })
}

async function copyLink(from: string, to: string): Promise<void> {
  await symlink(await readlink(from), to)
}
