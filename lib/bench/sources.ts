import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runLimited } from '../concurrency'
import { bytesOf } from './bytes'
import type { FileSpec } from './package-tree'

/** Files of one size, all in one directory. */
export function filesOf(size: number, count: number): FileSpec[] {
  return Array.from({ length: count }, (_, index) => ({ path: `file-${String(index)}`, size }))
}

/** Writes the files into a directory that is made for them. */
export async function writeFiles(
  dir: string,
  files: readonly FileSpec[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const parent of new Set(['', ...files.map(({ path }) => dirname(path))])) {
    await mkdir(join(dir, parent), { recursive: true })
  }
  const rest = files.entries()
  await runLimited(4, signal, () => {
    const { done, value } = rest.next()
    if (done === true) return undefined
    const [seed, { path, size }] = value
    return writeFile(join(dir, path), bytesOf(size, seed), { flag: 'wx' })
  })
}
