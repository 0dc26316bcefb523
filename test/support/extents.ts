import { getSystemErrorName } from 'node:util'

import { startCommand } from './child'
import { compile } from './compile'

/** A piece of a file, in bytes. `physical` is null where FIEMAP tells no place: inline, compressed or not yet written. */
interface Extent {
  logical: number
  physical: number | null
  length: number
  inline: boolean
}

export interface FileExtents {
  path: string
  /** Extents of files with different ids cannot be shared. */
  fileSystem: string
  size: number
  /** Ascending; holes left out. Neighbours that also lie side by side on disk are one. */
  extents: Extent[]
}

// linux/fiemap.h
const UNKNOWN = 0x2
const DELALLOC = 0x4
const INLINE = 0x200
const UNWRITTEN = 0x800

/** Where the data of these files lies, asked of the kernel by a program that has nothing of this library in it. */
export async function extentsOf(paths: readonly string[]): Promise<FileExtents[]> {
  const program = await compile('extents.c')
  const input = paths.map((path) => `${path}\0`).join('')
  const { code, stdout, stderr } = await startCommand([program], {
    input,
    timeout: 300_000,
    env: { LD_PRELOAD: undefined },
  }).done
  const lines = stdout.split('\n')
  if (code !== 0 || lines.length !== paths.length + 1) throw new Error(`extents failed: ${stderr}`)
  return paths.map((path, index) => parseLine(path, lines[index] ?? ''))
}

function parseLine(path: string, line: string): FileExtents {
  const failed = /! (\d+)$/.exec(line)
  if (failed) {
    const code = getSystemErrorName(-Number(failed[1]))
    throw Object.assign(new Error(`${code}: no extent map of ${path}`), { code, path })
  }
  const [fileSystem = '', size = '', ...words] = line.split(' ')
  const extents = words.flatMap((word) => parseExtent(word, Number(size)))
  return { path, fileSystem, size: Number(size), extents: joined(extents) }
}

function parseExtent(word: string, size: number): Extent[] {
  const [logical = 0, physical = 0, whole = 0] = word.split(':', 3).map(Number)
  const flags = Number.parseInt(word.slice(word.lastIndexOf(':') + 1), 16)
  // XFS preallocates behind the end of a file.
  const length = Math.min(whole, Math.max(0, size - logical))
  if (length === 0 || (flags & UNWRITTEN) !== 0) return []
  const inline = (flags & INLINE) !== 0
  const placeless = inline || (flags & (UNKNOWN | DELALLOC)) !== 0
  return [{ logical, physical: placeless ? null : physical, length, inline }]
}

/** One file's extent may be told as two in its clone: only the places count. */
function joined(extents: readonly Extent[]): Extent[] {
  const result: Extent[] = []
  for (const extent of extents) {
    const last = result.at(-1)
    const follows =
      last?.physical != null &&
      last.logical + last.length === extent.logical &&
      last.physical + last.length === extent.physical
    if (follows) last.length += extent.length
    else result.push({ ...extent })
  }
  return result
}
