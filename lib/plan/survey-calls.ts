import { identityLength } from '../host/host'
import type { PlanDirectory } from './plan'

const namesPerCall = 512

/** Directories in groups of enough names for one call. */
export function* inBatches(directories: readonly PlanDirectory[]): Generator<PlanDirectory[]> {
  let batch: PlanDirectory[] = []
  let names = 0
  for (const directory of directories) {
    batch.push(directory)
    names += directory.directories.size
    for (const { picks } of directory.parts) names += picks.length
    if (names < namesPerCall) continue
    yield batch
    batch = []
    names = 0
  }
  if (batch.length > 0) yield batch
}

/** Tells for an entry whether it is the same inode in the same state as when it was last looked at. */
export function unchangedEntries(
  before: BigUint64Array | undefined,
  now: BigUint64Array,
): (entry: number) => boolean {
  if (before === undefined) return () => false
  // In halves, since every 64-bit number that JavaScript reads is an object of its own.
  const [old, current] = [halves(before), halves(now)]
  const width = 2 * identityLength
  return (entry) => {
    for (let i = entry * width; i < (entry + 1) * width; i++) {
      if (old[i] !== current[i]) return false
    }
    return true
  }
}

function halves({ buffer, byteOffset, length }: BigUint64Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, 2 * length)
}
