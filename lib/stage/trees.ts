import { noSharedExtents } from '../errno'
import { sourceChanged } from '../errors'
import { below, pathOf, type Host, type Place } from '../host/host'
import type { TreeOperation } from '../host/whole-trees'
import type { Placements, Step } from '../plan/placements'
import type { PlanDirectory } from '../plan/plan'
import type { WholeDirectory } from '../plan/whole-directory'
import type { PackedTree } from '../scan/packed-tree'
import type { LinkMode } from '../types'
import type { PlaceOptions } from './attempt'
import { descend, type Ladders } from './link-modes'

/** A directory that is to be made with all below it. */
export interface TreeUnit {
  readonly directory: WholeDirectory
  readonly tree: PackedTree
  /** Name of the source. */
  readonly source: string
}

/** In `placed` of the outcomes: the source of a file changed while it was read. */
const changed = 2

/** What was placed. */
interface Placed {
  files: number
  bytes: number
}

/**
 * Makes whole trees, each in one go. What it does not make, for whatever reason, is left for all that places entry by
 * entry: that reports why.
 */
export class TreePlacer {
  constructor(
    private readonly host: Pick<Host, 'placeTrees'>,
    private readonly options: PlaceOptions,
    private readonly ladders: Ladders,
    private readonly placements: Placements,
  ) {}

  /** Whether it ever does anything: not where each file has to be asked about. */
  get isUsed(): boolean {
    const { mutable, writable } = this.options
    return this.host.placeTrees !== undefined && mutable === undefined && !writable
  }

  async place(units: readonly TreeUnit[], fresh: Place): Promise<Placed> {
    const alike = new Map<
      string,
      { mode: TreeOperation; steps: readonly Step[]; units: TreeUnit[] }
    >()
    for (const unit of units) {
      const { mode, steps } = this.modeFor(unit)
      // A link shares the mode of its source, which must be known to be plain.
      const isSafe = mode !== 'hardlink' || unit.tree.allBytes !== undefined
      if (mode === undefined || mode === 'symlink' || !isSafe) continue
      const key = [mode, ...steps.map(({ from, errno }) => `${from} ${errno}`)].join()
      const others = alike.get(key)
      if (others === undefined) alike.set(key, { mode, steps, units: [unit] })
      else others.units.push(unit)
    }
    const placed = { files: 0, bytes: 0 }
    for (const { mode, steps, units: some } of alike.values()) {
      const { files, bytes } = await this.run(mode, steps, some, fresh)
      placed.files += files
      placed.bytes += bytes
    }
    return placed
  }

  private modeFor({ tree, source }: TreeUnit): {
    mode: LinkMode | undefined
    steps: readonly Step[]
  } {
    return descend(this.options.linkModes, this.ladders.of(tree.device, source), [], undefined)
  }

  private async run(
    mode: TreeOperation,
    steps: readonly Step[],
    units: readonly TreeUnit[],
    fresh: Place,
  ): Promise<Placed> {
    const { preserveTimestamps: times, dropQuarantine } = this.options
    const jobs = units.map(({ directory, tree }) => tree.jobTo(below(fresh, directory.path)))
    const options = { writable: false, times, inKernelCopy: this.isInKernel(units), dropQuarantine }
    const outcomes = await this.host.placeTrees?.(mode, jobs, options)
    const placement = this.placements.numberOf(mode, steps)
    const placed = { files: 0, bytes: 0 }
    let first = 0
    units.forEach(({ directory, tree }, index) => {
      if (outcomes?.complete === true) {
        // A link has no bytes of its own that the call could report.
        const bytes =
          (mode === 'hardlink' ? tree.allBytes : undefined) ?? outcomes.bytes[index] ?? 0
        directory.stageAll(placement, bytes)
        placed.files += tree.allFiles
        placed.bytes += bytes
      } else {
        const made = outcomes?.made?.[index] ?? 0
        const own = outcomes?.placed?.subarray(first, first + tree.allFiles) ?? new Uint8Array()
        const to = { base: this.options.dest, path: directory.path }
        this.throwIfChanged(units[index] as TreeUnit, own, to)
        placed.files += notePart(directory, { made, placed: own, placement })
        placed.bytes += outcomes?.bytes[index] ?? 0
      }
      first += tree.allFiles
    })
    return placed
  }

  /** To read it again would hide that somebody writes to the source. `to`: where the tree goes. */
  private throwIfChanged({ tree, source }: TreeUnit, placed: Uint8Array, to: Place): void {
    let left = placed.indexOf(changed)
    if (left < 0) return
    const visit = ({ names, directories, origin }: PackedTree, at: Place): void => {
      const name = names[left]
      if (name !== undefined) {
        throw sourceChanged({ source, path: pathOf(origin, name), dest: pathOf(at, name) })
      }
      left -= names.length
      for (const [child, next] of directories) visit(next, below(at, child))
    }
    visit(tree, to)
  }

  private isInKernel(units: readonly TreeUnit[]): boolean {
    return units.every(({ tree, source }) => {
      const why = this.ladders.of(tree.device, source)?.whyRetired('clone')
      return why !== undefined && noSharedExtents.has(why.errno)
    })
  }
}

/** Notes what of a tree was made: its first directories, and which of its files; answers how many these are. */
function notePart(
  root: WholeDirectory,
  { made, placed, placement }: { made: number; placed: Uint8Array; placement: number },
): number {
  let directories = 0
  let file = 0
  let files = 0
  const visit = (directory: PlanDirectory): void => {
    directory.staged = directories++ < made
    for (const { picks, staged } of directory.parts) {
      for (let position = 0; position < picks.length; position++) {
        if (placed[file++] !== 1) continue
        staged[position] = placement
        files++
      }
    }
    for (const child of directory.directories.values()) visit(child)
  }
  visit(root)
  return files
}
