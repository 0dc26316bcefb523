import { joinPath } from '../host/host'
import { noMode } from '../host/whole-trees'
import type { Part } from '../plan/part'
import type { PlanDirectory } from '../plan/plan'
import type { LinkMode } from '../types'
import type { PlaceOptions } from './attempt'
import { byOrigin, deviceOf, nameAt, type Group } from './entries'
import { ownModes } from './link-modes'
import type { Unit } from './wanted'

const noSteps: Group['steps'] = []

/** Tells which files are placed alike, and by which link modes. */
export class Grouping {
  readonly ownModes: readonly LinkMode[]

  constructor(private readonly options: PlaceOptions) {
    this.ownModes = ownModes(options.linkModes)
  }

  /** The files of a unit by how they are placed; mostly that is one group. */
  groupsOf(unit: Unit): Group[] {
    const { directory, part, source } = unit
    const { device: only, plainBytes } = part.tree
    const { files: positions } = byOrigin(unit)
    const { mutable, writable, linkModes } = this.options
    // Nothing to be told of one file that does not hold for all.
    if (typeof only === 'number' && plainBytes !== undefined && !mutable && !writable) {
      const whole = { directory, part, source, positions, device: only }
      return [{ ...whole, modes: linkModes, steps: noSteps }]
    }
    const groups: (Group & { positions: number[] })[] = []
    let last: (typeof groups)[number] | undefined
    for (let at = 0; at < positions.length; at++) {
      const position = positions[at] as number
      const index = part.picks[position] as number
      const device = deviceOf(part, index)
      const modes = this.modesFor(directory, part, index)
      if (last?.modes !== modes || last.device !== device) {
        last = groups.find((group) => group.modes === modes && group.device === device)
        if (last === undefined) {
          last = { directory, part, source, device, modes, positions: [], steps: noSteps }
          groups.push(last)
        }
      }
      last.positions.push(position)
    }
    return groups
  }

  /** A file that will be edited, or gets another mode than its source has, must be dest's own. */
  private modesFor(directory: PlanDirectory, { tree }: Part, index: number): readonly LinkMode[] {
    const { linkModes, mutable, writable } = this.options
    const mode = tree.modes[index] as number
    const given = tree.givenModes?.[index] ?? noMode
    const isOther = given !== noMode && given !== mode
    if (isOther || (mode & 0o7000) !== 0 || (writable && (mode & 0o200) === 0)) return this.ownModes
    if (mutable === undefined) return linkModes
    return mutable(joinPath(directory.path, tree.names[index] as string))
      ? this.ownModes
      : linkModes
  }
}

/** The group's first file, alone. */
export function firstByName(group: Group): Group {
  let [first = 0] = group.positions
  let name = nameAt(group, first)
  for (const position of group.positions) {
    const other = nameAt(group, position)
    if (other >= name) continue
    first = position
    name = other
  }
  return { ...group, positions: [first] }
}
