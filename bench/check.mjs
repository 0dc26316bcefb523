import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { sharedBytes } from 'reflink-merge'
import { countTree } from './corpus/corpus.mjs'

/** @typedef {'linked' | 'shared' | 'own'} Blocks what a file of dest has: the source's inode, its blocks, or blocks of its own */

/**
 * Throws unless dest has every file and byte of the packages.
 * @param {import('./field.mjs').Field} field
 * @returns {Promise<Blocks>} how the biggest file was placed
 */
export async function checkDest({ dest, expected, biggest, tree, subvolume }) {
  const { files, bytes } = countTree(dest)
  if (files !== expected.files || bytes !== expected.bytes)
    throw new Error(
      `dest has ${files} files with ${bytes} bytes, not ${expected.files} with ${expected.bytes}`,
    )
  const placed = join(dest, biggest.path)
  const origins = [tree, subvolume].filter((dir) => dir !== null)
  for (const origin of [biggest.stored, ...origins.map((dir) => join(dir, biggest.path))]) {
    const [left, right] = [lstatSync(origin), lstatSync(placed)]
    if (left.ino === right.ino && left.dev === right.dev) return 'linked'
    if ((await sharedBytes(origin, placed)) > 0) return 'shared'
  }
  return 'own'
}
