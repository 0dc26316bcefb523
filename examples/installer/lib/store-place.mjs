import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Where the store is unless somebody says otherwise: in the cache of the user's home directory, or, where that is on another
 * volume than the project, from which nothing can be cloned, at the top of the project's.
 * @param {string} project absolute
 */
export function defaultStore(project) {
  const { dev } = statSync(project)
  const home = homedir()
  if (existsSync(home) && statSync(home).dev === dev) {
    return join(home, '.cache/reflink-merge-installer')
  }
  let top = project
  while (dirname(top) !== top && statSync(dirname(top)).dev === dev) top = dirname(top)
  return join(top, '.reflink-merge-installer')
}
