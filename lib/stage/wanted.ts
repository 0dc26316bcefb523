import type { Part } from '../plan/part'
import { Action, upTo, type PlanDirectory, type Union } from '../plan/plan'
import { asWhole, isUnchanged } from '../plan/whole-directory'
import type { TreeUnit } from './trees'

type Positions = ArrayLike<number> & Iterable<number>

/** Entries of one part that are to be staged. */
export interface Unit {
  readonly directory: PlanDirectory
  readonly part: Part
  /** Name of the source. */
  readonly source: string
  /** Into the part's picks. */
  readonly positions: Positions
}

export interface Wanted {
  /** To be made in one go, each with all below it. */
  readonly trees: TreeUnit[]
  /** By depth, so that parents come first; dest itself is the first level. */
  readonly levels: PlanDirectory[][]
  /** One a directory: all its units belong to one worker. */
  readonly units: Unit[][]
}

// More is placed in several calls, for the sake of an abort, and by several workers.
const mostFilesATree = 2048

/** What the plan needs and the staging directory does not hold yet. `inOneGo`: trees may be made so. */
export function wanted({ root, trees: sources }: Union, inOneGo: boolean): Wanted {
  const trees: TreeUnit[] = []
  const byDepth = new Map<number, PlanDirectory[]>()
  const units: Unit[][] = []

  const nameOf = ({ sources: [first = 0] }: PlanDirectory): string => sources[first]?.name ?? ''
  const visit = (directory: PlanDirectory, depth: number, inside: boolean): boolean => {
    const { state } = directory
    if (state === 'published' || state === 'keep') return false
    // Below a directory that dest lacks everything is new, whatever was found there before.
    const isNew = inside || state !== 'exists'
    if (isUnchanged(directory)) return false
    const whole = isNew ? asWhole(directory) : undefined
    if (whole?.staged === true) return true
    if (whole !== undefined && inOneGo && whole.tree.allFiles <= mostFilesATree) {
      trees.push({ directory: whole, tree: whole.tree, source: nameOf(directory) })
      return true
    }
    const own: Unit[] = []
    for (const part of directory.parts) {
      const positions = missing(part, isNew, directory.staged)
      if (positions.length === 0) continue
      own.push({ directory, part, source: sources[part.source]?.name ?? '', positions })
    }
    if (own.length > 0) units.push(own)
    let needed = isNew || own.length > 0
    for (const child of directory.directories.values()) {
      if (visit(child, depth + 1, isNew)) needed = true
    }
    if (needed && !directory.staged) {
      const level = byDepth.get(depth)
      if (level === undefined) byDepth.set(depth, [directory])
      else level.push(directory)
    }
    return needed
  }

  visit(root, 0, false)
  const levels = [...byDepth].sort(([a], [b]) => a - b).map(([, level]) => level)
  return { trees, levels, units }
}

/** `begun`: some of the directory's entries may be staged. */
function missing(part: Part, whole: boolean, begun: boolean): Positions {
  if (whole && !begun) return upTo(part.picks.length)
  // All of it was staged in one way; asking entry by entry would make columns of that.
  if ((part.placementOfAll ?? 0) !== 0) return []
  const { actions, staged } = part
  const positions: number[] = []
  for (let position = 0; position < staged.length; position++) {
    if (staged[position] !== 0) continue
    const action = actions[position]
    const isMissing = action === Action.Create || action === Action.Replace
    if (whole || isMissing || action === Action.Align) positions.push(position)
  }
  return positions
}
