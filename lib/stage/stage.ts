import { Kind, type Host } from '../host/host'
import { inLanes } from '../lanes'
import type { PlanDirectory, Union } from '../plan/plan'
import { copyDirectoryTimes, stageDirectories } from './directories'
import type { FilePlacer } from './files'
import { Adoption, type EarlyTree } from './adopt'
import type { StageTarget } from './staging'
import type { SubtreeCloner } from './subtree-cloner'
import { wanted, type Unit, type Wanted } from './wanted'

export interface StageContext {
  readonly host: Host
  readonly placer: FilePlacer
  readonly cloner: SubtreeCloner
  readonly preserveTimestamps: boolean
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
  /** What was staged of single sources before. */
  readonly early: ReadonlyMap<number, EarlyTree>
  /** Entries and bytes that are to be placed: told before the first of them is. */
  readonly onStart: (files: number, bytes: number) => void
  /** Entries and bytes that were placed since the last call. */
  readonly onFiles: (files: number, bytes: number) => void
}

// A trip off the main thread pays from some hundred files on; more would only delay an abort.
const entriesPerCall = 256
const mostEntriesPerCall = 1024

/**
 * Builds what the plan wants and the staging directory lacks. Nothing of it can be seen in dest.
 * One directory is written by one worker: two would fight for its lock in the kernel.
 */
export async function stage(
  union: Union,
  staging: () => Promise<StageTarget>,
  context: StageContext,
): Promise<void> {
  const adoption = new Adoption(context.host)
  adoption.plan(union.root, context.early)
  const all = wanted(union)
  const toPlace = adoption.takeEntries(all.units)
  context.onStart(entriesOf(toPlace.flat()), bytesOf(toPlace.flat()))
  let made: Promise<StageTarget> | undefined
  const place = (): Promise<StageTarget> => (made ??= staging())
  await context.cloner.stage(union, place, context)
  const { levels, units } = withoutClones(all.levels, toPlace)
  if (levels.length === 0 && units.length === 0 && adoption.isEmpty) return
  const target = await place()
  await stageDirectories(context, target, levels)
  await adoption.moveDirectories(target.fresh)
  await adoption.moveEntries(target.fresh)
  await context.placer.tryModes(units.flat(), target.scratch)
  const packs = pack(units)
  await inLanes(context.concurrency, context.signal, () => {
    const next = packs.shift()
    return next && placePack(next, target, context)
  })
  if (context.preserveTimestamps) {
    await copyDirectoryTimes(context.host, target, union.root)
  }
}

/** What is left to do once directories were cloned whole. */
function withoutClones(levels: readonly PlanDirectory[][], toPlace: readonly Unit[][]): Wanted {
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

/**
 * Neighbours in the tree share a call, since they share the way to them too. Biggest packs first, so that no worker
 * is left alone with one at the end.
 */
function pack(units: readonly Unit[][]): Unit[][] {
  const packs: { units: Unit[]; entries: number }[] = []
  for (const directory of units) {
    let open = packs.at(-1)
    if (open === undefined || open.entries >= entriesPerCall) {
      packs.push((open = { units: [], entries: 0 }))
    }
    open.units.push(...directory)
    open.entries += entriesOf(directory)
  }
  return packs.sort((a, b) => b.entries - a.entries).map((each) => each.units)
}

/** One call after the other: a huge directory stays with its worker, in slices. */
async function placePack(
  units: readonly Unit[],
  staging: StageTarget,
  context: StageContext,
): Promise<void> {
  for (const slice of slices(units)) {
    context.signal?.throwIfAborted()
    await context.placer.place(slice, staging.fresh)
    context.onFiles(entriesOf(slice), bytesOf(slice))
  }
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
