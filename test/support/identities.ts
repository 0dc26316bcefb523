import fs from 'node:fs'
import path from 'node:path'

import { snapshot } from './snapshot'

/**
 * Path → inode, mtime and ctime of everything below `dir` and of itself (`''`): two equal ones tell that nothing was
 * made, written, renamed, linked or chmodded in between, not even to what it was before.
 */
export function identities(dir: string): Map<string, string> {
  const found = new Map<string, string>()
  // Not by a recursive readdir, which follows symlinks.
  const below = snapshot(dir, { contents: false }).map((entry) => entry.path)
  for (const name of ['', ...below]) {
    const { dev, ino, mtimeNs, ctimeNs } = fs.lstatSync(path.join(dir, name), { bigint: true })
    found.set(name, [dev, ino, mtimeNs, ctimeNs].join(' '))
  }
  return found
}
