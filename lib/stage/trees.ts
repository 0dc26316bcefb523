import { append } from '../append'
import { noSharedExtents } from '../errno'
import { SystemError } from '../errors'
import { below, joinPath, pathOf, type Host, type Outcomes, type Place } from '../host/host'
import { restOf } from '../host/tree-progress'
import { Row, type TreeJob, type TreeOperation, type TreeOutcomes } from '../host/whole-trees'
import type { Placements, Step } from '../plan/placements'
import type { WholeDirectory } from '../plan/whole-directory'
import type { PackedTree } from '../scan/packed-tree'
import type { LinkMode } from '../types'
import { debugRefusal, type PlaceOptions } from './attempt'
import { descend, meaningOf, type FallbackChains, type Refusal } from './link-modes'
import { placementError } from './placement-error'

/** A directory that is to be made with all below it. */
export interface TreeUnit {
  readonly directory: WholeDirectory
  readonly tree: PackedTree
  /** st_dev of all files in it. */
  readonly device: number
  /** Name of the source. */
  readonly source: string
}

/** What was placed. */
interface Placed {
  files: number
  bytes: number
}

/** Entries of a tree that are tried in one mode. */
interface Attempted {
  readonly state: State
  readonly job: TreeJob
  readonly mode: TreeOperation
  /** The modes that they did not take before. */
  readonly steps: readonly Step[]
}

/** What has become of a tree so far. */
interface State {
  readonly unit: TreeUnit
  /** One an entry, once not all of them are placed alike: a number of `Placements`. */
  placed: Uint16Array | undefined
  bytes: number
}

/** Makes whole trees, many in one call; files that do not take a link mode go on to the next one. */
export class TreePlacer {
  constructor(
    private readonly host: Pick<Host, 'placeTrees'>,
    private readonly options: PlaceOptions,
    private readonly fallbackChains: FallbackChains,
    private readonly placements: Placements,
  ) {}

  /** Can the directory be made in one go? Not where each file has to be asked about. */
  readonly takes = ({ tree }: WholeDirectory): boolean => {
    const { mutable, writable, linkModes } = this.options
    if (this.host.placeTrees === undefined || mutable !== undefined) return false
    if (linkModes.includes('symlink') || tree.onlyDevice === undefined) return false
    // A link shares the mode of its source, which must be known to be the wanted one.
    return !linkModes.includes('hardlink') || (!writable && tree.isPlain)
  }

  async place(units: readonly TreeUnit[], fresh: Place): Promise<Placed> {
    const states = units.map((unit): State => ({ unit, placed: undefined, bytes: 0 }))
    let open = states.map((state): Attempted => {
      const { directory, tree } = state.unit
      const job = tree.jobTo(below(fresh, directory.path))
      return { state, job, ...this.nextMode(state.unit, [], undefined) }
    })
    while (open.length > 0) {
      const [alike, others] = splitAlike(open)
      open = [...others, ...(await this.run(alike, fresh))]
    }
    return this.finish(states)
  }

  /** Runs what is tried in one mode; answers what is left for other modes. */
  private async run(attempts: readonly Attempted[], fresh: Place): Promise<Attempted[]> {
    const { mode, steps } = attempts[0] as Attempted
    const { preserveTimestamps: times, writable, dropQuarantine } = this.options
    const inKernelCopy = attempts.every(({ state }) => this.sharesNothing(state.unit))
    const options = { writable, times, inKernelCopy, dropQuarantine }
    const jobs = attempts.map(({ job }) => job)
    const outcomes = await this.host.placeTrees?.(mode, jobs, options)
    if (outcomes === undefined) throw new Error('a host without whole-tree calls')
    const number = this.placements.numberOf(mode, steps)
    const left: Attempted[] = []
    let first = 0
    attempts.forEach((attempt, index) => {
      const { state } = attempt
      state.bytes += outcomes.bytes[index] ?? 0
      throwIfStopped(attempt, outcomes, index, fresh)
      this.note(attempt, number, outcomes.rows, first)
      if (outcomes.rows !== undefined) append(left, this.refused(attempt, outcomes.rows, first))
      first += state.unit.tree.allEntries
    })
    return left
  }

  /** Notes how the entries were placed. */
  private note(
    { state, job }: Attempted,
    number: number,
    rows: Outcomes | undefined,
    first: number,
  ): void {
    const { tree } = state.unit
    const kinds = tree.allKinds
    if (kinds === undefined && job.wanted === undefined && rows === undefined) {
      state.placed = undefined
      state.unit.directory.stageAll(number, undefined)
      return
    }
    const placed = (state.placed ??= new Uint16Array(tree.allEntries))
    for (let row = 0; row < placed.length; row++) {
      if (job.wanted?.[row] === 0 || (rows?.errnos[first + row] ?? 0) !== 0) continue
      placed[row] = this.placementOf(kinds?.[row], number)
    }
  }

  /** Symlinks and given content are made in their own way, whatever the mode. */
  private placementOf(kind: number | undefined, number: number): number {
    if (kind === Row.Symlink) return this.placements.numberOf('link')
    return kind === Row.Content ? this.placements.numberOf('copy') : number
  }

  /** What was refused, by the reason, with the mode that comes next. Throws for what no other mode would mend. */
  private refused(attempt: Attempted, rows: Outcomes, first: number): Attempted[] {
    const { state, job, mode, steps } = attempt
    const { tree } = state.unit
    const reasons = new Map<string, { refusal: Refusal; wanted: Uint8Array; row: number }>()
    for (let row = 0; row < tree.allEntries; row++) {
      const number = rows.errnos[first + row] ?? 0
      if (number === 0) continue
      const syscall = rows.syscall(first + row)
      const key = `${number} ${syscall}`
      let known = reasons.get(key)
      if (known === undefined) {
        const inDest = rows.inDest?.(first + row) === true
        const refusal = { ...this.refusal(mode, state.unit, row, number, syscall), inDest }
        if (!isFile(tree, row) || meaningOf(mode, number, syscall) === 'fatal') {
          throw this.error(state.unit, row, refusal)
        }
        known = { refusal, wanted: new Uint8Array(tree.allEntries), row }
        reasons.set(key, known)
      }
      known.wanted[row] = 1
    }
    return Array.from(reasons.values(), ({ refusal, wanted, row }) => {
      const next = this.nextMode(state.unit, steps, refusal, row)
      debugRefusal(`files of a tree go on to ${next.mode}`, refusal)
      return { state, job: restOf(job, job.modes.length, wanted), ...next }
    })
  }

  /** The mode to take after a refusal, or at first; each step down is noted with its reason. */
  private nextMode(
    unit: TreeUnit,
    before: readonly Step[],
    refusal: Refusal | undefined,
    row = 0,
  ): { mode: TreeOperation; steps: readonly Step[] } {
    const fallbackChain = this.fallbackChains.of(unit.device, unit.source)
    const { mode, steps, reason } = descend(this.options.linkModes, fallbackChain, before, refusal)
    if (mode !== undefined && mode !== 'symlink') return { mode, steps }
    if (reason === undefined) throw new Error('a file without link modes')
    throw this.error(unit, row, reason)
  }

  private refusal(
    mode: LinkMode,
    { directory, tree }: TreeUnit,
    row: number,
    number: number,
    syscall: string,
  ): Refusal {
    const { path: at, file } = tree.rowAt(row)
    const dest = pathOf({ base: this.options.dest, path: joinPath(directory.path, at) })
    // What is not made from another file has no path but its own.
    const path = isFile(tree, row) ? pathOf(file.place, file.name) : dest
    return { mode, errno: number, syscall, path, dest }
  }

  private error({ directory, tree, source }: TreeUnit, row: number, refusal: Refusal): Error {
    const at = joinPath(directory.path, tree.rowAt(row).path)
    const modes = isFile(tree, row) ? this.options.linkModes : []
    return placementError(source, at, modes, refusal)
  }

  private finish(states: readonly State[]): Placed {
    const placed = { files: 0, bytes: 0 }
    for (const { unit, placed: how, bytes: made } of states) {
      const { directory, tree } = unit
      // A link tells no size.
      const bytes = this.options.linkModes.includes('hardlink') ? (tree.allBytes ?? made) : made
      directory.stageAll(how ?? directory.placement, bytes)
      placed.files += tree.allEntries
      placed.bytes += bytes
    }
    return placed
  }

  private sharesNothing({ device, source }: TreeUnit): boolean {
    const why = this.fallbackChains.of(device, source)?.whyRetired('clone')
    return why !== undefined && noSharedExtents.has(why.errno)
  }
}

function isFile(tree: PackedTree, row: number): boolean {
  return (tree.allKinds?.[row] ?? Row.File) === Row.File
}

/** Those that are tried in the mode of the first, for the same reasons; and the others. */
function splitAlike(attempts: readonly Attempted[]): [Attempted[], Attempted[]] {
  const keyOf = ({ mode, steps }: Attempted): string =>
    [mode, ...steps.map(({ from, errno, syscall }) => `${from} ${errno} ${syscall}`)].join()
  const alike: Attempted[] = []
  const others: Attempted[] = []
  const key = keyOf(attempts[0] as Attempted)
  for (const attempt of attempts) (keyOf(attempt) === key ? alike : others).push(attempt)
  return [alike, others]
}

/** Throws if a directory could not be made. */
function throwIfStopped(
  { state }: Attempted,
  { stops, made }: TreeOutcomes,
  index: number,
  fresh: Place,
): void {
  const number = stops?.errnos[index] ?? 0
  if (number === 0) return
  const { directory, tree } = state.unit
  const path = joinPath(directory.path, tree.directoryAt(made?.[index] ?? 0))
  throw new SystemError(number, {
    syscall: stops?.syscall(index) ?? '',
    path: pathOf(below(fresh, path)),
  })
}
