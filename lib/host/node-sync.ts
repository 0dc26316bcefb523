import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  openSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs'
import { errno, errnoOf, isDenied } from '../errno'
import { changedCall } from '../errors'
import { cloneSyscall, ofOpening } from './node-files'
import { Failure } from './node-items'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, COPYFILE_EXCL, COPYFILE_FICLONE_FORCE } = constants

/** Runs a call of node:fs; `syscallOf` names it where Node names another. */
function call<T>(run: () => T, syscallOf?: (number: number) => string): T {
  try {
    return run()
  } catch (error) {
    const number = errnoOf(error)
    if (number === undefined) throw error
    const own = (error as NodeJS.ErrnoException).syscall ?? ''
    throw new Failure(number, syscallOf?.(number) ?? own)
  }
}

/** Opens a regular file, not through a symlink, hands it over, and closes it. */
function withRegular<T>(path: string, use: (fd: number, status: BigIntStats) => T): T {
  const fd = call(() => openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  try {
    const status = call(() => fstatSync(fd, { bigint: true }))
    if (!status.isFile())
      throw new Failure(status.isDirectory() ? errno.EISDIR : errno.EINVAL, 'open')
    return use(fd, status)
  } finally {
    closeSync(fd)
  }
}

/** Node's permission model has no fchmod(2): there by path. */
function chmodMade(fd: number, path: string, mode: number): void {
  try {
    fchmodSync(fd, mode)
  } catch (error) {
    if (!isDenied(error)) throw error
    chmodSync(path, mode)
  }
}

/** cloneFile of node-files.ts, on the calling thread; without an addon there is none for Windows. */
export function cloneSyncByNode(from: string, to: string): void {
  const syscallOf = (number: number): string => (ofOpening.has(number) ? 'open' : cloneSyscall)
  withRegular(from, (source, status) => {
    call(() => {
      // COPYFILE_EXCL, always: a forced clone that fails deletes the file that stood there.
      copyFileSync(from, to, COPYFILE_FICLONE_FORCE | COPYFILE_EXCL)
    }, syscallOf)
    try {
      const now = call(() => fstatSync(source, { bigint: true }))
      if (now.size !== status.size || now.mtimeNs !== status.mtimeNs) {
        throw new Failure(errno.EBUSY, changedCall)
      }
      withRegular(to, (fd) => {
        call(() => {
          chmodMade(fd, to, Number(status.mode & 0o777n))
        })
      })
    } catch (error) {
      unlinkSync(to)
      throw error
    }
  })
}
