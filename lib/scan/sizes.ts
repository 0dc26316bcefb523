import { errno } from '../errno'
import { SystemError } from '../errors'
import { eachName, Kind, pathOf, type Host, type NamesJob, type Stats } from '../host/host'
import { forEachLimited, inGroups } from '../concurrency'
import { PackedTree } from './packed-tree'
import type { TreeDirectory } from './tree'

/** Looks at the files of directories that were read by name only, where nobody has yet. */
export type LearnSizes = (trees: Iterable<TreeDirectory>) => Promise<void>

const namesPerCall = 512

/** Learning on a host. */
export function sizeLearner(
  host: Host,
  concurrencyLimit: number,
  signal: AbortSignal | undefined,
): LearnSizes {
  return async (trees) => {
    const unknown = new Set<PackedTree>()
    for (const tree of trees) if (tree instanceof PackedTree && !tree.isSized) unknown.add(tree)
    if (unknown.size === 0) return
    const calls = inGroups(unknown, ({ names }) => names.length, namesPerCall)
    await forEachLimited(concurrencyLimit, signal, calls, (call) => learn(host, call))
  }
}

/** Files to look at, and what of them is known before. */
interface Question {
  readonly tree: PackedTree
  readonly jobs: NamesJob[]
  /** The index of each name's entry. */
  readonly indexes: readonly number[]
}

async function learn(host: Host, trees: readonly PackedTree[]): Promise<void> {
  const questions = trees.map(questionOf)
  const jobs = questions.flatMap((question) => question.jobs)
  const stats = await host.stat(jobs)
  throwIfChanged(jobs, stats)
  let first = 0
  for (const { tree, indexes } of questions) {
    const modes = new Uint16Array(tree.names.length)
    const sizes = new Float64Array(tree.names.length)
    for (const [index, content] of tree.contents) {
      modes[index] = tree.givenModes?.[index] ?? 0
      sizes[index] = content.length
    }
    indexes.forEach((index, at) => {
      modes[index] = stats.modes[first + at] as number
      sizes[index] = stats.sizes[first + at] as number
    })
    tree.learn({ modes, sizes })
    first += indexes.length
  }
}

function questionOf(tree: PackedTree): Question {
  const { origin, names, targets, contents } = tree
  const indexes = [...names.keys()].filter((index) => !targets.has(index) && !contents.has(index))
  if (origin !== undefined) return { tree, jobs: [{ to: origin, names }], indexes }
  const jobs = indexes.map((index): NamesJob => {
    const { place, name } = tree.fileAt(index)
    return { to: place, names: [name] }
  })
  return { tree, jobs, indexes }
}

/** The scan found regular files there, or the caller says so. */
function throwIfChanged(jobs: readonly NamesJob[], stats: Stats): void {
  for (const { index, job, name } of eachName(jobs)) {
    const kind = stats.kinds[index]
    if (kind === Kind.File) continue
    const failed = stats.errnos[index] ?? 0
    const number = failed !== 0 ? failed : kind === Kind.Missing ? errno.ENOENT : errno.EINVAL
    const syscall = failed !== 0 ? stats.syscall(index) : 'lstat'
    const hint = 'It was a regular file when the source was scanned'
    throw new SystemError(number, { syscall, path: pathOf(job.to, name), hint })
  }
}
