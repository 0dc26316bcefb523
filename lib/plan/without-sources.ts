import { recordLength, type Manifest, type RecordedDirectory } from '../manifest'
import type { Removals } from './removals'

/** A manifest without these sources, once what they alone had is gone from dest. */
export function withoutSources(
  manifest: Manifest,
  names: ReadonlySet<string>,
  removals: Removals,
): Manifest {
  const { rows, directories } = manifest
  const numbers = new Map<number, number>()
  const sources = manifest.sources.filter(({ name }, number) => {
    if (names.has(name)) return false
    numbers.set(number, numbers.size)
    return true
  })
  const left = (all: readonly number[]): number[] =>
    all.flatMap((source) => numbers.get(source) ?? [])
  const kept: number[] = []
  const kinds: RecordedDirectory[] = []
  const isLeft = (row: number): boolean => {
    if (removals.rows.has(row) || removals.released.has(row)) return false
    return left([rows.owners[row] ?? 0, ...(rows.shared.get(row) ?? [])]).length > 0
  }
  for (const directory of directories) {
    const { path } = directory
    if (removals.isGone(path)) continue
    const first = kept.length
    for (let row = directory.first; row < directory.end; row++) if (isLeft(row)) kept.push(row)
    const own = left(directory.sources)
    // One that others have put something into is taken out later, once it is empty.
    const isWanted = own.length > 0 || kept.length > first || directory.isMade || path === ''
    if (isWanted) {
      const records = recordsLeft(directory, numbers)
      kinds.push({ ...directory, first, end: kept.length, sources: own, records })
    }
  }
  const records = (column: BigUint64Array): BigUint64Array => {
    const cut = new BigUint64Array(kept.length * recordLength)
    kept.forEach((row, index) => {
      cut.set(column.subarray(row * recordLength, (row + 1) * recordLength), index * recordLength)
    })
    return cut
  }
  const mapped = <T>(map: ReadonlyMap<number, T>): Map<number, T> => {
    const cut = new Map<number, T>()
    kept.forEach((row, index) => {
      const value = map.get(row)
      if (value !== undefined) cut.set(index, value)
    })
    return cut
  }
  const shared = new Map<number, readonly number[]>()
  const owners = Uint32Array.from(kept, (row, index) => {
    // The next of those that have the same becomes its owner.
    const [owner = 0, ...others] = left([rows.owners[row] ?? 0, ...(rows.shared.get(row) ?? [])])
    if (others.length > 0) shared.set(index, others)
    return owner
  })
  return {
    ...manifest,
    sources,
    directories: kinds,
    names: kept.map((row) => manifest.names[row] ?? ''),
    rows: {
      kinds: Uint8Array.from(kept, (row) => rows.kinds[row] ?? 0),
      modes: Uint16Array.from(kept, (row) => rows.modes[row] ?? 0),
      sizes: Float64Array.from(kept, (row) => rows.sizes[row] ?? 0),
      found: Uint8Array.from(kept, (row) => rows.found[row] ?? 0),
      ...{ owners, shared },
      dest: records(rows.dest),
      source: records(rows.source),
      targets: mapped(rows.targets),
      origins: mapped(rows.origins),
      hashes: mapped(rows.hashes),
    },
  }
}

/** The records of the sources that stay. */
function recordsLeft(
  { sources, records }: RecordedDirectory,
  numbers: ReadonlyMap<number, number>,
): BigUint64Array {
  const left: bigint[] = []
  for (const [index, source] of sources.entries()) {
    if (!numbers.has(source)) continue
    for (let i = 0; i < recordLength; i++) left.push(records[index * recordLength + i] ?? 0n)
  }
  return BigUint64Array.from(left)
}
