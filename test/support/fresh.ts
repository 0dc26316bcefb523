import fs from 'node:fs'
import path from 'node:path'

import { runTool } from './tool'
import { workshopFor } from './workshop'

const ofTheTest: string[] = []
const ofTheRun: string[] = []
let inTest = false

/**
 * A new empty directory (mode 0755) in `dir`. Asked for in a test or a beforeEach it is removed after the test,
 * asked for in a before it stays until the end of the run.
 */
export function freshIn(dir: string): string {
  const fresh = fs.mkdtempSync(path.join(dir, 'fresh-'))
  fs.chmodSync(fresh, 0o755)
  ;(inTest ? ofTheTest : ofTheRun).push(fresh)
  return fresh
}

/** The same where the file system does not matter: in memory when a GiB is free there. */
export function freshDir(): string {
  return freshIn(workshopFor(1 << 30))
}

/** For the root hooks: what is asked for from now on belongs to one test. */
export function testBegins(): void {
  inTest = true
}

/** For the root hooks. */
export async function testEnds(): Promise<void> {
  inTest = false
  await removeAll(ofTheTest)
}

/** For the root hooks. */
export async function runEnds(): Promise<void> {
  await removeAll(ofTheTest)
  await removeAll(ofTheRun)
}

/** Removes a directory with all in it, whatever its modes. */
export function removeDir(dir: string): Promise<void> {
  return removeAll([dir])
}

async function removeAll(dirs: string[]): Promise<void> {
  const gone = dirs.splice(0).filter((dir) => fs.existsSync(dir))
  if (gone.length === 0) return
  if (process.platform === 'win32') {
    // It has no rm, and fs.rm takes off what keeps a file from being written.
    for (const dir of gone) await fs.promises.rm(dir, { recursive: true, force: true })
    return
  }
  try {
    await runTool('rm', ['-rf', '--', ...gone])
  } catch {
    // Not root, and a test left directories that may not be written.
    await runTool('chmod', ['-R', 'u+rwX', '--', ...gone])
    await runTool('rm', ['-rf', '--', ...gone])
  }
}
