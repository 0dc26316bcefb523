import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { sharedBytes } from '../index'
import type { Blocks } from './result'
import { countTree, type TreeCount } from './tree-count'

/**
 * Whether all is there: as many files, directories and bytes as in the source; and what the biggest file has in
 * common with its source (null: the system does not say, or it is empty).
 * Rejects if something is missing: then its time says nothing.
 */
export async function checkPlaced(
  source: string,
  expected: TreeCount,
  dest: string,
): Promise<Blocks | null> {
  const placed = await countTree(dest)
  // Of several biggest files either may come first.
  if (!isDeepStrictEqual({ ...placed, biggest: null }, { ...expected, biggest: null })) {
    throw new Error(
      `It placed ${String(placed.files)} files, ${String(placed.bytes)} bytes, of ` +
        `${String(expected.files)} files, ${String(expected.bytes)} bytes`,
    )
  }
  if (expected.biggest === null) return null
  return blocksOf(join(source, expected.biggest), join(dest, expected.biggest))
}

async function blocksOf(source: string, dest: string): Promise<Blocks | null> {
  const [from, to] = await Promise.all([lstat(source), lstat(dest)])
  if (from.size === 0) return null
  if (from.dev === to.dev && from.ino === to.ino) return 'linked'
  try {
    return (await sharedBytes(source, dest)) > 0 ? 'shared' : 'own'
  } catch {
    // tmpfs, macOS, or no addon.
    return null
  }
}
