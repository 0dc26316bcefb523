import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'

import { compile } from './compile'

/** A directory, and the symlink that takes its place again and again. */
export interface Swap {
  readonly directory: string
  readonly link: string
}

/** A process that swaps directories for symlinks, each time for a moment. */
export class Adversary {
  private readonly text: string[] = []

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => this.text.push(chunk.toString()))
  }

  /** `spoils`: an empty directory for what merges put in the place of the symlinks. */
  static async start(swaps: readonly Swap[], spoils: string): Promise<Adversary> {
    const pairs = swaps.flatMap(({ directory, link }) => [
      ...[path.dirname(directory), path.basename(directory)],
      ...[path.dirname(link), path.basename(link)],
    ])
    const env = { ...process.env, LD_PRELOAD: undefined }
    const stdio = ['pipe', 'pipe', 'inherit'] as const
    const child = spawn(await compile('swapper.c'), [spoils, ...pairs], { env, stdio: [...stdio] })
    const adversary = new Adversary(child)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    return adversary
  }

  /** Leaves every directory in its place; how often it swapped two names. */
  async end(): Promise<number> {
    if (this.child.exitCode === null) {
      this.child.stdin?.end()
      await once(this.child, 'close')
    }
    if (this.child.exitCode !== 0) throw new Error('the adversary has failed')
    return Number(this.text.join('').trim().split('\n').at(-1))
  }
}

const long = new Date('2001-01-01T00:00:00Z')
const later = new Date('2002-01-01T00:00:00Z')

/** A tree that nobody may change, or even look into. */
export class Canary {
  private readonly before: string

  constructor(private readonly paths: readonly string[]) {
    // Deepest first, since a look at a directory would count. Older than mtime, so that the first read sets it anew
    // (relatime, mount(8)).
    for (const at of [...paths].sort().reverse())
      if (!fs.lstatSync(at).isSymbolicLink()) fs.utimesSync(at, long, later)
    this.before = this.look()
  }

  /** Inodes, sizes and all times of all of it: one line each for what has changed. */
  changes(): string[] {
    const before = this.before.split('\n')
    return this.look()
      .split('\n')
      .filter((line, index) => line !== before[index])
  }

  private look(): string {
    const lines = this.paths.map((at) => {
      const status = fs.lstatSync(at, { bigint: true, throwIfNoEntry: false })
      if (status === undefined) return `${at}: gone`
      const { ino, mode, nlink, size, atimeNs, mtimeNs, ctimeNs } = status
      return `${at}: ${[ino, mode, nlink, size, atimeNs, mtimeNs, ctimeNs].join(' ')}`
    })
    return lines.join('\n')
  }
}
