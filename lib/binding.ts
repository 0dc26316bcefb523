import { toNamespacedPath } from 'node:path'
import { addon, addonError } from './addon'
import { errno } from './errno'

/** Whether the addon is loaded. Without it every call returns ENOSYS. */
export const loaded = addon !== undefined

/** Why the addon is not loaded; undefined if it is, or if it was switched off. */
export const loadError: unknown = addonError

/**
 * Clones a file: FICLONE on Linux (man 2 ioctl_ficlone), clonefile(2) on macOS, FSCTL_DUPLICATE_EXTENTS_TO_FILE on
 * Windows (ReFS). `dest` must not exist; a failure leaves nothing behind. A symlink as `src` is not followed (ELOOP).
 *
 * Returns 0, or the errno: positive, as the kernel gives it, and on Windows, which has none, as in Node's errors. EBUSY: the
 * source was written to at the same time, so the clone would be a mix of two states.
 * Throws a TypeError (`ERR_INVALID_ARG_TYPE`) for anything but a path.
 */
export function reflink(src: string, dest: string): number {
  if (addon !== undefined) return addon.reflink(toNamespacedPath(src), toNamespacedPath(dest))
  refuseOthers(src, dest)
  return errno.ENOSYS
}

/** Like `reflink`, off the main thread. Rejects only with a TypeError for anything but a path. */
export async function reflinkAsync(src: string, dest: string): Promise<number> {
  if (addon !== undefined) return addon.reflinkAsync(toNamespacedPath(src), toNamespacedPath(dest))
  refuseOthers(src, dest)
  return errno.ENOSYS
}

function refuseOthers(...paths: unknown[]): void {
  if (paths.every((path) => typeof path === 'string' && !path.includes('\0'))) return
  const error = new TypeError('src and dest must be strings without NUL characters')
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' })
}
