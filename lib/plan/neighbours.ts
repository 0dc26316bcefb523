import { joinPath } from '../host/host'
import type { Recorded, RecordedDirectory } from '../manifest'
import type { SourceTree, TreeDirectory } from '../scan/tree'
import { coarse } from './lookalikes'
import { toSourceSubtree } from './union'

/** What a directory of the manifest has under names that look alike. */
interface Held {
  readonly name: string
  readonly isDirectory: boolean
  readonly sources: readonly number[]
}

/**
 * Of the sources that are as the manifest has them: those that must be planned all the same, since they share more than
 * directories with one that is planned, or with each other. What they have that no row tells could be in conflict.
 * Undefined where the manifest does not say.
 */
export function neighboursOf(
  recorded: Recorded,
  isUnchanged: (source: number) => boolean,
  planned: readonly SourceTree[],
): Set<number> | undefined {
  const found = new Set<number>()
  const add = (sources: Iterable<number>): void => {
    for (const each of sources) if (isUnchanged(each)) found.add(each)
  }
  if (!addEntangled(recorded, isUnchanged, add)) return undefined
  const finder = new Finder(recorded, isUnchanged, add)
  for (const tree of planned) finder.visit(toSourceSubtree(tree).tree)
  return found
}

/** Those that share entries with others; false where nobody knows with whom. */
function addEntangled(
  recorded: Recorded,
  isUnchanged: (source: number) => boolean,
  add: (sources: Iterable<number>) => void,
): boolean {
  const { sources, rows } = recorded.manifest
  for (const [row, others] of rows.shared) {
    add(others)
    add([rows.owners[row] ?? 0])
  }
  for (const [number, { lost }] of sources.entries()) {
    if (!isUnchanged(number) || lost.length === 0) continue
    add([number])
    for (const path of lost) {
      const cut = path.lastIndexOf('/')
      const row = recorded.row(path.slice(0, Math.max(cut, 0)), path.slice(cut + 1))
      const directory = recorded.directory(path)
      if (row < 0 && directory === undefined) return false
      if (row >= 0) add([rows.owners[row] ?? 0])
      add(directory?.sources ?? [])
    }
  }
  return true
}

/** Finds sources of the manifest that have something at the paths of a tree. */
class Finder {
  private readonly held = new Map<string, ReadonlyMap<string, readonly Held[]>>()

  constructor(
    private readonly recorded: Recorded,
    private readonly isUnchanged: (source: number) => boolean,
    private readonly add: (sources: readonly number[]) => void,
  ) {}

  visit(root: TreeDirectory): void {
    const waiting = [{ path: '', tree: root }]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { path, tree } = next
      const directory = this.recorded.directory(path)
      if (directory === undefined) continue
      const held = this.heldIn(directory)
      if (held.size === 0) continue
      for (const name of tree.names) {
        for (const { sources } of held.get(coarse(name)) ?? []) this.add(sources)
      }
      for (const [name, below] of tree.directories) {
        for (const each of held.get(coarse(name)) ?? []) {
          if (each.isDirectory && each.name === name) {
            waiting.push({ path: joinPath(path, name), tree: below })
          } else this.add(each.sources)
        }
      }
    }
  }

  private heldIn(directory: RecordedDirectory): ReadonlyMap<string, readonly Held[]> {
    const { path, first, end } = directory
    const known = this.held.get(path)
    if (known !== undefined) return known
    const { names, rows } = this.recorded.manifest
    const held = new Map<string, Held[]>()
    const hold = (name: string, isDirectory: boolean, sources: readonly number[]): void => {
      if (!sources.some(this.isUnchanged)) return
      const key = coarse(name)
      const own = held.get(key)
      if (own === undefined) held.set(key, [{ name, isDirectory, sources }])
      else own.push({ name, isDirectory, sources })
    }
    for (let row = first; row < end; row++) {
      hold(names[row] ?? '', false, [rows.owners[row] ?? 0])
    }
    for (const below of this.recorded.below(path)) {
      hold(below.path.slice(below.path.lastIndexOf('/') + 1), true, below.sources)
    }
    this.held.set(path, held)
    return held
  }
}
