import { append } from './append'
import { errnoOf, ofTheMachine } from './errno'
import { Equality, type Place } from './host/host'
import type { Merging } from './merging'
import type { Compare } from './plan/compare'
import { undecided } from './plan/policy'
import type { NameGroup } from './plan/spelling'
import { unite, type NameOracle } from './plan/union'
import { look, needsSizes, scanSources, throwIfBad, type Context } from './planning'
import type { GivenSource } from './scan/given'
import type { SourceTree } from './scan/tree'
import type { Site } from './site'
import type { EarlyTree } from './stage/adopt'
import { Allocation } from './stage/allocation'
import { Allocator } from './stage/allocator'
import type { StageTarget } from './stage/staging'

/** A source that was read, and what was staged of it before all sources were known. */
export interface Arrived {
  readonly tree: SourceTree
  /** Undefined where nothing was staged. */
  readonly early: EarlyTree | undefined
  readonly room: Room | undefined
}

/** Where sources that arrived together are staged. */
class Room {
  constructor(
    readonly place: Place,
    /** Sources that still need it. */
    public users: number,
  ) {}
}

interface Arrival {
  readonly source: GivenSource
  /** Does nobody want it any more? */
  readonly isDropped: () => boolean
  readonly resolve: (arrived: Arrived) => void
  readonly reject: (error: unknown) => void
}

// Enough to make the trips off the main thread worthwhile, few enough for all workers to have some.
const mostTogether = 64

// What looks like dest's own, or another source's, is left alone until all sources are known: no byte is read twice.
const takenForSame: Compare = (jobs) => {
  const pairs = jobs.reduce((sum, { names }) => sum + names.length, 0)
  return Promise.resolve(new Uint8Array(pairs).fill(Equality.SameBytes))
}

/**
 * Reads and stages sources while others are still to come. Those that have to wait for their turn are taken together: many
 * small sources cost hardly more than one large one.
 */
export class EarlySources {
  private readonly waiting: Arrival[] = []
  private running = 0

  constructor(
    private readonly context: Context,
    private readonly site: Site,
    private readonly merging: Merging,
  ) {}

  add(source: GivenSource, isDropped: () => boolean): Promise<Arrived> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ source, isDropped, resolve, reject })
      this.fill()
    })
  }

  /** What was staged of a source is not needed. */
  async release({ room }: Partial<Arrived>): Promise<void> {
    if (room !== undefined && --room.users === 0) await this.remove(room)
  }

  private async remove(room: Room): Promise<void> {
    const staging = await this.site.currentStaging
    await staging?.removeRoom(room.place)
  }

  private fill(): void {
    while (this.running < this.context.concurrencyLimit && this.waiting.length > 0) {
      this.running++
      void this.take(this.waiting.splice(0, mostTogether)).finally(() => {
        this.running--
        this.fill()
      })
    }
  }

  /** Never rejects: each source has an answer of its own. */
  private async take(group: readonly Arrival[]): Promise<void> {
    const { context, site } = this
    try {
      const given = group.map(({ source }) => source)
      const trees = await scanSources(context, site, given, needsSizes(context))
      const wanted = trees.filter((_, index) => group[index]?.isDropped() === false)
      const staged = wanted.length === 0 ? undefined : await this.stage(wanted)
      for (const [index, { resolve }] of group.entries()) {
        const tree = trees[index] as SourceTree
        resolve({ tree, early: undefined, room: undefined, ...(wanted.includes(tree) && staged) })
      }
    } catch (error) {
      const [only] = group
      if (only !== undefined && group.length === 1) only.reject(error)
      // Which of them it was, and whether the others can be staged, each shows by itself.
      else for (const each of group) await this.take([each])
    }
  }

  /** A file that cannot be placed may not be wanted in the end; if it is, it fails then, as in merge(). */
  private async stage(
    trees: readonly SourceTree[],
  ): Promise<Pick<Arrived, 'early' | 'room'> | undefined> {
    const { context } = this
    let room: Room | undefined
    const makeRoom = async (): Promise<Place> => {
      const staging = await this.site.staging()
      room ??= new Room(await staging.makeRoom(), trees.length)
      return room.place
    }
    try {
      const early = await this.stageIn(makeRoom, trees)
      return { early, room }
    } catch (error) {
      const aborted = context.settings.signal?.aborted === true
      // The disk may be full of it. The sweep at the end tries again, and reports what it cannot remove.
      if (!aborted && room !== undefined) await this.remove(room).catch(() => undefined)
      if (aborted || trees.length > 1 || ofTheMachine.has(errnoOf(error))) throw error
      await throwIfBad(context, trees, error)
      return undefined
    }
  }

  private async stageIn(
    room: () => Promise<Place>,
    trees: readonly SourceTree[],
  ): Promise<EarlyTree | undefined> {
    const { context, site } = this
    const doubts: NameGroup[] = []
    const sameEntries: NameOracle = (groups) => {
      append(doubts, groups)
      return Promise.resolve(groups.map(() => []))
    }
    const { learnSizes } = context
    const rules = { policy: undecided, compare: takenForSame, learnSizes, sameEntries }
    const union = await unite(trees, rules)
    // Names that may be one entry to dest: who gets it is decided later, with all other conflicts.
    if (doubts.length > 0) {
      if (trees.length > 1) throw new Error('names of one of several sources are in doubt')
      return undefined
    }
    // Before its files are read: what changes in them until all sources are known must show later.
    await context.life?.seeFiles(union)
    const { root } = union
    if (site.dest === undefined) root.state = 'exists'
    else
      await look(
        { ...context, compare: takenForSame, match: undefined, life: undefined },
        site,
        union,
        site.dest,
      )
    // What is to inherit from a directory of dest is staged there at the end, when it is known what of it is wanted.
    const allocation = new Allocation()
    const allocator = Allocator.forMainOnly(context.host, site.stagingSite, allocation)
    if (site.dest !== undefined) await allocator.allocate(root)
    let place: Place | undefined
    await this.merging.build(union, new Map(), {
      allocation,
      isMainOnly: true,
      target: async (): Promise<StageTarget> => {
        const staging = await site.staging()
        place = await room()
        return { fresh: place, scratch: staging.scratch }
      },
    })
    return place && { root, place }
  }
}
