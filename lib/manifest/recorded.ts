import { joinPath, splitPath } from '../host/host'
import type { Manifest, RecordedDirectory } from './manifest'

/** Looks things up in a manifest. */
export class Recorded {
  private readonly byPath: ReadonlyMap<string, RecordedDirectory>
  private belowEach: ReadonlyMap<string, readonly RecordedDirectory[]> | undefined

  constructor(readonly manifest: Manifest) {
    this.byPath = new Map(manifest.directories.map((each) => [each.path, each]))
  }

  directory(path: string): RecordedDirectory | undefined {
    return this.byPath.get(path)
  }

  /** The directories that a directory holds. */
  below(path: string): readonly RecordedDirectory[] {
    return (this.belowEach ??= byParent(this.manifest.directories)).get(path) ?? []
  }

  /** The row of an entry; -1 where there is none. */
  row(path: string, name: string): number {
    const directory = this.byPath.get(path)
    return directory === undefined ? -1 : this.rowIn(directory, name)
  }

  rowIn(directory: RecordedDirectory, name: string): number {
    return rowIn(this.manifest.names, directory, name)
  }

  /** '/'-joined below dest. */
  pathOf(row: number): string {
    const { directories, names } = this.manifest
    let low = 0
    let high = directories.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((directories[middle]?.end ?? 0) > row) high = middle
      else low = middle + 1
    }
    return joinPath(directories[low]?.path ?? '', names[row] ?? '')
  }

  sourceName(source: number): string {
    return this.manifest.sources[source]?.name ?? ''
  }
}

function byParent(
  directories: readonly RecordedDirectory[],
): ReadonlyMap<string, readonly RecordedDirectory[]> {
  const below = new Map<string, RecordedDirectory[]>()
  for (const directory of directories) {
    if (directory.path === '') continue
    const { parent } = splitPath(directory.path)
    const own = below.get(parent)
    if (own === undefined) below.set(parent, [directory])
    else own.push(directory)
  }
  return below
}

/** The row of an entry by its name; -1 where there is none. */
export function rowIn(
  names: readonly string[],
  { first, end }: RecordedDirectory,
  name: string,
): number {
  let low = first
  let high = end
  while (low < high) {
    const middle = (low + high) >> 1
    const found = names[middle] as string
    if (found === name) return middle
    if (found < name) low = middle + 1
    else high = middle
  }
  return -1
}
