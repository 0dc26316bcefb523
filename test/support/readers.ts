import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from './child'

/** What may stand at a path. */
export interface Whole {
  /** `octal mode, size, sha256` of each whole entry. */
  readonly whole: string[]
  /** The size of the smallest. */
  least: number
  /** Its path is never empty. */
  readonly always: boolean
}

export interface ReaderOrder {
  readonly dest: string
  /** By path. */
  readonly files: Readonly<Record<string, Whole>>
  /** Path of a directory ('' is dest) → all names that it may hold. */
  readonly directories: Readonly<Record<string, readonly string[]>>
  /** What names in dest itself may begin with in addition. */
  readonly hidden: string
  /** A file: once it is there, they end. */
  readonly stop: string
}

export interface ReaderReport {
  opens: number
  /** Opens that found nothing. */
  missing: number
  listings: number
  /** Files that were shorter than any whole one. */
  short: number
  /** The first of what was no whole entry. */
  faults: string[]
}

export interface Readers {
  /** Ends them; what each of them saw. */
  end(): Promise<ReaderReport[]>
}

const script = path.join(__dirname, 'reader-child.cjs')

/** Starts processes that read a tree in a loop; they read by the time this resolves. */
export async function startReaders(count: number, order: ReaderOrder): Promise<Readers> {
  const options = { input: JSON.stringify(order), timeout: 3_600_000 }
  // Sanitizers are for the addon, which a reader has not got.
  const env = { NODE_V8_COVERAGE: undefined, LD_PRELOAD: undefined }
  const children = Array.from({ length: count }, () =>
    startCommand([process.execPath, script], { ...options, env }),
  )
  await Promise.all(
    children.map(async ({ process: child, done }) => {
      if (child.stdout) await Promise.race([once(child.stdout, 'data'), done])
    }),
  )
  return {
    async end() {
      fs.writeFileSync(order.stop, '')
      const ended = await Promise.all(children.map(({ done }) => done))
      return ended.map(({ code, stdout, stderr }) => {
        if (code !== 0) throw new Error(`a reader ended with ${String(code)}: ${stderr}`)
        return JSON.parse(stdout.slice(stdout.indexOf('{'))) as ReaderReport
      })
    },
  }
}
