import { windowsNameProblem } from './windows-names'

/** NAME_MAX on every file system that can clone, in bytes of UTF-8. */
const maxNameBytes = 255

/**
 * What is wrong with the name of an entry, or undefined. The addon refuses such names again.
 * A backslash separates directories on Windows, so a package with one would mean two things. `platform`: where the
 * name is to stand.
 */
export function nameProblem(
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (name === '') return 'empty name'
  if (name === '.' || name === '..') return `"${name}" is not a name`
  if (name.includes('/')) return 'slash in a name'
  if (name.includes('\0')) return 'NUL character'
  if (name.includes('\\')) return 'backslash'
  // Never shorter in UTF-8 than in UTF-16, never more than three times as long.
  if (name.length * 3 > maxNameBytes && Buffer.byteLength(name) > maxNameBytes) {
    return `name longer than ${String(maxNameBytes)} bytes`
  }
  if (!name.isWellFormed()) return 'lone surrogate'
  return platform === 'win32' ? windowsNameProblem(name) : undefined
}

/** Can the name be passed on to the system? */
export function isName(name: string): boolean {
  return nameProblem(name) === undefined
}

/** What is wrong with a '/'-joined path below dest, or undefined. */
export function pathProblem(path: string, platform: NodeJS.Platform): string | undefined {
  if (path.startsWith('/')) return 'an absolute path'
  for (const name of path.split('/')) {
    const problem = nameProblem(name, platform)
    if (problem !== undefined) return problem
  }
  return undefined
}
