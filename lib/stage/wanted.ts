import type { Part } from '../plan/part'
import { Action, upTo, type PlanDirectory, type Union } from '../plan/plan'

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
  /** By depth, so that parents come first; dest itself is the first level. */
  readonly levels: PlanDirectory[][]
  /** One a directory: all its units belong to one worker. */
  readonly units: Unit[][]
}

/** What the plan needs and the staging directory does not hold yet. */
export function wanted({ root, trees }: Union): Wanted {
  const byDepth = new Map<number, PlanDirectory[]>()
  const units: Unit[][] = []

  const visit = (directory: PlanDirectory, depth: number, inside: boolean): boolean => {
    const { state } = directory
    if (state === 'published' || state === 'keep') return false
    // Below a directory that dest lacks everything is new, whatever was found there before.
    const whole = inside || state !== 'exists'
    const own: Unit[] = []
    for (const part of directory.parts) {
      const positions = missing(part, whole, directory.staged)
      if (positions.length === 0) continue
      own.push({ directory, part, source: trees[part.source]?.name ?? '', positions })
    }
    if (own.length > 0) units.push(own)
    let needed = whole || own.length > 0
    for (const child of directory.directories.values()) {
      if (visit(child, depth + 1, whole)) needed = true
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
  return { levels, units }
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
    if (whole || action === Action.Create || action === Action.Replace) positions.push(position)
  }
  return positions
}
