import type { Host } from '../host/host'
import { TreeFound } from '../host/whole-trees'
import type { Pending } from './directory'
import { PackedTree } from './packed-tree'

// Enough to make a trip worthwhile, few enough to keep all workers busy.
const treesPerCall = 8

/** Reads the next trees whole; those that are plain are attached, the others answered: they are to be listed. */
export async function readTrees(
  scanTrees: NonNullable<Host['scanTrees']>,
  queue: Pending[],
  sized: boolean,
): Promise<{ others: Pending[]; files: number }> {
  const batch = queue.splice(0, treesPerCall)
  const columns = await scanTrees(
    batch.map(({ place }) => place),
    sized,
  )
  const others: Pending[] = []
  let files = 0
  batch.forEach((pending, index) => {
    const found = columns.found[index]
    if (found !== TreeFound.Plain) {
      others.push({ ...pending, tries: found === TreeFound.Large ? pending.tries - 1 : 0 })
      return
    }
    const tree = PackedTree.of(columns, index, pending.place)
    files += tree.allFiles
    pending.attach(tree)
  })
  return { others, files }
}
