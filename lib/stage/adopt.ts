import { entryOf, type Host, type PairJob, type Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import type { Part } from '../plan/part'
import { placeOf, type PlanDirectory } from '../plan/plan'
import { asWhole, isUnchanged, type WholeDirectory } from '../plan/whole-directory'
import { nameAt } from './entries'
import type { Unit } from './wanted'

/** The tree of a source that was staged alone, before all sources were known. */
export interface EarlyTree {
  readonly root: PlanDirectory
  /** Where it stands; mirrors dest. */
  readonly place: Place
}

const namesPerCall = 512

/** Takes what was staged early over into the staged union: by renames, of whole directories where it can. */
export class Adoption {
  private readonly whole: { readonly directory: PlanDirectory; readonly place: Place }[] = []
  private readonly single: {
    readonly directory: PlanDirectory
    readonly place: Place
    readonly names: string[]
  }[] = []
  /** By the union's directory and source: what that source staged there. */
  private readonly known = new Map<PlanDirectory, ReadonlyMap<number, EarlyTree>>()

  constructor(private readonly host: Host) {}

  /** Finds what can be moved whole, and counts it as staged from now on. `early`: by source. */
  plan(root: PlanDirectory, early: ReadonlyMap<number, EarlyTree>): void {
    if (early.size > 0) this.visit(root, early, false)
  }

  private visit(
    directory: PlanDirectory,
    early: ReadonlyMap<number, EarlyTree>,
    inside: boolean,
  ): void {
    const { state, sources, path } = directory
    if (state === 'published' || state === 'keep' || isUnchanged(directory)) return
    const whole = inside || state !== 'exists'
    const [only] = early.values()
    const isAlone = sources.length === 1 && path !== ''
    if (only !== undefined && whole && isAlone && isSame(directory, only.root)) {
      this.whole.push({ directory, place: only.place })
      takeOver(directory, only.root)
      return
    }
    this.known.set(directory, early)
    for (const child of directory.directories.values()) {
      const below = new Map<number, EarlyTree>()
      for (const source of child.sources) {
        const above = early.get(source)
        const own = above?.root.directories.get(child.name)
        // What is not staged has nothing staged in it; what was taken over before counts as such.
        if (above !== undefined && own?.staged === true) below.set(source, { ...above, root: own })
      }
      if (below.size > 0) this.visit(child, below, whole)
    }
  }

  /**
   * Finds the single entries that can be moved, and counts them as staged from now on. `units`: by directory, what is
   * wanted; answers what of it is still to be placed.
   */
  takeEntries(units: readonly Unit[][]): Unit[][] {
    if (this.known.size === 0) return [...units]
    return units
      .map((own) => own.flatMap((unit) => this.takeOut(unit)))
      .filter((own) => own.length > 0)
  }

  /** Nothing is to be moved. */
  get isEmpty(): boolean {
    return this.whole.length === 0 && this.single.length === 0
  }

  /** Their parents must be there by now. */
  async moveDirectories(fresh: Place): Promise<void> {
    const moves = this.whole.map(({ directory, place }): PairJob => {
      const from = entryOf(placeOf(place, directory))
      const to = entryOf(placeOf(fresh, directory))
      return { from: from.directory, to: to.directory, names: [to.name] }
    })
    await this.rename(moves)
  }

  /** Into directories that are there by now. */
  async moveEntries(fresh: Place): Promise<void> {
    const moves: PairJob[] = []
    for (const { directory, place, names } of this.single) {
      const [from, to] = [placeOf(place, directory), placeOf(fresh, directory)]
      for (let at = 0; at < names.length; at += namesPerCall) {
        moves.push({ from, to, names: names.slice(at, at + namesPerCall) })
      }
    }
    await this.rename(moves)
  }

  /** Counts what a source staged of a unit as staged in the union; answers the rest. */
  private takeOut(unit: Unit): Unit[] {
    const { directory, part } = unit
    const early = this.known.get(directory)?.get(part.source)
    const own = early?.root.parts.find(({ tree }) => tree === part.tree)
    if (early === undefined || own === undefined) return [unit]
    const staged = stagedPositions(own)
    const names: string[] = []
    const others: number[] = []
    for (const position of Array.from(unit.positions)) {
      const before = staged.get(part.picks[position] ?? -1)
      if (before === undefined) {
        others.push(position)
        continue
      }
      names.push(nameAt(unit, position))
      part.staged[position] = own.staged[before] ?? 0
      own.staged[before] = 0
    }
    if (names.length > 0) this.single.push({ directory, place: early.place, names })
    return others.length === 0 ? [] : [{ ...unit, positions: others }]
  }

  private async rename(moves: readonly PairJob[]): Promise<void> {
    for (const jobs of inCalls(moves)) throwIfFailed(jobs, await this.host.rename(jobs, false))
  }
}

/** Jobs in groups of enough names for one call. */
function* inCalls(jobs: readonly PairJob[]): Generator<PairJob[]> {
  let call: PairJob[] = []
  let room = namesPerCall
  for (const job of jobs) {
    if (call.length > 0 && job.names.length > room) {
      yield call
      call = []
      room = namesPerCall
    }
    call.push(job)
    room -= job.names.length
  }
  if (call.length > 0) yield call
}

/** Both, if they are one tree of a source in which nobody has looked: so what holds for one file holds for all. */
function bothWhole(
  directory: PlanDirectory,
  early: PlanDirectory,
): readonly [WholeDirectory, WholeDirectory] | undefined {
  const [whole, own] = [asWhole(directory), asWhole(early)]
  return whole !== undefined && own?.tree === whole.tree ? [whole, own] : undefined
}

/** Is all of the directory staged there, and nothing else? */
function isSame(directory: PlanDirectory, early: PlanDirectory): boolean {
  if (!early.staged || directory.staged) return false
  const both = bothWhole(directory, early)
  if (both !== undefined) return both[1].placement !== 0
  if (directory.directories.size !== early.directories.size) return false
  if (directory.parts.length !== early.parts.length) return false
  for (const [index, part] of directory.parts.entries()) {
    const own = early.parts[index]
    if (own === undefined || !isSamePart(part, own)) return false
  }
  for (const [name, child] of directory.directories) {
    const own = early.directories.get(name)
    if (own === undefined || !isSame(child, own)) return false
  }
  return true
}

function isSamePart(part: Part, own: Part): boolean {
  if (part.tree !== own.tree || part.picks.length !== own.picks.length) return false
  const alike = own.placementOfAll
  if (part.isWhole && part.placementOfAll === 0 && alike !== undefined) return alike !== 0
  return part.picks.every(
    (index, position) =>
      index === own.picks[position] && part.staged[position] === 0 && own.staged[position] !== 0,
  )
}

function takeOver(directory: PlanDirectory, early: PlanDirectory): void {
  const both = bothWhole(directory, early)
  if (both !== undefined) {
    const [whole, own] = both
    whole.stageAll(own.placement, own.isSized ? own.bytes : undefined)
    own.stageAll(0, undefined)
    return
  }
  directory.staged = true
  early.staged = false
  for (const [index, part] of directory.parts.entries()) {
    const own = early.parts[index]
    if (own === undefined) continue
    const alike = own.placementOfAll
    if (alike === undefined) part.staged.set(own.staged)
    else part.stageAll(alike)
    own.stageAll(0)
  }
  for (const [name, child] of directory.directories) {
    const own = early.directories.get(name)
    if (own !== undefined) takeOver(child, own)
  }
}

/** By index in the tree: positions of what is staged. */
function stagedPositions({ picks, staged }: Part): Map<number, number> {
  const positions = new Map<number, number>()
  picks.forEach((index, position) => {
    if (staged[position] !== 0) positions.set(index, position)
  })
  return positions
}
