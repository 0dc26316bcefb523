import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultHost } from '../host'
import type { Used } from './disk'

const pause = 5
const patience = 500

/** Waits until all that was written to the file system of `dir` is on disk. Windows has no such call. */
export async function syncDisk(dir: string): Promise<void> {
  const directory = await defaultHost.open({ base: dir, path: '' })
  try {
    const { errno } = await defaultHost.sync(directory)
    if (errno !== 0 && process.platform !== 'win32') spawnSync('sync')
  } finally {
    await defaultHost.close(directory)
  }
}

/**
 * The same, and until the used space stays what it is (half a second at most): XFS frees what was removed
 * in the background.
 */
export async function settle(dir: string, used: () => Promise<Used>): Promise<Used> {
  await syncDisk(dir)
  const end = performance.now() + patience
  let last = await used()
  for (;;) {
    await sleep(pause)
    const now = await used()
    if (now.all === last.all || performance.now() > end) return now
    last = now
  }
}
