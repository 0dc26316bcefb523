import { joinPath, Kind, pathOf, type LinkJob, type PairJob, type Place } from '../host/host'
import type { Step } from '../plan/placements'
import type { Part } from '../plan/part'
import { originOf, placeOf } from '../plan/plan'
import type { StoreFile } from '../scan/tree'
import type { LinkMode } from '../types'
import type { Unit } from './wanted'

/** Files of one directory that are placed alike: they may take the same modes, and lie on one file system. */
export interface Group extends Unit {
  readonly device: number
  /** The link modes that they may take, in order. */
  readonly modes: readonly LinkMode[]
  /** The modes that they did not take, so far. */
  readonly steps: readonly Step[]
}

export function deviceOf({ tree }: Part, index: number): number {
  return typeof tree.device === 'number' ? tree.device : (tree.device[index] ?? 0)
}

export function nameAt({ part }: Unit, position: number): string {
  return part.tree.names[part.picks[position] as number] as string
}

/** '/'-joined path in dest. */
export function pathInDest(unit: Unit, position: number): string {
  return joinPath(unit.directory.path, nameAt(unit, position))
}

export function sourcePath({ part }: Unit, position: number): string {
  const { place, name } = originOf(part.tree, part.picks[position] as number)
  return pathOf(place, name)
}

/** Those of a unit's positions where the source has a symlink, or those where it has not. */
export function whereLink(unit: Unit, isLink: boolean): Unit['positions'] {
  const { part, positions } = unit
  if (part.tree.targets.size === 0) return isLink ? [] : positions
  const { kinds } = part.tree
  return Array.from(positions).filter(
    (position) => (kinds[part.picks[position] ?? 0] === Kind.Symlink) === isLink,
  )
}

/** One job a unit, and more only for files of a store, which lie in several directories. */
export function pairJobs(units: readonly Unit[], fresh: Place): PairJob[] {
  return units.flatMap((unit) => {
    const { origin, names: all } = unit.part.tree
    const to = placeOf(fresh, unit.directory)
    const isAll = unit.positions.length === all.length
    const names = isAll ? all : Array.from(unit.positions, (position) => nameAt(unit, position))
    return 'base' in origin ? [{ from: origin, to, names }] : storeJobs(unit, origin, to, names)
  })
}

function storeJobs(
  { part, positions }: Unit,
  origin: readonly StoreFile[],
  to: Place,
  names: readonly string[],
): PairJob[] {
  const jobs: { from: Place; to: Place; names: string[]; toNames: string[] }[] = []
  names.forEach((toName, at) => {
    const { dir = '', name = '' } = origin[part.picks[positions[at] ?? 0] ?? 0] ?? {}
    let job = jobs.at(-1)
    if (job?.from.base !== dir) {
      jobs.push((job = { from: { base: dir, path: '' }, to, names: [], toNames: [] }))
    }
    job.names.push(name)
    job.toNames.push(toName)
  })
  return jobs
}

/** Symlinks for the entries, one job a unit. */
export function linkJobs(
  units: readonly Unit[],
  fresh: Place,
  target: (unit: Unit, position: number) => string,
): LinkJob[] {
  return units.map((unit) => ({
    to: placeOf(fresh, unit.directory),
    names: Array.from(unit.positions, (position) => nameAt(unit, position)),
    targets: Array.from(unit.positions, (position) => target(unit, position)),
  }))
}
