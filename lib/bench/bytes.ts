import { createCipheriv } from 'node:crypto'

const length = 1 << 20
const half = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
  .update(Buffer.alloc(length / 2))
  .toString('hex')
// Digits, so that a file system that compresses halves it, as it does with source code.
const text = Buffer.from(half, 'latin1')

/** Always the same bytes for the same size and seed; other ones for another seed. */
export function bytesOf(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  // A prime step: no two files of a tree begin alike.
  let from = (seed * 7919) % length
  for (let at = 0; at < size; from = 0) at += text.copy(bytes, at, from)
  return bytes
}
