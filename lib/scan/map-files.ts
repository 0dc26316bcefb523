import { sep } from 'node:path'
import { errno } from '../errno'
import { SystemError } from '../errors'
import { Kind, pathOf, type Host, type NamesJob, type Stats } from '../host/host'
import { Row } from '../host/whole-trees'
import { PackedTree } from './packed-tree'
import { Problems, type Policies } from './problems'
import type { MapColumns, TreeTable } from './table'
import type { SourceTree } from './tree'

/** A look at all files of a map that lie in the store. */
interface Look {
  readonly jobs: NamesJob[]
  /** Which entry each name is of, in the order of the jobs. */
  readonly rows: number[]
}

/** Looks at each file of a map, and gives its tree with their modes and sizes. `source`: its name. */
export async function lookAtFiles(
  host: Pick<Host, 'stat'>,
  tree: PackedTree,
  source: string,
  problems: Problems,
): Promise<PackedTree> {
  const { table, start } = tree.origins
  const { map } = table
  if (map === undefined) return tree
  const { jobs, rows } = lookFor(map)
  const stats = await host.stat(jobs)
  const fileModes = new Uint16Array(map.sourceEnds.length)
  const sizes = new Float64Array(map.sourceEnds.length)
  for (const [row, content] of map.contents) {
    fileModes[row] = map.givenModes?.[row] ?? 0
    sizes[row] = content.length
  }
  rows.forEach((row, index) => {
    fileModes[row] = stats.modes[index] as number
    sizes[row] = stats.sizes[index] as number
    if (stats.kinds[index] !== Kind.File) tell(tree, row, source, stats, index, problems)
  })
  return PackedTree.of(
    { ...table, sized: true, fileModes, sizes, bytes: sumsOf(table, sizes) },
    0,
    start,
  )
}

function lookFor({ root, sources, kinds }: MapColumns): Look {
  const byDirectory = new Map<string, { names: string[]; rows: number[] }>()
  sources.split('\0').forEach((text, row, all) => {
    if (row === all.length - 1 || (kinds !== undefined && kinds[row] !== Row.File)) return
    const path = root + text
    const cut = path.lastIndexOf(sep)
    const directory = path.slice(0, Math.max(cut, 1))
    let own = byDirectory.get(directory)
    if (own === undefined) byDirectory.set(directory, (own = { names: [], rows: [] }))
    own.names.push(path.slice(cut + 1))
    own.rows.push(row)
  })
  return {
    jobs: [...byDirectory].map(([base, { names }]) => ({ to: { base, path: '' }, names })),
    rows: [...byDirectory.values()].flatMap(({ rows }) => rows),
  }
}

function tell(
  tree: PackedTree,
  row: number,
  source: string,
  stats: Stats,
  index: number,
  problems: Problems,
): void {
  const { path: at, file } = tree.rowAt(row)
  const path = pathOf(file.place, file.name)
  const failed = stats.errnos[index] ?? 0
  if (failed === 0 && stats.kinds[index] !== Kind.Missing) {
    problems.unsupported(source, at, `${path} is not a regular file`)
    return
  }
  const syscall = failed === 0 ? 'open' : stats.syscall(index)
  problems.failed(new SystemError(failed === 0 ? errno.ENOENT : failed, { syscall, path, source }))
}

/** Of each directory: the bytes of its files. */
function sumsOf({ fileEnds }: TreeTable, sizes: Float64Array): Float64Array {
  let row = 0
  return Float64Array.from(fileEnds, (end) => {
    let bytes = 0
    for (; row < end; row++) bytes += sizes[row] as number
    return bytes
  })
}

/** Throws for all files of the maps that are missing or not regular, if there are any. */
export async function throwIfBadFiles(
  host: Pick<Host, 'stat'>,
  trees: readonly SourceTree[],
  policies: Policies,
): Promise<void> {
  const problems = new Problems(policies)
  for (const { name, root } of trees) {
    if (root instanceof PackedTree) await lookAtFiles(host, root, name, problems)
  }
  problems.throwIfAny()
}
