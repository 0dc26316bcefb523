import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { mountOf } from './mount'

/** Used space of a file system, bytes. */
export interface Used {
  /** As statfs(2) tells it. */
  readonly all: number
  /** File contents alone; null where the file system does not tell. */
  readonly data: number | null
}

/** What reads the used space of the file system of `dir`. */
export function diskOf(dir: string): () => Promise<Used> {
  const counter = btrfsDataCounter(dir)
  return async () => {
    const { blocks, bfree, bsize } = await statfs(dir)
    const data = counter === null ? null : Number(readFileSync(counter, 'utf8'))
    return { all: (blocks - bfree) * bsize, data }
  }
}

const btrfs = '/sys/fs/btrfs'

/** The file in which Btrfs counts the bytes of its data extents. */
function btrfsDataCounter(dir: string): string | null {
  const mount = mountOf(dir)
  if (mount?.type !== 'btrfs' || !existsSync(mount.device) || !existsSync(btrfs)) return null
  const device = basename(realpathSync(mount.device))
  const uuid = readdirSync(btrfs).find((name) => existsSync(join(btrfs, name, 'devices', device)))
  const counter = join(btrfs, uuid ?? '', 'allocation', 'data', 'bytes_used')
  return existsSync(counter) ? counter : null
}
