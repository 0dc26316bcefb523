import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { volumeOf } from '../volumes'

/** Used space of a file system, bytes. */
export interface Used {
  /** As statfs(2) tells it. */
  readonly all: number
  /** File contents alone; null where the file system does not say. */
  readonly data: number | null
}

/** What reads the used space of the file system of `dir`. */
export async function diskOf(dir: string): Promise<() => Promise<Used>> {
  const counter = await btrfsDataCounter(dir)
  return async () => {
    const { blocks, bfree, bsize } = await statfs(dir)
    const data = counter === null ? null : Number(readFileSync(counter, 'utf8'))
    return { all: (blocks - bfree) * bsize, data }
  }
}

const btrfs = '/sys/fs/btrfs'

/** The file in which Btrfs counts the bytes of its data extents. */
async function btrfsDataCounter(dir: string): Promise<string | null> {
  const { type, device = '' } = await volumeOf(dir)
  if (type !== 'btrfs' || !existsSync(device) || !existsSync(btrfs)) return null
  const name = basename(realpathSync(device))
  const uuid = readdirSync(btrfs).find((each) => existsSync(join(btrfs, each, 'devices', name)))
  const counter = join(btrfs, uuid ?? '', 'allocation', 'data', 'bytes_used')
  return existsSync(counter) ? counter : null
}
