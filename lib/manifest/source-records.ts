import {
  identityLength,
  Kind,
  type Host,
  type NamesJob,
  type Place,
  type Stats,
} from '../host/host'
import { forEachLimited, inGroups } from '../concurrency'
import type { TreeDirectory } from '../scan/tree'
import { systemTime, type Clocks } from './clock'
import { isSameRecord, recordLength } from './manifest'

const namesPerCall = 512

interface Look {
  readonly tree: TreeDirectory
  readonly jobs: readonly NamesJob[]
  /** The index of each name's entry. */
  readonly indexes: readonly number[]
}

/**
 * Stat records of the entries of sources. They are taken before anything is read, so that a source that changes later has
 * another record than the one that is kept.
 */
export class SourceRecords {
  private readonly known = new Map<TreeDirectory, BigUint64Array>()

  constructor(
    private readonly host: Host,
    private readonly concurrencyLimit: number,
    private readonly signal: AbortSignal | undefined,
    private readonly clocks: Clocks,
  ) {}

  async learn(trees: Iterable<TreeDirectory>): Promise<void> {
    const looks = new Map<TreeDirectory, Look>()
    for (const tree of trees) {
      if (tree.names.length > 0 && !this.known.has(tree)) looks.set(tree, lookAt(tree))
    }
    const calls = inGroups(looks.values(), ({ indexes }) => indexes.length, namesPerCall)
    await forEachLimited(this.concurrencyLimit, this.signal, calls, async (call) => {
      const at = systemTime()
      const names = call.flatMap(({ jobs }) => jobs)
      const stats = await this.host.stat(names)
      await this.clocks.learn(names, stats)
      let first = 0
      for (const { tree, indexes } of call) {
        const records = new BigUint64Array(tree.names.length * recordLength)
        indexes.forEach((index, offset) => {
          copyRecord(this.clocks, stats, first + offset, records, index, at)
        })
        this.known.set(tree, records)
        first += indexes.length
      }
    })
  }

  /** One record an entry; 0 for what is no file of a source, and for what was not looked at. */
  of(tree: TreeDirectory): BigUint64Array {
    let records = this.known.get(tree)
    if (records === undefined) {
      records = new BigUint64Array(tree.names.length * recordLength)
      this.known.set(tree, records)
    }
    return records
  }
}

/** Is the stat record of an entry the one at a place of a column? */
export function hasRecord(
  { identities }: Stats,
  entry: number,
  column: BigUint64Array,
  at: number,
): boolean {
  const first = entry * identityLength + 1
  return isSameRecord(column, at, identities.subarray(first, first + recordLength), 0)
}

/** The record of an entry that was looked at; its ctime is 0 where a later change might not show. */
export function copyRecord(
  clocks: Clocks,
  { identities, kinds }: Stats,
  from: number,
  to: BigUint64Array,
  at: number,
  time: bigint,
): void {
  if (kinds[from] === Kind.Missing) return
  const [device = 0n, ino = 0n, mtime = 0n, ctime = 0n] = identities.subarray(from * identityLength)
  const start = at * recordLength
  to[start] = ino
  to[start + 1] = mtime
  to[start + 2] = clocks.isReliable(device, ctime, time) ? ctime : 0n
}

function lookAt(tree: TreeDirectory): Look {
  const { origin, names } = tree
  if (origin !== undefined) {
    return { tree, jobs: [{ to: origin, names }], indexes: [...names.keys()] }
  }
  const byDirectory = new Map<string, { to: Place; names: string[]; indexes: number[] }>()
  for (const index of names.keys()) {
    if (tree.kinds[index] !== Kind.File || tree.contents.has(index)) continue
    const { place, name } = tree.fileAt(index)
    const key = `${typeof place.base === 'string' ? place.base : place.base.path}/${place.path}`
    let own = byDirectory.get(key)
    if (own === undefined) byDirectory.set(key, (own = { to: place, names: [], indexes: [] }))
    own.names.push(name)
    own.indexes.push(index)
  }
  const jobs = [...byDirectory.values()]
  return { tree, jobs, indexes: jobs.flatMap(({ indexes }) => indexes) }
}
