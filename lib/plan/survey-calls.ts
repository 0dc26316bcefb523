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
