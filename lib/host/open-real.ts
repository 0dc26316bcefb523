import type { Directory, Host, Place } from './host'

/**
 * Opens a directory by its real path, as realpath(3) gave it: one name after the other, following nothing. Where
 * somebody has put a symlink into the way since, it rejects with ELOOP or ENOTDIR.
 */
export function openReal(host: Host, path: string): Promise<Directory> {
  return host.open(realPlace(path))
}

function realPlace(path: string): Place {
  // Windows has drives; and a name with a backslash, which the system may have, is refused in a place.
  const isWalkable = path.length > 1 && path.startsWith('/') && !path.includes('\\')
  // macOS has no O_PATH: there a directory that may be searched, but not read, can only be passed by path.
  if (!isWalkable || process.platform === 'darwin') return { base: path, path: '' }
  return { base: '/', path: path.slice(1) }
}
