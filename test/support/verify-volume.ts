import fs from 'node:fs'
import path from 'node:path'

import { runToolSync } from './tool'
import { expectationOf } from './volume-kinds'
import type { VolumeKind } from './volume-kinds'

/** Throws unless the file system at `point` is of the promised kind and clones, or refuses to, as promised. */
export async function verifyVolume(kind: VolumeKind, point: string): Promise<void> {
  const { magic, reflinks } = expectationOf(kind)
  const { type } = await fs.promises.statfs(point)
  // f_type is signed on some machines: only its 32 bits count.
  if (type >>> 0 !== magic)
    throw new Error(`${kind} volume: file system type is 0x${(type >>> 0).toString(16)}`)

  const original = path.join(point, 'original')
  const clone = path.join(point, 'clone')
  fs.writeFileSync(original, Buffer.alloc(64 << 10, 'x'))
  const complaint = runToolSync('cp', ['--reflink=always', original, clone])
  fs.rmSync(original)
  fs.rmSync(clone, { force: true })
  if (reflinks && complaint !== null) throw new Error(`${kind} volume does not clone: ${complaint}`)
  if (!reflinks && complaint === null) throw new Error(`${kind} volume clones, and should not`)
}
