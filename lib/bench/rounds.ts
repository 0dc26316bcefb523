import { CannotDo, type Measuring } from './measure'
import type { Blocks, Measured, Task } from './result'
import { fewestRounds } from './statistics'

/** A task, and what came of it. */
export interface Entry {
  readonly task: Task
  blocks: Blocks | null
  failed: string | null
  rounds: Measured[]
}

export interface Progress {
  /** 0: the rehearsal. */
  readonly round: number
  readonly done: number
  readonly total: number
}

export interface RoundsOptions {
  readonly rounds: number
  /** Seconds; null: none. */
  readonly limit: number | null
  readonly onProgress: ((progress: Progress) => void) | undefined
}

/**
 * Does every task in each round, from another one on each time, after a rehearsal that is not measured. A limit ends
 * it between rounds: after the fewest that let one conclude anything, or, on a disk so slow that even these would take
 * four times the limit, before.
 */
export async function runRounds(
  measuring: Measuring,
  tasks: readonly Task[],
  { rounds, limit, onProgress }: RoundsOptions,
): Promise<{ entries: Entry[]; rounds: number }> {
  const entries = tasks.map((task): Entry => ({ task, blocks: null, failed: null, rounds: [] }))
  const total = tasks.length * (rounds + 1)
  const begin = performance.now()
  let done = 0
  for (let round = 0; round <= rounds; round++) {
    const elapsed = (performance.now() - begin) / 1000
    const expected = elapsed + (round === 0 ? 0 : elapsed / round)
    const enough = round > fewestRounds || elapsed > 4 * (limit ?? Infinity)
    if (enough && expected > (limit ?? Infinity)) return { entries, rounds: round - 1 }
    for (const entry of from(entries, Math.floor((round * entries.length) / (rounds + 1)))) {
      onProgress?.({ round, done: done++, total })
      if (entry.failed === null) await once(measuring, entry, round)
    }
  }
  return { entries, rounds }
}

function from<T>(items: readonly T[], start: number): T[] {
  return [...items.slice(start), ...items.slice(0, start)]
}

async function once(measuring: Measuring, entry: Entry, round: number): Promise<void> {
  try {
    if (round === 0) entry.blocks = await measuring.rehearse(entry.task)
    else entry.rounds.push(await measuring.measure(entry.task))
  } catch (error) {
    if (!(error instanceof CannotDo)) throw error
    entry.failed = error.message
    entry.rounds = []
  }
}
