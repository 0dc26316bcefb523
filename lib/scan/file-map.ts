import { basename, dirname, isAbsolute } from 'node:path'
import { walk } from '../traversal'
import { errno } from '../errno'
import { SystemError } from '../errors'
import { identityLength, joinPath, Kind, pathOf, type Host, type Stats } from '../host/host'
import type { Source } from '../types'
import { depthProblem, shortened } from './depth'
import type { Problems } from './problems'
import { sourcePathProblem } from './source-names'
import { implicitDirectory, type StoreFile, type TreeDirectory } from './tree'

interface MappedFile extends StoreFile {
  /** Path within the package. */
  readonly path: string
}

/** The tree of a source that is given as a map from paths to files of a store. */
export async function scanFileMap(
  host: Host,
  source: Source,
  problems: Problems,
): Promise<TreeDirectory> {
  const files = readMap(source, host.platform, problems)
  const stats = await host.stat(
    files.map(({ dir, name }) => ({ to: { base: dir, path: '' }, names: [name] })),
  )
  const root = new Branch()
  files.forEach((file, index) => {
    if (!isRegularFile(source, file, stats, index, problems)) return
    if (!root.add(file, file.path.split('/'), stats, index)) {
      problems.badName(source.name, file.path, 'both a file and a directory in the map')
    }
  })
  return root.toTree()
}

/** The map's entries with a good path, those that the filter leaves, sorted. */
function readMap(source: Source, platform: NodeJS.Platform, problems: Problems): MappedFile[] {
  const files: MappedFile[] = []
  for (const [path, file] of source.files ?? []) {
    const problem =
      sourcePathProblem(path, platform) ?? depthProblem(joinPath(source.to ?? '', path))
    if (problem !== undefined) {
      problems.badName(source.name, shortened(path), problem)
    } else if (!isAbsolute(file) || file.includes('\0')) {
      problems.badName(source.name, path, `${JSON.stringify(file)} is not an absolute path`)
    } else if (isWanted(source, path)) {
      files.push({ path, dir: dirname(file), name: basename(file) })
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** As for a directory tree: what is under a path that is left out is left out, unasked. */
function isWanted({ filter }: Source, path: string): boolean {
  if (filter === undefined) return true
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    if (!filter(path.slice(0, slash))) return false
  }
  return filter(path)
}

function isRegularFile(
  source: Source,
  file: MappedFile,
  stats: Stats,
  index: number,
  problems: Problems,
): boolean {
  const path = (): string => pathOf({ base: file.dir, path: '' }, file.name)
  const kind = stats.kinds[index]
  const failed = stats.errnos[index] ?? 0
  if (failed !== 0 || kind === Kind.Missing) {
    const syscall = failed === 0 ? 'open' : stats.syscall(index)
    const number = failed === 0 ? errno.ENOENT : failed
    problems.failed(new SystemError(number, { syscall, path: path(), source: source.name }))
    return false
  }
  if (kind !== Kind.File) {
    problems.unsupported(source.name, file.path, `${path()} is not a regular file`)
    return false
  }
  return true
}

/** A directory while it is being filled. */
class Branch {
  private readonly branches = new Map<string, Branch>()
  private readonly files = new Map<string, { file: StoreFile; stats: Stats; index: number }>()

  /** False if a file stands where a directory must, or the other way round. */
  add(file: StoreFile, path: readonly string[], stats: Stats, index: number): boolean {
    const name = path.at(-1) ?? ''
    const branch = path
      .slice(0, -1)
      .reduce<Branch | undefined>((above, each) => above?.branchTo(each), this)
    if (branch === undefined || branch.branches.has(name)) return false
    branch.files.set(name, { file, stats, index })
    return true
  }

  /** Undefined if a file stands there. */
  private branchTo(name: string): Branch | undefined {
    if (this.files.has(name)) return undefined
    let branch = this.branches.get(name)
    if (branch === undefined) this.branches.set(name, (branch = new Branch()))
    return branch
  }

  toTree(): TreeDirectory {
    const root = this.toDirectory()
    walk<{ branch: Branch; directory: TreeDirectory }>(
      { branch: this, directory: root },
      ({ branch, directory }) =>
        Array.from(branch.branches, ([name, child]) => {
          const below = child.toDirectory()
          directory.directories.set(name, below)
          return { branch: child, directory: below }
        }),
    )
    return root
  }

  /** Without its subdirectories. */
  private toDirectory(): TreeDirectory {
    const entries = [...this.files.values()]
    return {
      ...implicitDirectory(),
      names: [...this.files.keys()],
      kinds: new Uint8Array(entries.length).fill(Kind.File),
      modes: Uint16Array.from(entries, ({ stats, index }) => stats.modes[index] ?? 0),
      sizes: Float64Array.from(entries, ({ stats, index }) => stats.sizes[index] ?? 0),
      origin: entries.map(({ file }) => file),
      device: entries.map(({ stats, index }) =>
        Number(stats.identities[index * identityLength] ?? 0n),
      ),
    }
  }
}
