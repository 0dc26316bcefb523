import {
  joinPath,
  pathOf,
  type ContentJob,
  type LinkJob,
  type PairJob,
  type Place,
} from '../host/host'
import type { Step } from '../plan/placements'
import type { Part } from '../plan/part'
import { placeOf } from '../plan/plan'
import { noMode } from '../host/whole-trees'
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

/** Undefined for what a file map gives without a file. */
export function sourcePath({ part }: Unit, position: number): string | undefined {
  const { tree, picks } = part
  const index = picks[position] as number
  const isMade = tree.contents.has(index) || (tree.origin === undefined && tree.targets.has(index))
  if (isMade) return undefined
  const { place, name } = tree.fileAt(index)
  return pathOf(place, name)
}

/** A unit's positions by what is there: another file, a symlink, or bytes that the caller gave. */
export function byOrigin(unit: Unit): Record<'files' | 'symlinks' | 'contents', Unit['positions']> {
  const { part, positions } = unit
  const { targets, contents } = part.tree
  if (targets.size + contents.size === 0) return { files: positions, symlinks: [], contents: [] }
  const found: Record<'files' | 'symlinks' | 'contents', number[]> = {
    files: [],
    symlinks: [],
    contents: [],
  }
  for (const position of Array.from(positions)) {
    const index = part.picks[position] as number
    const kind = targets.has(index) ? 'symlinks' : contents.has(index) ? 'contents' : 'files'
    found[kind].push(position)
  }
  return found
}

/** One job a unit, and more only for files of a store, which lie in several directories. */
export function pairJobs(units: readonly Unit[], fresh: Place): PairJob[] {
  return units.flatMap((unit) => {
    const { origin, names: all } = unit.part.tree
    const to = placeOf(fresh, unit.directory)
    if (origin === undefined) return storeJobs(unit, to)
    const isAll = unit.positions.length === all.length
    const names = isAll ? all : Array.from(unit.positions, (position) => nameAt(unit, position))
    return [{ from: origin, to, names }]
  })
}

function storeJobs(unit: Unit, to: Place): PairJob[] {
  const { tree, picks } = unit.part
  return Array.from(unit.positions, (position) => {
    const index = picks[position] as number
    const { place: from, name } = tree.fileAt(index)
    const modes = Uint32Array.of(tree.givenModes?.[index] ?? noMode)
    return { from, to, names: [name], toNames: [nameAt(unit, position)], modes }
  })
}

/** Files with given bytes, one job a unit. */
export function contentJobs(units: readonly Unit[], fresh: Place): ContentJob[] {
  return units.map((unit) => {
    const { tree, picks } = unit.part
    const indexes = Array.from(unit.positions, (position) => picks[position] as number)
    return {
      to: placeOf(fresh, unit.directory),
      names: indexes.map((index) => tree.names[index] as string),
      contents: indexes.map((index) => tree.contents.get(index) as Uint8Array),
      modes: Uint32Array.from(indexes, (index) => tree.givenModes?.[index] as number),
    }
  })
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
