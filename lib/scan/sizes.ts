import { errno } from '../errno'
import { SystemError } from '../errors'
import { Kind, pathOf, type Host, type NamesJob, type Stats } from '../host/host'
import { eachInLanes, inGroups } from '../lanes'
import { PackedTree } from './packed-tree'
import type { TreeDirectory } from './tree'

/** Looks at the files of directories that were read by name only, where nobody has yet. */
export type LearnSizes = (trees: Iterable<TreeDirectory>) => Promise<void>

const namesPerCall = 512

/** Learning on a host. */
export function sizeLearner(
  host: Host,
  lanes: number,
  signal: AbortSignal | undefined,
): LearnSizes {
  return async (trees) => {
    const unknown = new Set<PackedTree>()
    for (const tree of trees) if (tree instanceof PackedTree && !tree.isSized) unknown.add(tree)
    if (unknown.size === 0) return
    const calls = inGroups(unknown, ({ names }) => names.length, namesPerCall)
    await eachInLanes(lanes, signal, calls, (call) => learn(host, call))
  }
}

async function learn(host: Host, trees: readonly PackedTree[]): Promise<void> {
  const jobs = trees.map(({ origin, names }) => ({ to: origin, names }))
  const stats = await host.stat(jobs)
  let first = 0
  trees.forEach((tree, index) => {
    const end = first + tree.names.length
    throwIfChanged(jobs[index] as NamesJob, stats, first)
    tree.learn({ modes: stats.modes.slice(first, end), sizes: stats.sizes.slice(first, end) })
    first = end
  })
}

/** The scan found regular files there. */
function throwIfChanged({ to, names }: NamesJob, stats: Stats, first: number): void {
  names.forEach((name, position) => {
    const index = first + position
    const kind = stats.kinds[index]
    if (kind === Kind.File) return
    const failed = stats.errnos[index] ?? 0
    const number = failed !== 0 ? failed : kind === Kind.Missing ? errno.ENOENT : errno.EINVAL
    const syscall = failed !== 0 ? stats.syscall(index) : 'lstat'
    const hint = 'It was a regular file when the source was read'
    throw new SystemError(number, { syscall, path: pathOf(to, name), hint })
  })
}
