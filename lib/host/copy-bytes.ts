import { promises as fs, type BigIntStats } from 'node:fs'
import { errno } from '../errno'
import { changedCall } from '../errors'
import { chmodOpen } from './chmod-open'
import { call, callInDest, Failure } from './node-items'

const chunkBytes = 128 * 1024
const zeros = Buffer.alloc(chunkBytes)
/** The unit of st_blocks, whatever the file system's own. */
const statBlock = 512n

/** Takes the file less room than it has bytes? Windows does not say. */
export function isSparse({ blocks, size }: BigIntStats): boolean {
  return process.platform !== 'win32' && blocks * statBlock < size
}

async function writeAll(dest: fs.FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const left = bytes.length - done
    done += (await call(dest.write(bytes, done, left, at + done))).bytesWritten
  }
}

/**
 * Reads to the end, wherever that is: `size` is 0 or a page for files that the kernel or a FUSE server writes at each
 * read. Answers how many bytes there were.
 */
async function fill(
  dest: fs.FileHandle,
  path: string,
  source: fs.FileHandle,
  status: BigIntStats,
  asMade: boolean,
): Promise<number> {
  const size = Number(status.size)
  const leavesHoles = isSparse(status)
  // The umask may have taken away what it is opened again with.
  if (!asMade) await chmodOpen(dest, path, 0o600)
  const buffer = Buffer.allocUnsafe(chunkBytes)
  let at = 0
  for (;;) {
    const { bytesRead } = await call(source.read(buffer, 0, chunkBytes, at))
    if (bytesRead === 0) break
    const bytes = buffer.subarray(0, bytesRead)
    const isHole = leavesHoles && bytes.equals(zeros.subarray(0, bytesRead))
    if (!isHole) await writeAll(dest, bytes, at)
    at += bytesRead
    if (at > size) await refuseGrown(source, status)
  }
  if (leavesHoles) await call(dest.truncate(at))
  return at
}

/** Somebody appends to it, perhaps faster than it can be read. */
async function refuseGrown(source: fs.FileHandle, { size }: BigIntStats): Promise<void> {
  const now = await call(source.stat({ bigint: true }))
  if (now.size !== size) throw new Failure(errno.EBUSY, changedCall)
}

/**
 * Copies what an open file holds into a new one by read and write, and answers how many bytes that were. fs.copyFile lets
 * the kernel share the bytes with the source where it can, which is no copy, fills the holes of a sparse file, and takes
 * the size of a file for what it holds; here what is zero in one that has holes stays a hole.
 */
export async function copyBytes(
  source: fs.FileHandle,
  status: BigIntStats,
  to: string,
  asMade: boolean,
): Promise<number> {
  // One that keeps the mode that it is made with is made with the source's.
  const mode = asMade ? Number(status.mode & 0o777n) | 0o600 : 0o600
  const dest = await callInDest(fs.open(to, 'wx', mode))
  try {
    // Some file systems tell only at the close that what was written has no room.
    return await fill(dest, to, source, status, asMade).finally(() => call(dest.close()))
  } catch (error) {
    await call(fs.unlink(to))
    throw error
  }
}
