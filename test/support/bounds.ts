import fs from 'node:fs'
import path from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

import type { MergeOptions, DirectorySource } from '../../lib/index'
import { startCommand } from './child'

/** A merge that is to do with little. */
export interface BoundsOrder {
  readonly sources: readonly DirectorySource[]
  readonly dest: string
  readonly options?: Pick<MergeOptions, 'concurrency' | 'existing'>
  /** Take all descriptors for so many ms, give them back for as long, and so on. */
  readonly crowd?: number
  /** Read files and hash meanwhile, and tell how long that takes. */
  readonly watch?: boolean
}

interface BoundsReport {
  files: number
  containment: 'kernel' | 'best-effort'
  /** Descriptors that were taken. */
  crowded: number
  /** ms. */
  total: number
  /** Of the event loop, ms. */
  loop: { p99: number; max: number }
  /** ms, ascending. */
  reads: number[]
  /** ms, ascending. */
  hashes: number[]
  /** Bytes, at the end. */
  rss: number
}

interface Watched extends BoundsReport {
  /** The most descriptors that were seen open at once. */
  descriptors: number
}

const script = path.join(__dirname, 'bounds-child.cjs')

interface BoundedOptions {
  /** RLIMIT_NOFILE. */
  readonly files?: number
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the merge in a process of its own, and looks all the time at what it has open. */
export async function bounded(
  order: BoundsOrder,
  { files, env = {} }: BoundedOptions = {},
): Promise<Watched> {
  const child = startCommand([process.execPath, script], {
    env: {
      NODE_V8_COVERAGE: undefined,
      LD_PRELOAD: undefined,
      REFLINK_MERGE_ADDON: undefined,
      ...env,
    },
    input: JSON.stringify(order),
    timeout: 600_000,
    ...(files !== undefined && {
      prefix: ['prlimit', `--nofile=${String(files)}:${String(files)}`],
    }),
  })
  const descriptors = mostOpen(child.process.pid ?? 0, child.done)
  const { code, stdout, stderr } = await child.done
  if (code !== 0) throw new Error(`the merge ended with ${String(code)}: ${stderr}`)
  return { ...(JSON.parse(stdout) as BoundsReport), descriptors: await descriptors }
}

async function mostOpen(pid: number, done: Promise<unknown>): Promise<number> {
  const state = { isOver: false }
  const end = (): void => {
    state.isOver = true
  }
  void done.then(end, end)
  let most = 0
  while (!state.isOver) {
    await turn()
    try {
      most = Math.max(most, fs.readdirSync(`/proc/${String(pid)}/fd`).length)
    } catch {
      // It is gone, or not there yet.
    }
  }
  return most
}
