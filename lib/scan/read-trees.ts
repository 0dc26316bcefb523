import { joinPath, type Host } from '../host/host'
import { TreeFound } from '../host/whole-trees'
import { depthProblem } from './depth'
import type { Pending } from './directory'
import { PackedTree } from './packed-tree'
import type { Problems } from './problems'

// Enough to make a trip worthwhile, few enough to keep all workers busy.
const treesPerCall = 8

/** Reads the next trees whole; those that are plain are attached, the others answered: they are to be listed. */
export async function readTrees(
  scanTrees: NonNullable<Host['scanTrees']>,
  queue: Pending[],
  sized: boolean,
  problems: Problems,
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
    files += tree.allEntries
    refuseTooDeep(tree, pending, problems)
    pending.attach(tree)
  })
  return { others, files }
}

/** What is read at once is not deep by itself, only where it lies. */
function refuseTooDeep(tree: PackedTree, { source, to, path }: Pending, problems: Problems): void {
  if (path === '' && to === '') return
  for (const below of tree.eachPath()) {
    const at = joinPath(to, below)
    const problem = depthProblem(at)
    if (problem === undefined) continue
    problems.badName(source.name, below, problem)
    return
  }
}
