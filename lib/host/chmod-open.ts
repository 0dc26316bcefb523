import { promises as fs, type Stats } from 'node:fs'
import { errno, isDenied } from '../errno'
import { call, Failure } from './node-items'

/**
 * Sets the permission bits of what is open, so that no symlink is followed. Node's permission model has no fchmod(2): there
 * by path, once that has been seen to be what is open.
 */
export async function chmodOpen(file: fs.FileHandle, path: string, mode: number): Promise<void> {
  try {
    await call(file.chmod(mode))
  } catch (error) {
    if (!isDenied(error)) throw error
    const [open, now] = [await call(file.stat()), await call(fs.lstat(path), 'chmod')]
    if (!isSame(open, now)) throw new Failure(errno.ELOOP, 'chmod')
    await call(fs.chmod(path, mode))
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino
}
