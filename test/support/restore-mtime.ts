import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

import { freshDir } from './fresh'

/** Writes other bytes into a file, as many as it has, and sets its mtime back, to the nanosecond. */
export function editUnseen(file: string, byte = '!'): void {
  const reference = path.join(freshDir(), 'reference')
  fs.writeFileSync(reference, '')
  execFileSync('touch', ['-r', file, reference])
  const { mtimeNs, size } = fs.statSync(file, { bigint: true })
  fs.writeFileSync(file, byte.repeat(Number(size)))
  execFileSync('touch', ['-r', reference, file])
  if (fs.statSync(file, { bigint: true }).mtimeNs !== mtimeNs) throw new Error('another mtime')
}
