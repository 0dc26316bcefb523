import { Kind, type Host } from '../host/host'
import { inLanes } from '../lanes'
import type { Union } from '../plan/plan'
import { copyDirectoryTimes, stageDirectories } from './directories'
import type { FilePlacer } from './files'
import { Adoption, type EarlyTree } from './adopt'
import type { StageTarget } from './staging'
import { wanted, type Unit } from './wanted'

export interface StageContext {
  readonly host: Host
  readonly placer: FilePlacer
  readonly preserveTimestamps: boolean
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
  /** What was staged of single sources before. */
  readonly early: ReadonlyMap<number, EarlyTree>
  /** Entries and bytes that are about to be placed. */
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
  const work = wanted(union)
  if (work.levels.length === 0 && work.units.length === 0 && adoption.isEmpty) return
  const target = await staging()
  await stageDirectories(context.host, target, work.levels)
  await adoption.moveDirectories(target.fresh)
  const units = await adoption.moveEntries(work.units, target.fresh)
  context.onStart(entriesOf(units.flat()), bytesOf(units.flat()))
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

/** Biggest directories first, so that no worker is left alone with one; small ones share a call. */
function pack(units: readonly Unit[][]): Unit[][] {
  const sized = units.map((directory) => ({ directory, entries: entriesOf(directory) }))
  sized.sort((a, b) => b.entries - a.entries)
  const packs: Unit[][] = []
  let open: { units: Unit[]; entries: number } | undefined
  for (const { directory, entries } of sized) {
    if (open === undefined || open.entries >= entriesPerCall) {
      open = { units: [], entries: 0 }
      packs.push(open.units)
    }
    open.units.push(...directory)
    open.entries += entries
  }
  return packs
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
    const { kinds, sizes } = part.tree
    for (const position of positions) {
      const index = part.picks[position] as number
      if (kinds[index] === Kind.File) bytes += sizes[index] ?? 0
    }
  }
  return bytes
}

function* slices(units: readonly Unit[]): Generator<Unit[]> {
  let slice: Unit[] = []
  let room = mostEntriesPerCall
  for (const { positions, ...unit } of units) {
    for (let start = 0; start < positions.length;) {
      const taken = positions.slice(start, start + room)
      slice.push({ ...unit, positions: taken })
      start += taken.length
      room -= taken.length
      if (room > 0) continue
      yield slice
      slice = []
      room = mostEntriesPerCall
    }
  }
  if (slice.length > 0) yield slice
}
