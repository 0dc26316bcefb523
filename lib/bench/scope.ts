import { availableParallelism } from 'node:os'
import { methods, type Task } from './result'

const KiB = 1024
const MiB = 1024 * KiB

/** What is measured, and how much of it. */
export interface Scope {
  /** Bytes of a file, each four times the one before. */
  readonly sizes: readonly number[]
  /** How many files of a size, and how many bytes of them unless one alone has more. */
  readonly files: number
  readonly bytes: number
  /** About how many files the made tree has. */
  readonly treeFiles: number
  readonly workers: readonly number[]
  readonly rounds: number
}

/** A minute or two on a disk that is not slow. */
export function wholeScope(): Scope {
  return {
    sizes: [0, ...[1, 4, 16, 64, 256].map((n) => n * KiB), ...[1, 4, 16, 64].map((n) => n * MiB)],
    ...{ files: 60, bytes: 16 * MiB, treeFiles: 2500, rounds: 5 },
    workers: workerCounts(2 * availableParallelism()),
  }
}

/** Some seconds. */
export function quickScope(): Scope {
  return {
    sizes: [0, 4 * KiB, 64 * KiB, MiB, 64 * MiB],
    ...{ files: 30, bytes: 4 * MiB, treeFiles: 400, rounds: 3 },
    workers: workerCounts(availableParallelism()),
  }
}

/** Powers of two: up to twice the cores, as more than cores are said to help. */
function workerCounts(most: number): number[] {
  const counts: number[] = []
  for (let count = 1; count <= Math.min(most, 32); count *= 2) counts.push(count)
  return counts
}

/** How many files of a size are placed in one measurement. */
export function fileCount({ files, bytes }: Scope, size: number): number {
  return Math.max(1, Math.min(files, Math.floor(bytes / Math.max(size, 1))))
}

/** All that is measured, in the order of the report. */
export function tasksOf(scope: Scope): Task[] {
  const states = ['settled', 'fresh'] as const
  const trees = states.flatMap((state) =>
    methods.map((method): Task => ({ work: 'tree', method, state, size: null, workers: null })),
  )
  // fs.cp does one after the other, and takes no number.
  const byWorkers = scope.workers.flatMap((workers) =>
    methods
      .filter((method) => method !== 'fs.cp')
      .map((method): Task => ({ work: 'tree', method, state: 'settled', size: null, workers })),
  )
  const bySize = states.flatMap((state) =>
    scope.sizes
      // Of an empty file nothing has to be written.
      .filter((size) => size > 0 || state === 'settled')
      .flatMap((size) =>
        methods.map((method): Task => ({ work: 'sizes', method, state, size, workers: null })),
      ),
  )
  return [...trees, ...byWorkers, ...bySize]
}
