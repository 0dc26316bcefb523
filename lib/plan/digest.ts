import { createHash } from 'node:crypto'
import { constants, promises as fs } from 'node:fs'
import { forEachLimited } from '../concurrency'
import { pathOf } from '../host/host'
import type { Origin } from './plan'

/**
 * A digest of each file's first `length` bytes; undefined for one that cannot be read here. Files with different digests
 * differ; that others are equal is for a comparison to say, so neither the hash nor a path that leads elsewhere by now
 * can make two files pass for one.
 */
export type Digest = (
  files: readonly Origin[],
  length: number,
) => Promise<readonly (string | undefined)[]>

const chunkBytes = 64 * 1024
const filesPerTurn = 16

/** Digests by node:fs, so many files at once. */
export function digester(concurrencyLimit: number, signal: AbortSignal | undefined): Digest {
  return async (files, length) => {
    const digests = new Array<string | undefined>(files.length)
    const turns: number[][] = []
    for (let first = 0; first < files.length; first += filesPerTurn) {
      const end = Math.min(files.length, first + filesPerTurn)
      turns.push(Array.from({ length: end - first }, (_, index) => first + index))
    }
    await forEachLimited(concurrencyLimit, signal, turns, async (turn) => {
      const buffer = Buffer.allocUnsafe(Math.min(length, chunkBytes))
      for (const index of turn) {
        const file = files[index] as Origin
        digests[index] =
          'content' in file
            ? createHash('sha1').update(file.content.subarray(0, length)).digest('base64')
            : await digestOf(pathOf(file.place, file.name), length, buffer, signal)
      }
    })
    return digests
  }
}

async function digestOf(
  path: string,
  length: number,
  buffer: Buffer,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  let file: fs.FileHandle | undefined
  try {
    file = await fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (!(await file.stat()).isFile()) return undefined
    const hash = createHash('sha1')
    for (let at = 0; at < length && signal?.aborted !== true;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - at), at)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    return hash.digest('base64')
  } catch {
    // The comparison tells why.
    return undefined
  } finally {
    await file?.close()
  }
}
