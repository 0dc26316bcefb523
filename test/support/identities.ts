import fs from 'node:fs'
import path from 'node:path'

/**
 * Path → inode, mtime and ctime of everything below `dir` and of itself (`''`): two equal ones tell that nothing was
 * made, written, renamed, linked or chmodded in between, not even to what it was before.
 */
export function identities(dir: string): Map<string, string> {
  const found = new Map<string, string>()
  const names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })
  for (const name of ['', ...names.sort()]) {
    const { dev, ino, mtimeNs, ctimeNs } = fs.lstatSync(path.join(dir, name), { bigint: true })
    found.set(name, [dev, ino, mtimeNs, ctimeNs].join(' '))
  }
  return found
}
