import fs from 'node:fs'

import type { MergeOptions, DirectorySource } from '../../lib/index'
import { bundled, bundleEnv } from './bundle'
import { startCommand } from './child'

/** A merge for one of many processes. */
export interface Contender {
  readonly id: number
  readonly sources: readonly DirectorySource[]
  readonly options: Pick<MergeOptions, 'existing' | 'linkModes'>
  readonly inSession: boolean
  /** Kills itself before this change of the system, counted from 1. */
  readonly killAt?: number
  /** Kills itself after so many ms. */
  readonly killAfter?: number
}

export interface Contest {
  readonly dest: string
  /** Where all processes write their events, a line each. */
  readonly log: string
  readonly merges: readonly Contender[]
}

export type Counts = Record<'created' | 'replaced' | 'kept' | 'unchanged', number>

export type Event =
  | { id: number; what: 'began' }
  | { id: number; what: 'locked'; at: string }
  | { id: number; what: 'done'; counts: Counts }
  | { id: number; what: 'failed'; code: string; message: string }

/** One process after the other, until all its merges have begun: how many of them were killed. */
export async function contend({ dest, log, merges }: Contest): Promise<number> {
  const script = await bundled('contender-child.cjs')
  let left = merges
  let kills = 0
  while (left.length > 0) {
    const input = JSON.stringify({ dest, log, merges: left } satisfies Contest)
    const child = startCommand([process.execPath, script], {
      env: bundleEnv,
      input,
      timeout: 1_800_000,
    })
    const { code, signal, stderr, timedOut } = await child.done
    if (timedOut) throw new Error('a process came to no end')
    if (code !== 0 && signal !== 'SIGKILL') throw new Error(`ended with ${String(code)}: ${stderr}`)
    if (code === 0) break
    kills++
    const begun = new Set(eventsIn(log).map(({ id }) => id))
    left = left.filter(({ id }) => !begun.has(id))
  }
  return kills
}

export function eventsIn(log: string): Event[] {
  if (!fs.existsSync(log)) return []
  const lines = fs.readFileSync(log, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Event)
}
