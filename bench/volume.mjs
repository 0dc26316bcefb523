import { tsImport } from 'tsx/esm/api'

/** @typedef {import('./options.mjs').Kind} Kind */

const GiB = 2 ** 30

/** @type {Record<Kind, string[]>} */
const mkfsArgs = {
  btrfs: [],
  xfs: [],
  // Else the kernel writes inode tables in the background, while we measure.
  ext4: ['-E', 'lazy_itable_init=0,lazy_journal_init=0'],
}

/**
 * Makes a volume in a file, in memory where there is room, as the tests do; it is gone when the process ends, however that
 * comes about (but for SIGKILL; then the next one removes it).
 * @param {Kind} kind
 * @param {number} gibibytes
 * @returns {Promise<{ path: string, remove: () => void }>}
 * @throws {Error} if this machine cannot make it
 */
export async function makeVolume(kind, gibibytes) {
  const module = /** @type {unknown} */ (
    await tsImport('../test/support/volumes.ts', import.meta.url)
  )
  const volumes = /** @type {typeof import('../test/support/volumes.js')} */ (module)
  return volumes.makeVolume(kind, { size: gibibytes * GiB, mkfsArgs: mkfsArgs[kind] })
}
