import { walk } from '../traversal'
import type { Part } from '../plan/part'
import { Action, upTo, type PlanDirectory, type Union } from '../plan/plan'
import { asWhole, isUnchanged, type WholeDirectory } from '../plan/whole-directory'
import { mainStaging, type Allocation } from './allocation'
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
const mostEntriesATree = 2048

/** What the plan needs and the staging directory does not hold yet. `isTree`: may a directory be made in one go? */
export function wanted(
  { root, trees: sources }: Union,
  isTree: (directory: WholeDirectory) => boolean,
): Wanted {
  const trees: TreeUnit[] = []
  const byDepth = new Map<number, PlanDirectory[]>()
  const units: Unit[][] = []

  const nameOf = ({ sources: [first = 0] }: PlanDirectory): string => sources[first]?.name ?? ''
  const visited: Visited[] = []

  const visit = (node: Visited): Visited[] | undefined => {
    const { directory, depth, inside } = node
    const { state } = directory
    if (state === 'published' || state === 'keep') return undefined
    // Below a directory that dest lacks everything is new, whatever was found there before.
    const isNew = inside || state !== 'exists'
    if (isUnchanged(directory)) return undefined
    const whole = isNew ? asWhole(directory) : undefined
    if (whole?.staged === true) {
      node.isNeeded = true
      return undefined
    }
    const device = whole?.tree.onlyDevice
    const isSmall = whole !== undefined && whole.tree.allEntries <= mostEntriesATree
    if (isSmall && device !== undefined && isTree(whole)) {
      trees.push({ directory: whole, tree: whole.tree, device, source: nameOf(directory) })
      node.isNeeded = true
      return undefined
    }
    const own: Unit[] = []
    for (const part of directory.parts) {
      const positions = missing(part, isNew, directory.staged)
      if (positions.length === 0) continue
      own.push({ directory, part, source: sources[part.source]?.name ?? '', positions })
    }
    if (own.length > 0) units.push(own)
    node.isNeeded = isNew || own.length > 0
    node.isMade = true
    return Array.from(directory.directories.values(), (child) =>
      begin(child, depth + 1, isNew, node),
    )
  }

  walk(begin(root, 0, false), (node) => {
    visited.push(node)
    return visit(node)
  })
  for (const { above, isNeeded } of visited.toReversed())
    if (isNeeded && above) above.isNeeded = true
  for (const { directory, depth, isNeeded, isMade } of visited) {
    if (!isNeeded || !isMade || directory.staged) continue
    const level = byDepth.get(depth)
    if (level === undefined) byDepth.set(depth, [directory])
    else level.push(directory)
  }
  const levels = [...byDepth].sort(([a], [b]) => a - b).map(([, level]) => level)
  return { trees, levels, units }
}

/** A directory on the way through the union. */
interface Visited {
  readonly directory: PlanDirectory
  readonly depth: number
  /** Does dest lack the one above it? */
  readonly inside: boolean
  readonly above: Visited | undefined
  /** Must it be there, for itself or for something in it? */
  isNeeded: boolean
  /** Is it made alone, and filled then? */
  isMade: boolean
}

function begin(directory: PlanDirectory, depth: number, inside: boolean, above?: Visited): Visited {
  return { directory, depth, inside, above, isNeeded: false, isMade: false }
}

/** What is wanted, by the number of the staging directory that it is staged in. The main one is always there. */
export function apart(all: Wanted, allocation: Allocation): Map<number, Wanted> {
  if (allocation.isPlain) return new Map([[mainStaging, all]])
  const parts = new Map<number, Wanted>()
  const partOf = (number: number): Wanted => {
    let part = parts.get(number)
    if (part === undefined) parts.set(number, (part = { trees: [], levels: [], units: [] }))
    return part
  }
  partOf(mainStaging)
  for (const level of all.levels) {
    const started = new Map<number, PlanDirectory[]>()
    for (const directory of level) {
      const number = allocation.of(directory.path)
      let own = started.get(number)
      if (own === undefined) {
        started.set(number, (own = []))
        partOf(number).levels.push(own)
      }
      own.push(directory)
    }
  }
  for (const tree of all.trees) partOf(allocation.of(tree.directory.path)).trees.push(tree)
  for (const own of all.units) {
    const path = own[0]?.directory.path ?? ''
    partOf(allocation.of(path)).units.push(own)
  }
  return parts
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
