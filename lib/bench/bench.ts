import { stat } from 'node:fs/promises'
import { volumeOf } from '../volumes'
import { BenchError } from './bench-error'
import { conclude } from './conclusions'
import { makeField, requireSpace } from './field'
import { describeMachine } from './machine'
import { Measuring } from './measure'
import { packagesFor, packageTree } from './package-tree'
import { recommend } from './recommendation'
import type { BenchResult } from './result'
import { runRounds, type Progress } from './rounds'
import { rowOf } from './rows'
import { fileCount, quickScope, tasksOf, wholeScope, type Scope } from './scope'
import { settle } from './settle'
import { diskOf } from './disk'
import { Supplies } from './supplies'
import { countTree } from './tree-count'
import { Workers } from './workers'

export interface BenchOptions {
  /** Where: an existing directory, on the disk that is to be measured. */
  readonly dir: string
  /** A tree of the caller's own in place of the made one. */
  readonly source?: string
  readonly quick?: boolean
  /** Default: as many as fit the time limit, 5 at most. */
  readonly rounds?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

// Seconds.
const limit = 110

/**
 * Measures what cloning brings on the disk of a directory. Everything happens in a hidden directory in it, which is
 * removed at the end, also after an abort.
 */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { dir, source = null, quick = false, signal } = options
  const scope = quick ? quickScope() : wholeScope()
  await requireDirectory(dir)
  if (source !== null) await requireDirectory(source)
  await requireSpace(dir, await spaceFor(scope, source))

  const machine = describeMachine()
  const date = new Date().toISOString()
  const begin = performance.now()
  signal?.throwIfAborted()
  const field = await makeField(dir)
  const workers = new Workers()
  try {
    const supplies = new Supplies(field.dir, scope, source, signal)
    await supplies.prepare()
    const used = await diskOf(field.dir)
    await settle(field.dir, used)
    const wanted = options.rounds ?? scope.rounds
    const measuring = new Measuring(field.dir, used, supplies, workers, signal)
    const { entries, rounds } = await runRounds(measuring, tasksOf(scope), {
      ...{ rounds: wanted, onProgress: options.onProgress },
      limit: options.rounds === undefined ? limit : null,
    })
    const rows = entries.map((entry) => rowOf(entry, supplies.of(entry.task).holds))
    const { files, directories, bytes } = supplies.of({ size: null }).holds
    return {
      ...{ format: 1, date, machine, directory: dir },
      fileSystem: (await volumeOf(dir)).type,
      ...{ quick, rounds, cutShort: rounds < wanted },
      seconds: (performance.now() - begin) / 1000,
      tree: { source, files, directories, bytes },
      rows,
      conclusions: conclude(rows, rounds),
      recommendation: recommend(rows, rounds),
    }
  } finally {
    await workers.end()
    await field.remove()
  }
}

async function requireDirectory(path: string): Promise<void> {
  const found = await stat(path)
  if (!found.isDirectory()) throw new BenchError(`${path} is not a directory`)
}

/** Settled sources, and the biggest of them three times more: fresh, placed, and on its way. */
async function spaceFor(
  scope: Scope,
  source: string | null,
): Promise<{ bytes: number; files: number }> {
  const made = packageTree(packagesFor(scope.treeFiles))
  const tree =
    source === null
      ? { bytes: made.reduce((sum, { size }) => sum + size, 0), entries: 1.2 * made.length }
      : await entriesOf(source)
  const sizes = scope.sizes.map((size) => {
    const files = fileCount(scope, size)
    return { bytes: files * size, entries: files + 1 }
  })
  const all = [tree, ...sizes]
  const sum = (of: (each: typeof tree) => number): number =>
    all.reduce((total, each) => total + of(each), 0) +
    3 * all.reduce((most, each) => Math.max(most, of(each)), 0)
  // Small files take a block each.
  return {
    bytes: sum(({ bytes, entries }) => bytes + 4096 * entries),
    files: sum((e) => e.entries),
  }
}

async function entriesOf(dir: string): Promise<{ bytes: number; entries: number }> {
  const { files, directories, symlinks, bytes } = await countTree(dir)
  return { bytes, entries: files + directories + symlinks }
}
