import type { SymlinkPolicy } from '../types'

/**
 * Why a symlink of a source is not merged, or undefined.
 *
 * `directory` is where the link will stand, '/'-joined below dest. It stays inside dest if it climbs
 * no further than dest: real directories lead to it, so each leading `..` is one of them. A `..` after
 * a name is refused: the name could be a symlink itself, and `..` from where that leads is anywhere.
 */
export function symlinkProblem(
  policy: SymlinkPolicy,
  directory: string,
  target: string,
  platform: NodeJS.Platform,
): string | undefined {
  if (policy === 'verbatim') return undefined
  if (policy === 'reject') return `symlink to ${target}`
  const path = platform === 'win32' ? target.replaceAll('\\', '/') : target
  // `C:` alone is relative to whatever directory is the current one of that drive.
  const isDrive = platform === 'win32' && /^[a-z]:/i.test(path)
  if (path.startsWith('/') || isDrive) return `symlink to ${target}, an absolute path`
  let room = directory === '' ? 0 : directory.split('/').length
  let climbing = true
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') {
      climbing = false
    } else if (!climbing) {
      return `symlink to ${target}, with ".." after a name`
    } else if (--room < 0) {
      return `symlink to ${target}, which is outside dest`
    }
  }
  return undefined
}
