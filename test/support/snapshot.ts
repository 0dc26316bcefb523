import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'

/** What a merge promises about one entry, and nothing else: no times, owners, inodes. */
export interface TreeEntry {
  /** '/'-separated, from the top of the tree; bytes that are no UTF-8 stand as `\xNN`. */
  path: string
  type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device'
  /** Octal, such as '644'; not of symlinks. */
  mode?: string
  /** Of files. */
  size?: number
  /** Of files. */
  sha256?: string
  /** Of symlinks. */
  target?: string
}

interface SnapshotOptions {
  /** false leaves `sha256` out. */
  contents?: boolean
}

const SLASH = Buffer.from('/')

/** Everything below `dir`, sorted by the bytes of the path; `dir` itself is not in it. */
export function snapshot(dir: string, { contents = true }: SnapshotOptions = {}): TreeEntry[] {
  const entries: TreeEntry[] = []
  addEntries(Buffer.from(dir), '', contents, entries)
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function addEntries(dir: Buffer, prefix: string, contents: boolean, entries: TreeEntry[]): void {
  for (const name of fs.readdirSync(dir, { encoding: 'buffer' })) {
    const file = Buffer.concat([dir, SLASH, name])
    const path = prefix + readable(name)
    const stats = fs.lstatSync(file)
    const type = typeOf(stats)
    const entry: TreeEntry = { path, type }
    entries.push(entry)
    if (type === 'symlink') {
      entry.target = readable(fs.readlinkSync(file, { encoding: 'buffer' }))
      continue
    }
    entry.mode = (stats.mode & 0o7777).toString(8)
    if (type === 'directory') addEntries(file, `${path}/`, contents, entries)
    if (type !== 'file') continue
    entry.size = stats.size
    if (contents) entry.sha256 = sha256(fs.readFileSync(file))
  }
}

function typeOf(stats: fs.Stats): TreeEntry['type'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  return stats.isSocket() ? 'socket' : 'device'
}

function readable(name: Buffer): string {
  const text = name.toString('utf8')
  if (!text.includes('\ufffd') || Buffer.from(text).equals(name)) return text
  return [...name]
    .map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`))
    .join('')
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** One hash of all that `snapshot` tells. */
export function digest(dir: string): string {
  const hash = createHash('sha256')
  for (const entry of snapshot(dir)) hash.update(`${JSON.stringify(entry)}\n`)
  return hash.digest('hex')
}

/** How two trees differ, one line each: `path: what it is here, not what is expected`. */
export function differences(
  actual: readonly TreeEntry[],
  expected: readonly TreeEntry[],
): string[] {
  const left = new Map(expected.map((entry) => [entry.path, entry]))
  const lines: string[] = []
  for (const entry of actual) {
    const other = left.get(entry.path)
    left.delete(entry.path)
    if (!other) lines.push(`${entry.path}: unexpected ${told(entry)}`)
    else if (told(entry) !== told(other))
      lines.push(`${entry.path}: ${told(entry)}, not ${told(other)}`)
  }
  for (const entry of left.values()) lines.push(`${entry.path}: missing ${told(entry)}`)
  return lines
}

function told({ type, mode, size, sha256: hash, target }: TreeEntry): string {
  const words = [type, mode, size === undefined ? undefined : `${String(size)} bytes`, hash]
  if (target !== undefined) words.push(`→ ${JSON.stringify(target)}`)
  return words.filter((word) => word !== undefined).join(' ')
}

const SHOWN = 30

/**
 * Asserts that the tree in `dir` is the expected one: another directory or a snapshot. Unlike deepStrictEqual, which
 * takes minutes to print how two lists of 60,000 differ, it tells the first thirty differences.
 */
export function assertTree(dir: string, expected: string | readonly TreeEntry[]): void {
  const wanted = typeof expected === 'string' ? snapshot(expected) : expected
  const lines = differences(snapshot(dir), wanted)
  if (lines.length === 0) return
  const more = lines.length > SHOWN ? [`… and ${String(lines.length - SHOWN)} more`] : []
  assert.fail([`${dir} is not the expected tree:`, ...lines.slice(0, SHOWN), ...more].join('\n  '))
}
