import fs from 'node:fs'
import path from 'node:path'

import { differences, snapshot, type TreeEntry } from './snapshot'

const isStaged = (entry: string): boolean => /(?:^|\/)\.reflink-merge-/.test(entry)

/** All but staging directories. */
export function visible(root: string): TreeEntry[] {
  return snapshot(root).filter((entry) => !isStaged(entry.path))
}

/** Staging directories, wherever they are. */
export function stagingBelow(root: string): string[] {
  return snapshot(root, { contents: false })
    .map((entry) => entry.path)
    .filter((entry) => isStaged(entry) && !isStaged(path.posix.dirname(entry)))
}

/** Path → inode and number of links: tells what was put back from what was made again. */
export function inodesIn(root: string): Map<string, string> {
  const entries = visible(root).map(({ path: entry, type }) => {
    const { ino, nlink } = fs.lstatSync(path.join(root, entry))
    return [entry, type === 'directory' ? String(ino) : `${ino} ${nlink}`] as const
  })
  return new Map(entries)
}

/** Until all is published directories have u+rwx. */
const opened = (entry: TreeEntry): TreeEntry => ({
  ...entry,
  ...(entry.type === 'directory' && {
    mode: (Number.parseInt(entry.mode ?? '', 8) | 0o700).toString(8),
  }),
})

const isSame = (a: TreeEntry, b: TreeEntry | undefined): boolean =>
  b !== undefined && differences([a], [b]).length === 0

/**
 * What a reader could see in the midst of a merge that it never must: an entry that is neither the whole old nor the
 * whole new one, a path that was not empty and is, a new directory that lacks something.
 */
export function tornEntries(
  root: string,
  before: readonly TreeEntry[],
  after: readonly TreeEntry[],
  isRecovered = false,
): string[] {
  const [old, fresh] = [before, after].map(
    (entries) => new Map(entries.map((entry) => [entry.path, entry])),
  ) as [Map<string, TreeEntry>, Map<string, TreeEntry>]
  const now = new Map(visible(root).map((entry) => [entry.path, entry]))
  const torn: string[] = []
  for (const [entry, found] of now) {
    const made = fresh.get(entry)
    const isWhole =
      isSame(found, old.get(entry)) ||
      isSame(found, made) ||
      (made !== undefined && isSame(found, opened(made)))
    if (!isWhole) torn.push(`${entry}: ${JSON.stringify(found)}`)
  }
  for (const entry of old.keys())
    if (!now.has(entry) && !(isRecovered && fresh.get(entry)?.type === 'directory'))
      torn.push(`${entry}: empty`)
  for (const entry of fresh.keys()) {
    const parent = path.posix.dirname(entry)
    const isNewParent = old.get(parent)?.type !== 'directory'
    if (parent === '.' || !isNewParent || now.get(parent)?.type !== 'directory') continue
    if (!now.has(entry)) torn.push(`${entry}: not in its new directory`)
  }
  return torn
}
