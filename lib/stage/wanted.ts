import { Action, type Part, type PlanDirectory, type Union } from '../plan/plan'

/** Entries of one part that are to be staged. */
export interface Unit {
  readonly directory: PlanDirectory
  readonly part: Part
  /** Name of the source. */
  readonly source: string
  /** Into the part's picks. */
  readonly positions: readonly number[]
}

export interface Wanted {
  /** By depth, so that parents come first; dest itself is the first level. */
  readonly levels: PlanDirectory[][]
  /** One a directory: all its units belong to one worker. */
  readonly units: Unit[][]
  readonly entries: number
}

/** What the plan needs and the staging directory does not hold yet. */
export function wanted({ root, trees }: Union): Wanted {
  const byDepth = new Map<number, PlanDirectory[]>()
  const units: Unit[][] = []
  let entries = 0

  const visit = (directory: PlanDirectory, depth: number, inside: boolean): boolean => {
    const { state } = directory
    if (state === 'published' || state === 'keep') return false
    // Below a directory that dest lacks everything is new, whatever was found there before.
    const whole = inside || state !== 'exists'
    const own = directory.parts.flatMap((part) => {
      const positions = missing(part, whole)
      const source = trees[part.source]?.name ?? ''
      return positions.length === 0 ? [] : [{ directory, part, source, positions }]
    })
    let needed = whole || own.length > 0
    for (const child of directory.directories.values()) {
      if (visit(child, depth + 1, whole)) needed = true
    }
    if (own.length > 0) units.push(own)
    for (const { positions } of own) entries += positions.length
    if (needed && !directory.staged) {
      const level = byDepth.get(depth)
      if (level === undefined) byDepth.set(depth, [directory])
      else level.push(directory)
    }
    return needed
  }

  visit(root, 0, false)
  const levels = [...byDepth].sort(([a], [b]) => a - b).map(([, level]) => level)
  return { levels, units, entries }
}

function missing({ actions, staged }: Part, whole: boolean): number[] {
  const positions: number[] = []
  actions.forEach((action, position) => {
    if (staged[position] !== 0) return
    if (whole || action === Action.Create || action === Action.Replace) positions.push(position)
  })
  return positions
}
