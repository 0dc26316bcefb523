import { preOrder, walk } from '../traversal'
import { entryOf, type Host, type PairJob, type Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import type { Part } from '../plan/part'
import { placeOf, type PlanDirectory } from '../plan/plan'
import { asWhole, isUnchanged, type WholeDirectory } from '../plan/whole-directory'
import { mainStaging, type Allocation } from './allocation'
import { nameAt } from './entries'
import type { Unit } from './wanted'

/** What was staged of a source, alone or with some others, before all sources were known. */
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

  constructor(
    private readonly host: Host,
    private readonly allocation: Allocation,
  ) {}

  /** Finds what can be moved whole, and counts it as staged from now on. `early`: by source. */
  plan(root: PlanDirectory, early: ReadonlyMap<number, EarlyTree>): void {
    if (early.size === 0) return
    const alike = new Set<PlanDirectory>()
    const owns = new Set(Array.from(early.values(), ({ root: own }) => own))
    for (const own of owns) {
      addAlike({ directory: root, own }, (source) => early.get(source)?.root === own, alike)
    }
    walk({ directory: root, early, inside: false }, (node) => this.visit(node, alike))
  }

  /** `alike`: what is staged as it is wanted. Answers the subdirectories of which something is staged. */
  private visit(
    { directory, early, inside }: Visited,
    alike: ReadonlySet<PlanDirectory>,
  ): Visited[] {
    const { state } = directory
    if (state === 'published' || state === 'keep' || isUnchanged(directory)) return []
    const isNew = inside || state !== 'exists'
    const [only] = early.values()
    // It would keep what it has inherited where it stands now.
    const isHere = this.allocation.of(directory.path) === mainStaging
    if (only !== undefined && isHere && isNew && alike.has(directory)) {
      this.whole.push({ directory, place: only.place })
      for (const pair of eachPair({ directory, own: only.root })) takeOver(pair)
      return []
    }
    if (isHere) this.known.set(directory, early)
    const found: Visited[] = []
    for (const child of directory.directories.values()) {
      const below = new Map<number, EarlyTree>()
      for (const source of child.sources) {
        const above = early.get(source)
        const own = above?.root.directories.get(child.name)
        // What is not staged has nothing staged in it; what was taken over before counts as such.
        if (above !== undefined && own?.staged === true) below.set(source, { ...above, root: own })
      }
      if (below.size > 0) found.push({ directory: child, early: below, inside: isNew })
    }
    return found
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

/** A directory of the union, and what is staged of it. */
interface Visited {
  readonly directory: PlanDirectory
  readonly early: ReadonlyMap<number, EarlyTree>
  /** Does dest lack the one above it? */
  readonly inside: boolean
}

/** A directory of the union, and the same of a source that was staged alone. */
interface Pair {
  readonly directory: PlanDirectory
  readonly own: PlanDirectory
}

/** A pair and all below it that both have; what is one tree of both stays closed. */
function eachPair(pair: Pair): Generator<Pair> {
  return preOrder(pair, ({ directory, own }) => {
    const pairs: Pair[] = []
    if (bothWhole(directory, own) !== undefined) return pairs
    for (const [name, child] of directory.directories) {
      const theirs = own.directories.get(name)
      if (theirs !== undefined) pairs.push({ directory: child, own: theirs })
    }
    return pairs
  })
}

/**
 * Adds the directories that are one source's alone, and of which all is staged, with all below, and nothing else. `isOwn`: is a
 * source one of those of which something is staged there?
 */
function addAlike(root: Pair, isOwn: (source: number) => boolean, alike: Set<PlanDirectory>): void {
  // Those below come first, so that one look at each is enough.
  for (const { directory, own } of [...eachPair(root)].reverse()) {
    const { sources, path } = directory
    const [only] = sources
    if (only === undefined || sources.length > 1 || !isOwn(only) || path === '') continue
    if (!isSame(directory, own)) continue
    const isClosed = bothWhole(directory, own) !== undefined
    if (isClosed || [...directory.directories.values()].every((child) => alike.has(child)))
      alike.add(directory)
  }
}

/** Both, if they are one tree of a source in which nobody has looked: so what holds for one file holds for all. */
function bothWhole(
  directory: PlanDirectory,
  early: PlanDirectory,
): readonly [WholeDirectory, WholeDirectory] | undefined {
  const [whole, own] = [asWhole(directory), asWhole(early)]
  return whole !== undefined && own?.tree === whole.tree ? [whole, own] : undefined
}

/** Is all of the directory staged there, and nothing else? As far as that does not depend on its subdirectories. */
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

function takeOver({ directory, own: early }: Pair): void {
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
}

/** By index in the tree: positions of what is staged. */
function stagedPositions({ picks, staged }: Part): Map<number, number> {
  const positions = new Map<number, number>()
  picks.forEach((index, position) => {
    if (staged[position] !== 0) positions.set(index, position)
  })
  return positions
}
