import { toNamespacedPath } from 'node:path'
import { addon, addonError } from './addon'
import { errno } from './errno'

/** Whether the addon is there. Without it every call answers ENOSYS. */
export const loaded = addon !== undefined

/** Why the addon is not there; undefined if it is, or if it was switched off. */
export const loadError: unknown = addonError

/**
 * Clones a file: FICLONE on Linux (man 2 ioctl_ficlone), clonefile(2) on macOS, FSCTL_DUPLICATE_EXTENTS_TO_FILE on
 * Windows (ReFS). `dest` must not exist; a failure leaves nothing of it. A symlink as `src` is not followed (ELOOP).
 *
 * Returns 0, or the errno: positive, as the kernel gives it, and on Windows, which has none, as Node's errors have it. EBUSY
 * where somebody wrote to the source at the same time, so that the clone would be a mix.
 * Throws a TypeError (`ERR_INVALID_ARG_TYPE`) for what is not a path.
 * EBUSY: the source was written to meanwhile, so that the clone would be a mix of two states.
 */
export function reflink(src: string, dest: string): number {
  if (addon !== undefined) return addon.reflink(toNamespacedPath(src), toNamespacedPath(dest))
  refuseOthers(src, dest)
  return errno.ENOSYS
}

/** As `reflink`, off the main thread. Rejects only with a TypeError for what is no path. */
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
