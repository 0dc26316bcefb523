import { promises as fs, type Dirent } from 'node:fs'
import { join } from 'node:path'
import { joinPath } from '../host/host'
import type { CpOptions, Source } from '../types'

/**
 * The sources that make up a directory of which a filter leaves out a part, or of which links are followed: the directory, each
 * directory that a link leads to, and the files that links lead to. The name of a source is where it is reached from `src`.
 * The filter is asked as fs.promises.cp asks it: a directory before what it holds, one entry after the other.
 */
export async function selectedSources(
  src: string,
  dest: string,
  options: Pick<CpOptions, 'filter' | 'dereference'>,
): Promise<Source[]> {
  const selection = new Selection(src, dest, options)
  await selection.addDirectory('')
  return selection.sources
}

class Selection {
  readonly sources: Source[] = []
  /** Links to files, by their paths below `src`. */
  private readonly followed = new Map<string, string>()

  constructor(
    private readonly src: string,
    private readonly dest: string,
    private readonly options: Pick<CpOptions, 'filter' | 'dereference'>,
  ) {
    this.sources.push({ name: join(src, '/'), files: this.followed })
  }

  /** `to`: where it is below `src`, and will be below dest. */
  async addDirectory(to: string): Promise<void> {
    const dir = join(this.src, to)
    const wanted = new Set<string>()
    this.sources.push({ name: dir, dir, to, filter: (path) => wanted.has(path) })
    await this.addEntries(to, '', wanted)
  }

  /** `path`: within the directory that is at `to`. */
  private async addEntries(to: string, path: string, wanted: Set<string>): Promise<void> {
    const { filter } = this.options
    const dir = join(this.src, to, path)
    for (const entry of await fs.readdir(dir, { withFileTypes: true })) {
      const within = joinPath(path, entry.name)
      const at = joinPath(to, within)
      const isWanted =
        filter === undefined || (await filter(join(this.src, at), join(this.dest, at)))
      if (!isWanted || (await this.follow(entry, at))) continue
      wanted.add(within)
      if (entry.isDirectory()) await this.addEntries(to, within, wanted)
    }
  }

  /** Adds what a link leads to; false for what is no link, or stays one. */
  private async follow(entry: Dirent, at: string): Promise<boolean> {
    if (this.options.dereference !== true || !entry.isSymbolicLink()) return false
    const file = join(this.src, at)
    const stats = await fs.stat(file)
    if (stats.isDirectory()) await this.addDirectory(at)
    else this.followed.set(at, await fs.realpath(file))
    return true
  }
}
