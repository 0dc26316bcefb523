import { spawnSync } from 'node:child_process'
import { readdirSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @typedef {import('../../bench/corpus/corpus.mjs').StoreSource} StoreSource */

/**
 * @typedef {object} Run
 * @property {import('reflink-merge').MergeResult} result
 * @property {number} seconds until `merge()` was done
 * @property {number} settledSeconds until all of it was on disk
 * @property {number} disk bytes by which the file system's used space grew
 * @property {number | null} shared bytes that lie in the store's own extents; null where the system does not say
 */

/**
 * @param {typeof import('reflink-merge')} library
 * @param {readonly StoreSource[]} sources
 * @param {string} dest
 * @param {import('reflink-merge').MergeOptions} options
 * @returns {Promise<Run>}
 */
export async function measuredMerge(library, sources, dest, options) {
  const volume = dirname(dirname(dest))
  const before = usedBytes(volume)
  const start = performance.now()
  const result = await library.merge(sources, dest, options)
  const end = performance.now()
  settle(volume)
  const settled = performance.now()
  return {
    result,
    seconds: (end - start) / 1000,
    settledSeconds: (settled - start) / 1000,
    disk: usedBytes(volume) - before,
    shared: await sharedWithStore(library, sources, dest),
  }
}

/**
 * Waits until everything that was written to a file system is on its disk.
 * @param {string} dir
 */
export function settle(dir) {
  // Node has no syncfs(2).
  spawnSync('sync', process.platform === 'linux' ? ['-f', dir] : [], { stdio: 'inherit' })
}

/** @param {string} dir */
function usedBytes(dir) {
  const { blocks, bfree, bsize } = statfsSync(dir)
  return (blocks - bfree) * bsize
}

/**
 * @param {typeof import('reflink-merge')} library
 * @param {readonly StoreSource[]} sources
 * @param {string} dest
 */
async function sharedWithStore(library, sources, dest) {
  let sum = 0
  try {
    for (const { dir, to } of sources) {
      const parts = filesIn(dir).map((file) =>
        library.sharedBytes(join(dir, file), join(dest, to, file)),
      )
      for (const part of await Promise.all(parts)) sum += part
    }
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    console.error(`Shared bytes cannot be measured here: ${code ?? message}`)
    return null
  }
  return sum
}

/**
 * @param {string} dir
 * @returns {string[]} relative to `dir`
 */
function filesIn(dir) {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
}
