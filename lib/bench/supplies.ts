import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { merge } from '../index'
import { packagesFor, packageTree } from './package-tree'
import type { Task } from './result'
import { fileCount, type Scope } from './scope'
import { filesOf, writeFiles } from './sources'
import { countTree, type TreeCount } from './tree-count'

/** What is placed: a directory, and what it holds. */
export interface Supply {
  readonly dir: string
  readonly holds: TreeCount
}

/** Makes the sources in the field: settled ones once, fresh ones each time. */
export class Supplies {
  private readonly settled = new Map<number | null, Supply>()

  /** `tree`: the caller's own, or null: a made one. */
  constructor(
    private readonly field: string,
    private readonly scope: Scope,
    private readonly tree: string | null,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Makes those that are settled, but for the wait until they are on disk. */
  async prepare(): Promise<void> {
    for (const size of [null, ...this.scope.sizes]) {
      const dir = join(this.field, size === null ? 'tree' : `size-${String(size)}`)
      await this.write(size, dir)
      this.settled.set(size, { dir, holds: await countTree(dir) })
    }
  }

  /** The source that stays. */
  of({ size }: Pick<Task, 'size'>): Supply {
    const supply = this.settled.get(size)
    if (supply === undefined) throw new Error(`no source of size ${String(size)} was prepared`)
    return supply
  }

  /** Another one with the same contents, not on disk yet. */
  async fresh(task: Task): Promise<Supply> {
    const dir = join(this.field, 'fresh')
    await rm(dir, { recursive: true, force: true })
    await this.write(task.size, dir)
    return { dir, holds: this.of(task).holds }
  }

  private async write(size: number | null, dir: string): Promise<void> {
    if (size !== null) {
      await writeFiles(dir, filesOf(size, fileCount(this.scope, size)), this.signal)
    } else if (this.tree === null) {
      await writeFiles(dir, packageTree(packagesFor(this.scope.treeFiles)), this.signal)
    } else {
      // Copied byte by byte: blocks that are shared with the caller's tree are on disk already.
      const source = { name: 'source', dir: this.tree }
      const signal = this.signal === undefined ? {} : { signal: this.signal }
      await merge([source], dir, { linkModes: 'copy', symlinks: 'verbatim', ...signal })
    }
  }
}
