import { constants, promises as fs, type BigIntStats } from 'node:fs'
import { toNamespacedPath } from 'node:path'
import { addon } from '../addon'
import { errno } from '../errno'
import { copyBytes, isSparse } from './copy-bytes'
import { call, Failure, type Item } from './node-items'
import { Equality, type FileOptions } from './host'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

const isWindows = process.platform === 'win32'

/** How errors name a failed clone on this system. */
export const cloneSyscall =
  { darwin: 'clonefile', win32: 'duplicate_extents' }[process.platform as string] ?? 'ficlone'

interface OpenFile {
  readonly file: fs.FileHandle
  readonly status: BigIntStats
}

/** A regular file, opened to be read; not a symlink, and never waited for as a fifo would be. */
async function openRegular(path: string): Promise<OpenFile> {
  // Windows has neither flag.
  if (isWindows && (await call(fs.lstat(path), 'open')).isSymbolicLink()) {
    throw new Failure(errno.ELOOP, 'open')
  }
  const file = await call(fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  try {
    const status = await call(file.stat({ bigint: true }))
    if (!status.isFile()) {
      throw new Failure(status.isDirectory() ? errno.EISDIR : errno.EINVAL, 'open')
    }
    return { file, status }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Permission bits, u+w and times of a file that was just made. */
async function setAttributes(
  path: string,
  source: BigIntStats,
  options: FileOptions,
): Promise<void> {
  const mode = Number(source.mode & 0o777n) | (options.writable ? 0o200 : 0)
  // A BigIntStats has whole milliseconds only.
  const times = [Number(source.atimeNs) / 1e9, Number(source.mtimeNs) / 1e9] as const
  if (isWindows) {
    // What is open to be read cannot be changed there, what is read-only cannot be opened otherwise. Times first:
    // the one bit that Windows has of a mode is that no one may write.
    if (options.times) await call(fs.lutimes(path, ...times))
    await call(fs.chmod(path, mode))
    return
  }
  const { file } = await openRegular(path)
  try {
    if (options.asMade !== true) await call(file.chmod(mode))
    if (options.times) await call(file.utimes(...times))
  } finally {
    await file.close()
  }
}

async function makeFile(
  item: Item,
  options: FileOptions,
  make: (item: Item, source: OpenFile) => Promise<void>,
): Promise<void> {
  // Opened first, so that a source that cannot be read is not taken for one that cannot be cloned.
  const source = await openRegular(item.from)
  const { file, status } = source
  try {
    await make(item, source)
  } finally {
    await file.close()
  }
  try {
    await setAttributes(item.to, status, options)
  } catch (error) {
    await call(fs.unlink(item.to))
    throw error
  }
}

export function cloneFile(item: Item, options: FileOptions): Promise<void> {
  return makeFile(item, options, isWindows && addon !== undefined ? cloneByAddon : cloneByNode)
}

export function copyFile(item: Item, options: FileOptions): Promise<void> {
  return makeFile(item, options, ({ from, to }, { file, status }) =>
    // What the kernel copies gets its mode from Node, which fails where that is refused.
    options.inKernelCopy && options.asMade !== true && !isSparse(status)
      ? copy(from, to, 0, 'copyfile')
      : copyBytes(file, status, to, options.asMade === true),
  )
}

/** COPYFILE_EXCL, always: a forced clone that fails deletes the file that stood there. */
function copy(from: string, to: string, how: number, syscall: string): Promise<void> {
  return call(fs.copyFile(from, to, constants.COPYFILE_EXCL | how), syscall)
}

async function cloneByNode({ from, to }: Item): Promise<void> {
  try {
    await copy(from, to, constants.COPYFILE_FICLONE_FORCE, cloneSyscall)
  } catch (error) {
    if (error instanceof Failure && ofOpening.has(error.errno)) {
      throw new Failure(error.errno, 'open')
    }
    throw error
  }
}

/** Node tells one call for all that copyFile makes; these errnos can only come from the open() of the new file. */
export const ofOpening: ReadonlySet<number> = new Set([
  ...[errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG],
  ...[errno.EMFILE, errno.ENFILE],
])

/** Node's own copyFile clones nothing on Windows (ENOSYS). */
async function cloneByAddon({ from, to }: Item): Promise<void> {
  const paths = [toNamespacedPath(from), toNamespacedPath(to)] as const
  const outcome = await addon?.cloneFile(...paths)
  if (outcome === undefined || outcome.errno === 0) return
  throw new Failure(outcome.errno, outcome.syscall)
}

const chunkBytes = 64 * 1024

async function sameBytes(a: fs.FileHandle, b: fs.FileHandle, size: number): Promise<boolean> {
  const left = Buffer.allocUnsafe(chunkBytes)
  const right = Buffer.allocUnsafe(chunkBytes)
  for (let at = 0; at < size;) {
    const wanted = Math.min(chunkBytes, size - at)
    const one = await call(a.read(left, 0, wanted, at))
    const other = await call(b.read(right, 0, wanted, at))
    const count = Math.min(one.bytesRead, other.bytesRead)
    // A file that shrank since its size was read has other bytes than it had.
    if (count === 0 || left.compare(right, 0, count, 0, count) !== 0) return false
    at += count
  }
  return true
}

/** Equal bytes? Same inode, then size, then the bytes. A number of `Equality`. */
export async function compareFiles({ from, to }: Item): Promise<number> {
  const a = await openRegular(from)
  try {
    const b = await openRegular(to)
    try {
      if (a.status.dev === b.status.dev && a.status.ino === b.status.ino) {
        return Equality.SameFile
      }
      if (a.status.size !== b.status.size) return Equality.Differ
      const same = await sameBytes(a.file, b.file, Number(a.status.size))
      return same ? Equality.SameBytes : Equality.Differ
    } finally {
      await b.file.close()
    }
  } finally {
    await a.file.close()
  }
}
