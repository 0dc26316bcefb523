import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import { runTool } from './tool'

const compiled = new Map<string, Promise<string>>()

/** The program of a C file in this folder, compiled at the first need and kept for later runs. */
export function compile(file: string): Promise<string> {
  let program = compiled.get(file)
  if (program === undefined) {
    program = build(file)
    compiled.set(file, program)
  }
  return program
}

async function build(file: string): Promise<string> {
  const source = path.join(__dirname, file)
  const hash = createHash('sha256').update(process.arch).update(fs.readFileSync(source))
  const program = path.join(
    cacheDir(),
    `${path.parse(file).name}-${hash.digest('hex').slice(0, 16)}`,
  )
  if (fs.existsSync(program)) return program
  // Another process may compile the same: the last rename wins, and both are whole.
  const unfinished = `${program}.${String(process.pid)}`
  await runTool('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', unfinished, source])
  fs.renameSync(unfinished, program)
  return program
}

function cacheDir(): string {
  const uid = process.getuid?.() ?? 0
  const dir = path.join(os.tmpdir(), `reflink-merge-tools-${String(uid)}`)
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
  if (fs.lstatSync(dir).uid !== uid) throw new Error(`${dir} belongs to somebody else`)
  return dir
}
