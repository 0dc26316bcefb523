import { constants, promises as fs, type BigIntStats } from 'node:fs'
import { toNamespacedPath } from 'node:path'
import { addon } from '../addon'
import { errno } from '../errno'
import { changedCall } from '../errors'
import { chmodOpen } from './chmod-open'
import { copyBytes, isSparse } from './copy-bytes'
import { call, callInDest, Failure, type Item } from './node-items'
import { Equality, type FileOptions } from './host'
import { secondsOf } from './seconds'
import { noMode } from './whole-trees'

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
  { to: path, mode: given }: Item,
  source: BigIntStats,
  options: FileOptions,
): Promise<void> {
  const own = given === noMode ? Number(source.mode & 0o777n) : given
  const mode = own | (options.writable ? 0o200 : 0)
  // A BigIntStats has whole milliseconds only.
  const times = [secondsOf(source.atimeNs), secondsOf(source.mtimeNs)] as const
  if (isWindows) {
    // What is open to be read cannot be changed there, what is read-only cannot be opened otherwise. Times first:
    // the one bit that Windows has of a mode is that no one may write.
    if (options.times) await call(fs.lutimes(path, ...times))
    await call(fs.chmod(path, mode))
    return
  }
  const { file } = await callInDest(openRegular(path))
  try {
    if (options.asMade !== true) await chmodOpen(file, path, mode)
    if (options.times) await call(file.utimes(...times))
  } finally {
    await file.close()
  }
}

/** `make` answers how many bytes the new file has; so does this. */
async function makeFile(
  item: Item,
  options: FileOptions,
  make: (item: Item, source: OpenFile) => Promise<number>,
): Promise<number> {
  // Opened first, so that a source that cannot be read is not taken for one that cannot be cloned.
  const source = await openRegular(item.from)
  const { file, status } = source
  let bytes: number
  try {
    bytes = await make(item, source)
    await removeOnFailure(item.to, () => refuseChanged(source, item.to))
  } finally {
    await file.close()
  }
  await removeOnFailure(item.to, () => setAttributes(item, status, options))
  return bytes
}

async function removeOnFailure<T>(made: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    await call(fs.unlink(made))
    throw error
  }
}

export function cloneFile(item: Item, options: FileOptions): Promise<number> {
  const clone = isWindows && addon !== undefined ? cloneByAddon : cloneByNode
  return makeFile(item, options, async (paths, { status }) => {
    await clone(paths)
    return Number(status.size)
  })
}

export function copyFile(item: Item, options: FileOptions): Promise<number> {
  // Files without bytes, and such as have some without room for them, may be pseudo files. What the kernel copies gets its
  // mode from Node, which fails where that is refused.
  const inKernel = options.inKernelCopy && options.asMade !== true
  return makeFile(item, options, ({ from, to }, source) =>
    inKernel && source.status.size > 0n && !isSparse(source.status)
      ? copyInKernel(from, to, source)
      : copyBytes(source.file, source.status, to, options.asMade === true),
  )
}

/** fs.copyFile copies as many bytes as the size says, or fewer; where that is not all, what it made is made again. */
async function copyInKernel(from: string, to: string, { file, status }: OpenFile): Promise<number> {
  await copy(from, to, 0, 'copyfile')
  const size = Number(status.size)
  const isWhole = async (): Promise<boolean> => {
    const { bytesRead } = await call(file.read(Buffer.alloc(1), 0, 1, size))
    return bytesRead === 0 && (await call(fs.lstat(to))).size === size
  }
  if (await removeOnFailure(to, isWhole)) return size
  await call(fs.unlink(to))
  // Where modes cannot be set, nothing is copied in the kernel.
  return copyBytes(file, status, to, false)
}

/** A size and an mtime that stayed the same; undefined: only ctime has moved, which says nothing for sure. */
async function isSame({ file, status }: OpenFile): Promise<boolean | undefined> {
  const now = await call(file.stat({ bigint: true }))
  if (now.size !== status.size || now.mtimeNs !== status.mtimeNs) return false
  return now.ctimeNs === status.ctimeNs ? true : undefined
}

/**
 * A file that was written to while it was read came out as a mix of what it was and what it is. ctime alone moves with
 * links, names and modes too, and with a writer that puts mtime back: there the bytes decide.
 */
async function refuseChanged(source: OpenFile, made: string): Promise<void> {
  const same = (await isSame(source)) ?? (await hasBytesOf(source, made))
  if (!same) throw new Failure(errno.EBUSY, changedCall)
}

async function hasBytesOf({ file }: OpenFile, made: string): Promise<boolean> {
  const copied = await openRegular(made)
  try {
    return await sameBytes(file, copied.file)
  } finally {
    await copied.file.close()
  }
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
      throw new Failure(error.errno, 'open', true)
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

/**
 * Files that the kernel or a FUSE server writes at each read take no room on a disk, and are said to have no bytes (proc),
 * or a page (sysfs). Windows does not report the room.
 */
function mayHoldMore({ size, blocks }: BigIntStats): boolean {
  return size === 0n || (blocks === 0n && !isWindows)
}

/** Reads until the buffer is full, or to the end of the file. */
async function readFully(file: fs.FileHandle, into: Buffer, at: number): Promise<Buffer> {
  let done = 0
  while (done < into.length) {
    const { bytesRead } = await call(file.read(into, done, into.length - done, at + done))
    if (bytesRead === 0) break
    done += bytesRead
  }
  return into.subarray(0, done)
}

/** Reads both to their ends, whatever their sizes are said to be. */
async function sameBytes(a: fs.FileHandle, b: fs.FileHandle): Promise<boolean> {
  const left = Buffer.allocUnsafe(chunkBytes)
  const right = Buffer.allocUnsafe(chunkBytes)
  for (let at = 0; ; at += chunkBytes) {
    const one = await readFully(a, left, at)
    const other = await readFully(b, right, at)
    if (!one.equals(other)) return false
    if (one.length < chunkBytes) return true
  }
}

type ContentItem = Item & { readonly content: Uint8Array }

/** A new file with these bytes, and its mode whatever the umask. */
export async function writeContent(
  item: ContentItem,
  { writable, asMade }: FileOptions,
): Promise<void> {
  const { to, content } = item
  const mode = item.mode | (writable ? 0o200 : 0)
  const file = await call(fs.open(to, 'wx', mode))
  try {
    try {
      await call(file.writeFile(content), 'write')
      // On Windows what is open cannot become read-only.
      if (!isWindows && asMade !== true) await call(file.chmod(mode))
    } finally {
      await file.close()
    }
    if (isWindows) await call(fs.chmod(to, mode))
  } catch (error) {
    await call(fs.unlink(to))
    throw error
  }
}

/** Does a regular file have these bytes? A number of `Equality`. */
export async function compareContent({ to, content }: ContentItem): Promise<number> {
  const { file, status } = await openRegular(to)
  try {
    if (status.size !== BigInt(content.length)) return Equality.Differ
    const same = (await call(file.readFile())).equals(content)
    return same ? Equality.SameBytes : Equality.Differ
  } finally {
    await file.close()
  }
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
      const isSized = !mayHoldMore(a.status) && !mayHoldMore(b.status)
      if (a.status.size !== b.status.size && isSized) return Equality.Differ
      if (!(await sameBytes(a.file, b.file))) return Equality.Differ
      // What was equal may be so no more, or may never have been as a whole.
      const changed = (await isSame(a)) === false || (await isSame(b)) === false
      return changed ? Equality.Differ : Equality.SameBytes
    } finally {
      await b.file.close()
    }
  } finally {
    await a.file.close()
  }
}
