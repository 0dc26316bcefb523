import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verify } from 'reflink-merge'
import { hiddenLockName } from './hidden-lock.mjs'

/**
 * Whether node_modules is what the last install has left, and that was an install of this lock. Every file is looked at, none
 * is opened, and neither is the store.
 * @param {string} modules
 * @param {string} hiddenLock what an install of this lock writes
 * @param {AbortSignal} signal
 * @returns {Promise<number | undefined>} how many entries there are; undefined: there is something to do
 */
export async function upToDate(modules, hiddenLock, signal) {
  try {
    // It is published in one commit with all else, so it tells what was installed.
    if ((await readFile(join(modules, hiddenLockName), 'utf8')) !== hiddenLock) return undefined
    const { modified, entries } = await verify(modules, { signal })
    return modified.length === 0 ? entries : undefined
  } catch (error) {
    signal.throwIfAborted()
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_MERGE_MANIFEST') return undefined
    throw error
  }
}
