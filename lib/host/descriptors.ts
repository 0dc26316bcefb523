import { close, fstatSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Directory } from './host'

/** Closes a descriptor. */
export const closeDescriptor = promisify(close)

/** The directory that a fresh descriptor is of. */
export function keep(path: string, fd: number): Directory {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return { path, fd, identity: identityOf(dev, ino) }
}

/** A string that two paths share if they lead to one inode. */
function identityOf(dev: bigint, ino: bigint): string {
  return `${String(dev)}:${String(ino)}`
}

/** Threads of libuv's pool, as its documentation says. */
export function poolSize(): number {
  const size = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
  return Number.isInteger(size) && size > 0 ? size : 4
}
