import { rmSync } from 'node:fs'
import { mkdtemp, realpath, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { BenchError } from './bench-error'
import { formatBytes } from './format'

/** Where everything happens: a hidden directory on the disk that is measured. */
export interface Field {
  /** Absolute. */
  readonly dir: string
  remove(): Promise<void>
}

/** Makes it in `parent`. It is gone when the process ends, but for SIGKILL. */
export async function makeField(parent: string): Promise<Field> {
  const dir = await mkdtemp(join(await realpath(parent), '.reflink-bench-'))
  const onExit = (): void => {
    rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', onExit)
  return {
    dir,
    remove: async () => {
      await rm(dir, { recursive: true, force: true, maxRetries: 3 })
      process.removeListener('exit', onExit)
    },
  }
}

// For names, inodes, and what the file system wants to stay free.
const margin = 128 * 2 ** 20

/** Refuses to fill a disk. */
export async function requireSpace(
  dir: string,
  needed: { bytes: number; files: number },
): Promise<void> {
  const { bavail, bsize, files, ffree } = await statfs(dir)
  const [free, wanted] = [bavail * bsize, needed.bytes + margin]
  if (free < wanted) {
    throw new BenchError(
      `${dir} needs ${formatBytes(wanted)} free but has only ${formatBytes(free)}: choose another directory ` +
        'with --dir, or a smaller --source',
    )
  }
  // Btrfs has as many inodes as it wants, and says 0.
  if (files > 0 && ffree < needed.files) {
    throw new BenchError(
      `${dir} needs ${String(needed.files)} free inodes but has only ${String(ffree)}: choose another directory with --dir`,
    )
  }
}
