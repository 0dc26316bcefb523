import { joinPath, Kind, type Host } from '../host/host'
import { makePath } from '../host/trees'
import { forEachLimited, inGroups } from '../concurrency'
import type { PlanDirectory, Union } from '../plan/plan'
import type { LearnSizes } from '../scan/sizes'
import type { TreeDirectory } from '../scan/tree'
import { mainStaging, type Allocation } from './allocation'
import { copyDirectoryTimes, stageDirectories } from './directories'
import type { FilePlacer } from './files'
import type { WholeDirectory } from '../plan/whole-directory'
import { Adoption, type EarlyTree } from './adopt'
import type { StageTarget } from './staging'
import type { SubtreeCloner } from './subtree-cloner'
import type { TreeUnit } from './trees'
import { apart, wanted, type Unit, type Wanted } from './wanted'

export interface StageContext {
  readonly host: Host
  readonly placer: FilePlacer
  readonly cloner: SubtreeCloner
  readonly preserveTimestamps: boolean
  readonly learnSizes: LearnSizes
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
  /** What was staged of single sources before. */
  readonly early: ReadonlyMap<number, EarlyTree>
  /** Entries and bytes that are to be placed: told before the first of them is. */
  readonly onStart: (files: number, bytes: number) => void
  /** Entries and bytes that were placed since the last call. */
  readonly onFiles: (files: number, bytes: number) => void
}

/** Where all of a union is staged. */
export interface StagePlaces {
  readonly allocation: Allocation
  /** The staging directory with that number, made when it is first asked for. */
  readonly target: (number: number) => Promise<StageTarget>
  /** Only what goes into the main one is staged for now. */
  readonly isMainOnly?: boolean
}

// A trip off the main thread pays from some hundred files on; more would only delay an abort.
const entriesPerCall = 512
const mostEntriesPerCall = 1024

/**
 * Builds what the plan wants and the staging directories lack. Nothing of it can be seen in dest.
 * One directory is written by one worker: two would fight for its lock in the kernel.
 */
export async function stage(
  union: Union,
  places: StagePlaces,
  context: StageContext,
): Promise<void> {
  const { placer, cloner } = context
  const { allocation } = places
  const adoption = new Adoption(context.host, allocation)
  adoption.plan(union.root, context.early)
  // A clone of a whole directory is one call, and looks into what it has made.
  const isTree = (directory: WholeDirectory): boolean =>
    !cloner.isUsed && placer.trees.takes(directory)
  const all = stageable(wanted(union, isTree), places)
  const toPlace = adoption.takeEntries(all.units)
  await context.learnSizes(treesOf(toPlace))
  context.onStart(
    filesOf(all.trees) + entriesOf(toPlace.flat()),
    allBytesOf(all.trees) + bytesOf(toPlace.flat()),
  )
  await cloner.stage(union, places, context)
  const left = { trees: all.trees, ...withoutClones(all.levels, toPlace) }
  if (isEmpty(left) && adoption.isEmpty) return
  for (const [number, own] of apart(left, allocation)) {
    const target = await places.target(number)
    await makeAll(own.levels, target, places, context)
    if (number === mainStaging) {
      await adoption.moveDirectories(target.fresh)
      await adoption.moveEntries(target.fresh)
    }
    await fill(own, number, target, context)
  }
  if (context.preserveTimestamps) await copyDirectoryTimes(context.host, places, union.root)
}

/** Makes new directories, and those that mirror dest's. */
async function makeAll(
  levels: readonly PlanDirectory[][],
  target: StageTarget,
  { allocation }: StagePlaces,
  context: StageContext,
): Promise<void> {
  if (allocation.isPlain) {
    await stageDirectories(context, target, levels)
    return
  }
  const made = new Set<string>()
  // Of what leads to a directory of dest some may be staged elsewhere, and some may have been made for another one.
  for (const directory of levels.flat()) {
    if (directory.state !== 'exists') continue
    await makeMirror(context.host, target, directory.path, made)
    directory.staged = true
  }
  const fresh = levels.map((level) => level.filter(({ state }) => state !== 'exists'))
  await stageDirectories(context, target, fresh)
}

function makeMirror(
  host: Host,
  { fresh, scratch }: StageTarget,
  path: string,
  made: Set<string>,
): Promise<void> {
  const start = fresh.path.slice(scratch.path === '' ? 0 : scratch.path.length + 1)
  return makePath(host, scratch, joinPath(start, path), made)
}

function treesOf(units: readonly Unit[][]): TreeDirectory[] {
  return units.flatMap((own) => own.map(({ part }) => part.tree))
}

/** Puts entries and trees into directories that are there. */
async function fill(
  { units, trees }: Wanted,
  number: number,
  target: StageTarget,
  context: StageContext,
): Promise<void> {
  const placer = context.placer.forStaging(number)
  await placer.tryModes(units.flat(), trees, target.scratch)
  // Biggest first, so that no worker is left alone with one at the end.
  const packs = [...packUnits(units), ...packTrees(trees)].sort((a, b) => b.entries - a.entries)
  const { concurrency, signal } = context
  await forEachLimited(concurrency, signal, packs, (next) =>
    placePack(next, placer, target, context),
  )
}

/** What of it is staged for now. */
function stageable(all: Wanted, { allocation, isMainOnly }: StagePlaces): Wanted {
  if (isMainOnly !== true || allocation.isPlain) return all
  return apart(all, allocation).get(mainStaging) ?? { trees: [], levels: [], units: [] }
}

function isEmpty({ levels, units, trees }: Wanted): boolean {
  return levels.length === 0 && units.length === 0 && trees.length === 0
}

/** What is left to do once directories were cloned whole. */
function withoutClones(
  levels: readonly PlanDirectory[][],
  toPlace: readonly Unit[][],
): Pick<Wanted, 'levels' | 'units'> {
  return {
    levels: levels
      .map((level) => level.filter(({ staged }) => !staged))
      .filter((level) => level.length > 0),
    // All of a part was cloned, or nothing.
    units: toPlace.filter((units) =>
      units.some(
        ({ part, positions }) =>
          part.placementOfAll === 0 || part.staged[positions[0] as number] === 0,
      ),
    ),
  }
}

/** What one worker places, call by call. */
interface Pack {
  readonly units: readonly Unit[]
  readonly trees: readonly TreeUnit[]
  /** What it takes, in calls of the system for one entry. */
  readonly entries: number
}

/** Neighbours in the tree share a call, since they share the way to them too. */
function packUnits(units: readonly Unit[][]): Pack[] {
  return inGroups(units, entriesOf, entriesPerCall).map((some) => {
    const own = some.flat()
    return { units: own, trees: [], entries: entriesOf(own) }
  })
}

function packTrees(trees: readonly TreeUnit[]): Pack[] {
  const weightOf = ({ tree }: TreeUnit): number => tree.allEntries + tree.allDirectories
  return inGroups(trees, weightOf, entriesPerCall).map((some) => {
    return { units: [], trees: some, entries: some.reduce((sum, each) => sum + weightOf(each), 0) }
  })
}

/** One call after the other: a huge directory stays with its worker, in slices. */
async function placePack(
  { units, trees }: Pack,
  placer: FilePlacer,
  staging: StageTarget,
  context: StageContext,
): Promise<void> {
  if (trees.length > 0) {
    const { files, bytes } = await placer.trees.place(trees, staging.fresh)
    context.onFiles(files, bytes)
  }
  for (const slice of slices(units)) {
    context.signal?.throwIfAborted()
    await placer.place(slice, staging.fresh)
    context.onFiles(entriesOf(slice), bytesOf(slice))
  }
}

function filesOf(trees: readonly TreeUnit[]): number {
  return trees.reduce((sum, { tree }) => sum + tree.allEntries, 0)
}

function allBytesOf(trees: readonly TreeUnit[]): number {
  // Those that are not known nobody has asked for.
  return trees.reduce((sum, { tree }) => sum + (tree.expectedBytes ?? 0), 0)
}

function entriesOf(units: readonly Unit[]): number {
  return units.reduce((sum, { positions }) => sum + positions.length, 0)
}

/** Bytes of the files; a symlink has none. */
function bytesOf(units: readonly Unit[]): number {
  let bytes = 0
  for (const { part, positions } of units) {
    const { picks, tree } = part
    if (tree.plainBytes !== undefined && positions.length === tree.names.length) {
      bytes += tree.plainBytes
      continue
    }
    const { kinds, sizes } = tree
    for (let at = 0; at < positions.length; at++) {
      const index = picks[positions[at] as number] as number
      if (kinds[index] === Kind.File) bytes += sizes[index] as number
    }
  }
  return bytes
}

function* slices(units: readonly Unit[]): Generator<Unit[]> {
  let slice: Unit[] = []
  let room = mostEntriesPerCall
  for (const unit of units) {
    const { length } = unit.positions
    for (let start = 0; start < length;) {
      const end = Math.min(length, start + room)
      const isAll = end - start === length
      slice.push(
        isAll ? unit : { ...unit, positions: Array.from(unit.positions).slice(start, end) },
      )
      room -= end - start
      start = end
      if (room > 0) continue
      yield slice
      slice = []
      room = mostEntriesPerCall
    }
  }
  if (slice.length > 0) yield slice
}
