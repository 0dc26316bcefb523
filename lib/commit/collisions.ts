import { errno } from '../errno'

/**
 * What renaming fails with where somebody who does not ask for the lock has put something there, or taken it away: look
 * again.
 */
export const collisions: ReadonlySet<number> = new Set([
  errno.EEXIST,
  errno.ENOTEMPTY,
  errno.EISDIR,
  errno.ENOTDIR,
  errno.ENOENT,
])
