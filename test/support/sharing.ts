import path from 'node:path'

import { extentsOf } from './extents'
import type { FileExtents } from './extents'
import { snapshot } from './snapshot'

/**
 * `shared`: every byte of both lies in the same place. `partly`: some do. `separate`: none does.
 * `inline`: both lie in the metadata, as small files do on Btrfs, where nothing can be shared. `empty`: no data.
 */
export type Sharing = 'shared' | 'partly' | 'separate' | 'inline' | 'empty'

/** How the two files of each pair share their data. A hard link shares with itself: compare inodes for that. */
export async function sharingOf(pairs: readonly (readonly [string, string])[]): Promise<Sharing[]> {
  const files = await extentsOf(pairs.flat())
  return pairs.map((_, index) => {
    const [a, b] = [files[2 * index], files[2 * index + 1]]
    if (!a || !b) throw new Error('extents are missing')
    return compared(a, b)
  })
}

/** The same for every regular file of `source`, which `dest` must have too: the paths of each kind, sorted. */
export async function sharingOfTrees(
  source: string,
  dest: string,
): Promise<Record<Sharing, string[]>> {
  const files = snapshot(source, { contents: false }).filter(({ type }) => type === 'file')
  const paths = files.map((file) => file.path)
  const kinds = await sharingOf(
    paths.map((name) => [path.join(source, name), path.join(dest, name)] as const),
  )
  const result: Record<Sharing, string[]> = {
    shared: [],
    partly: [],
    separate: [],
    inline: [],
    empty: [],
  }
  kinds.forEach((kind, index) => result[kind].push(paths[index] ?? ''))
  return result
}

function compared(a: FileExtents, b: FileExtents): Sharing {
  if (a.extents.length === 0 && b.extents.length === 0) return 'empty'
  if (isInline(a) && isInline(b)) return 'inline'
  if (a.fileSystem !== b.fileSystem) return 'separate'
  const bytes = sharedBytesOf(a, b)
  if (bytes === 0) return 'separate'
  return bytes === dataOf(a) && bytes === dataOf(b) ? 'shared' : 'partly'
}

function isInline(file: FileExtents): boolean {
  return file.extents.length > 0 && file.extents.every(({ inline }) => inline)
}

function dataOf(file: FileExtents): number {
  return file.extents.reduce((sum, { length }) => sum + length, 0)
}

/** Bytes that lie at the same offset of both files and in the same place of the disk. */
function sharedBytesOf(a: FileExtents, b: FileExtents): number {
  let bytes = 0
  let [i, j] = [0, 0]
  for (;;) {
    const [x, y] = [a.extents[i], b.extents[j]]
    if (!x || !y) return bytes
    const [endOfX, endOfY] = [x.logical + x.length, y.logical + y.length]
    const overlap = Math.min(endOfX, endOfY) - Math.max(x.logical, y.logical)
    const samePlace =
      x.physical !== null &&
      y.physical !== null &&
      x.physical - x.logical === y.physical - y.logical
    if (overlap > 0 && samePlace) bytes += overlap
    if (endOfX <= endOfY) i += 1
    if (endOfY <= endOfX) j += 1
  }
}
