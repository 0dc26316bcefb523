import type { Measured, Row, Task } from '../../lib/bench/result'
import { rowOf } from '../../lib/bench/rows'

const measured: Measured = {
  ...{ ms: 10, user: 1, system: 1 },
  ...{ syncMs: 1, disk: 0, data: null, removeMs: 1 },
}

/** A row with these rounds, of 64 MiB files or of a tree. */
export function row(
  task: Partial<Task>,
  rounds: readonly Partial<Measured>[],
  rest: Partial<Pick<Row, 'blocks' | 'failed'>> = {},
): Row {
  const all: Task = {
    ...{ work: 'sizes', method: 'clone', state: 'settled', size: 64 * 2 ** 20, workers: null },
    ...task,
    ...(task.work === 'tree' ? { size: null } : {}),
  }
  const entry = {
    ...{ task: all, blocks: null, failed: null, ...rest },
    rounds: rounds.map((round) => ({ ...measured, ...round })),
  }
  const files = all.work === 'tree' ? 1000 : 1
  const bytes = all.size ?? 5e6
  return rowOf(entry, { files, bytes, directories: 0, symlinks: 0, biggest: null })
}
