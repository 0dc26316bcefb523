import { toNamespacedPath } from 'node:path'
import { addon, type RawOutcome } from './addon'
import { errno } from './errno'
import { changedCall, sourceChanged, SystemError } from './errors'
import { cloneFile as cloneFileByNode } from './host/node-files'
import { Failure } from './host/node-items'
import { cloneSyncByNode } from './host/node-sync'
import { readPath } from './options'

export async function cloneFile(src: string, dest: string): Promise<void> {
  const [from, to] = readBoth(src, dest)
  if (addon === undefined) {
    await cloneFileByNode({ from, to, mode: 0 }, plain).catch((error: unknown) => {
      throw asCloneError(error, src, dest)
    })
    return
  }
  throwIfFailed(await addon.cloneFile(from, to), src, dest)
}

export function cloneFileSync(src: string, dest: string): void {
  const [from, to] = readBoth(src, dest)
  if (addon !== undefined) {
    throwIfFailed(addon.cloneFileSync(from, to), src, dest)
    return
  }
  try {
    cloneSyncByNode(from, to)
  } catch (error) {
    throw asCloneError(error, src, dest)
  }
}

export async function sharedBytes(a: string, b: string): Promise<number> {
  const left = readPath('a', a)
  const right = readPath('b', b)
  if (addon === undefined) throw new SystemError(errno.ENOSYS, { syscall: 'fiemap', path: a })
  const result = await addon.sharedBytes(left, right)
  if (result.errno === 0) return result.bytes
  const path = result.second ? b : a
  throw new SystemError(result.errno, { syscall: result.syscall, path })
}

const plain = { writable: false, times: false, inKernelCopy: false }

/** On Windows with the prefix that lets a path be long; elsewhere as they are. */
function readBoth(src: unknown, dest: unknown): [string, string] {
  return [toNamespacedPath(readPath('src', src)), toNamespacedPath(readPath('dest', dest))]
}

function throwIfFailed(
  { errno: number, syscall, win32Error }: RawOutcome,
  path: string,
  dest: string,
): void {
  if (syscall === changedCall) throw sourceChanged({ path, dest })
  if (number !== 0) throw new SystemError(number, { syscall, win32Error, path, dest })
}

function asCloneError(error: unknown, path: string, dest: string): unknown {
  if (!(error instanceof Failure)) return error
  if (error.syscall === changedCall) return sourceChanged({ path, dest })
  return new SystemError(error.errno, { syscall: error.syscall, path, dest })
}
