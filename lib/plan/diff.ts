import { append } from '../append'
import {
  below,
  identityLength,
  Kind,
  pathOf,
  type Host,
  type NamesJob,
  type Place,
  type Stats,
} from '../host/host'
import { emptyOnes, throwIfFailed } from '../host/trees'
import { inGroups, runLimited } from '../concurrency'
import type { LearnSizes } from '../scan/sizes'
import { isExact } from '../scan/tree'
import type { Conflict } from '../types'
import type { Compare } from './compare'
import type { Part } from './part'
import { Action, namesOf, placeOf, type PlanDirectory, type Union } from './plan'
import { isMatchable, matchWhole, type MatchTrees } from './matching'
import {
  PendingComparisons,
  type PendingComparison,
  type ComparisonContext,
} from './pending-comparisons'
import { Seen } from './seen'
import { OwnEntries, type Lifecycle } from './own-entries'
import { planExact } from './exact'
import { planRemovals, Removals, symlinkInPlace, type Wanted } from './removals'
import { wantedOf } from './still-wanted'
import type { FoundNames, Spelling } from './spelling'
import { looksAlike, Decisions, type DecisionRules } from './decisions'
import { asWhole, eachOpened, isUnchanged } from './whole-directory'

const namesPerCall = 512

export interface DiffContext extends DecisionRules {
  readonly host: Host
  readonly compare: Compare
  readonly modesHeld: ComparisonContext['modesHeld']
  readonly learnSizes: LearnSizes
  /** Undefined: no tree is looked for as a whole. */
  readonly match: MatchTrees | undefined
  readonly spelling: Spelling
  /** Undefined without a manifest. */
  readonly life: Lifecycle | undefined
  /** Calls at once. */
  readonly concurrencyLimit: number
  readonly signal: AbortSignal | undefined
}

export interface DestDiff {
  /** Decided by `existing`. */
  readonly decided: Conflict[]
  /** The merge cannot go on with these. */
  readonly undecided: Conflict[]
  /** With a manifest: what of it was found. */
  readonly own: OwnEntries | undefined
  /** What is taken out of dest; undefined where nothing is to be. */
  readonly removals: Removals | undefined
}

/** What dest holds in some directories. */
interface Look {
  readonly batch: readonly PlanDirectory[]
  readonly jobs: readonly NamesJob[]
  readonly stats: Stats
  /** When it began, in ms since 1970. */
  readonly at: number
  readonly spellings: readonly ReadonlyMap<string, string>[]
}

/** What dest holds in one directory: the outcomes of a look from `first` on. */
interface Found {
  readonly directory: PlanDirectory
  readonly stats: Stats
  readonly first: number
  readonly to: Place
  readonly now: Seen
  readonly before: Seen | undefined
  /** When the look began, in ms since 1970. */
  readonly at: number
}

/**
 * Looks at what dest holds where the union wants something, and sets what happens to each entry.
 * The cost grows with the union, not with dest. A second diff reads no bytes of what has not changed since the
 * first, and looks at no entry of a directory that holds the same entries, all of them as wanted.
 */
export async function diffDest(union: Union, dest: Place, context: DiffContext): Promise<DestDiff> {
  const differ = new Differ(union, dest, context)
  const { decided, undecided, ...found } = await differ.run()
  const byPath = (a: Conflict, b: Conflict): number => (a.path < b.path ? -1 : 1)
  return { decided: decided.sort(byPath), undecided: undecided.sort(byPath), ...found }
}

/** An entry where dest has a directory. */
interface InTheWay {
  readonly directory: PlanDirectory
  readonly part: Part
  readonly position: number
  /** That directory. */
  readonly place: Place
}

class Differ {
  private readonly decisions: Decisions
  private inTheWay: InTheWay[] = []
  /** Directories whose entries but for subdirectories are known to be as they were found before. */
  private readonly settled = new Set<PlanDirectory>()
  private readonly own: OwnEntries | undefined
  /** Some of what dest holds is taken out, which is known once all of it was looked at. */
  private readonly isLate: boolean
  /** Directories that earlier merges put there, and that dest spells otherwise than they are wanted. */
  private respelled: { readonly parent: PlanDirectory; readonly child: PlanDirectory }[] = []
  /** What can only be decided once it is known what has become of what is ours. */
  private readonly deferred: (() => void)[] = []

  constructor(
    private readonly union: Union,
    private readonly dest: Place,
    private readonly context: DiffContext,
  ) {
    this.own = context.life && new OwnEntries(context.life)
    this.isLate = this.own !== undefined || union.trees.some(isExact)
    this.decisions = new Decisions(union, context, this.own)
  }

  /** Level by level: below what dest lacks there is nothing to look at. Bytes are compared meanwhile. */
  async run(): Promise<DestDiff> {
    this.union.root.state = 'exists'
    const { decisions } = this
    const pendingComparisons = new PendingComparisons(this.context, decisions)
    try {
      for (let level = [this.union.root]; level.length > 0;) {
        const looks = await this.lookConcurrently(level)
        const open: PendingComparison[] = []
        // In the order of the tree, whichever answer came first.
        const common = looks.flatMap((look) => this.note(look, open))
        append(common, await this.settleRespelled())
        pendingComparisons.ask(open)
        if (!this.isLate) await this.settleInTheWay(undefined)
        await this.matchWhole(common)
        level = common.filter((directory) => !isUnchanged(directory))
      }
    } finally {
      await pendingComparisons.end()
    }
    const removals = await this.resolveOwn()
    await pendingComparisons.settle()
    const undecided = removals
      ? [...decisions.undecided, ...removals.undecided]
      : decisions.undecided
    return { decided: decisions.decided, undecided, own: this.own, removals }
  }

  /** What has become of what earlier merges put there, and what of that goes. */
  private async resolveOwn(): Promise<Removals | undefined> {
    const { own, context, union } = this
    if (!this.isLate) return undefined
    await own?.resolve()
    let removals: Removals | undefined
    if (own?.life.prune === true) {
      const { ours, taken, unchanged } = own.life
      const wanted = wantedOf(union.root, unchanged)
      removals = await planRemovals(context.host, this.dest, ours, wanted, taken)
    }
    if (union.trees.some(isExact)) {
      const others = new Removals()
      await planExact(context.host, this.dest, union, others)
      removals = removals === undefined ? others : others.with(removals)
    }
    for (const settle of this.deferred) settle()
    await this.settleInTheWay(removals)
    return removals
  }

  /** Directories where none is wanted: whether they are empty matters only where such a one gives way. */
  private async settleInTheWay(removals: Removals | undefined): Promise<void> {
    const found = this.inTheWay
    if (found.length === 0) return
    this.inTheWay = []
    const { host, existing } = this.context
    const places = found.map(({ place }) => place)
    const empty = existing === 'replace' ? await emptyOnes(host, places) : undefined
    found.forEach(({ directory, part, position, place }) => {
      if (removals?.isWhole(place.path) === true) {
        part.actions[position] = Action.Replace
        return
      }
      this.decisions.settleInTheWay(directory, part, position, empty?.has(place) === true)
    })
  }

  /** One that holds nothing but what is ours is published anew, under the new spelling; returns the others. */
  private async settleRespelled(): Promise<PlanDirectory[]> {
    const found = this.respelled
    const { own } = this
    if (found.length === 0 || own === undefined) return []
    this.respelled = []
    const { ours, prune, taken } = own.life
    const ways = found.map(({ parent, child }) => own.pathsOf(parent, child))
    const paths = ways.map(({ recorded = '' }) => recorded)
    const isBelow = (at: string): boolean =>
      paths.some((path) => at === path || at.startsWith(`${path}/`))
    const all: Wanted = {
      hasDirectory: (at) => !isBelow(at),
      hasName: (at) => !isBelow(at),
      goes: () => true,
    }
    const removals = prune
      ? await planRemovals(this.context.host, this.dest, ours, all, taken)
      : undefined
    return found.flatMap(({ parent, child }, index) => {
      const path = paths[index] ?? ''
      // One that somebody has spelled anew is taken up under that name first.
      const isAsRecorded = ways[index]?.standing === path
      if (isAsRecorded && removals?.isWhole(path) === true) {
        forget(child)
        child.state = 'replace'
        return []
      }
      own.enter(parent, child)
      this.decisions.mergeDirectory(parent, child, true)
      return [child]
    })
  }

  /** Settles those that dest has with all that is wanted in them. */
  private async matchWhole(directories: readonly PlanDirectory[]): Promise<void> {
    const { match, mutable } = this.context
    // Each file has to be asked about.
    if (match === undefined || mutable !== undefined) return
    const whole = directories.flatMap((directory) => asWhole(directory) ?? []).filter(isMatchable)
    await matchWhole(whole, this.dest, match, this.context)
  }

  private async lookConcurrently(level: readonly PlanDirectory[]): Promise<Look[]> {
    const { concurrencyLimit, signal } = this.context
    const batches = inGroups(level, countNames, namesPerCall)
    const looks = new Array<Look>(batches.length)
    let started = 0
    await runLimited(concurrencyLimit, signal, () => {
      const index = started++
      const batch = batches[index]
      return batch && this.look(batch).then((look) => void (looks[index] = look))
    })
    return looks
  }

  private async look(batch: readonly PlanDirectory[]): Promise<Look> {
    const jobs = batch.map((directory) => ({
      to: placeOf(this.dest, directory),
      names: this.settled.has(directory) ? [...directory.directories.keys()] : namesOf(directory),
    }))
    await this.context.learnSizes(batch.flatMap(({ parts }) => parts.map(({ tree }) => tree)))
    const at = Date.now()
    const stats = await this.context.host.stat(jobs)
    throwIfFailed(jobs, stats)
    await this.context.life?.clocks.learn(jobs, stats)
    const named = foundIn(jobs, stats).map((found, index) =>
      this.settled.has(batch[index] as PlanDirectory) ? { ...found, names: [] } : found,
    )
    const spellings = await this.context.spelling.otherSpellings(named)
    return { batch, jobs, stats, at, spellings }
  }

  /** Answers the subdirectories that dest has too; adds the files of which only the bytes can tell. */
  private note(
    { batch, jobs, stats, at, spellings }: Look,
    pendingComparisons: PendingComparison[],
  ): PlanDirectory[] {
    const common: PlanDirectory[] = []
    let first = 0
    batch.forEach((directory, index) => {
      const { to, names } = jobs[index] as NamesJob
      const end = first + names.length
      const identities = stats.identities.slice(first * identityLength, end * identityLength)
      const now = new Seen(identities, at)
      const found = { directory, stats, first, to, now, before: directory.seen, at }
      if (this.settled.has(directory)) {
        append(common, this.noteDirectories(found, entriesOf(directory)))
      } else {
        directory.spellings = spellings[index] as ReadonlyMap<string, string>
        directory.seen = now
        this.noteEntries(found, pendingComparisons)
        append(common, this.noteDirectories(found, 0))
      }
      first = end
    })
    return common
  }

  private noteEntries(
    { directory, stats, first, to, now, before, at }: Found,
    pendingComparisons: PendingComparison[],
  ): void {
    let entry = 0
    for (const part of directory.parts) {
      const positions: number[] = []
      const entries: number[] = []
      for (let position = 0; position < part.picks.length; position++) {
        // An inode number may have been given again, within one tick of the clock.
        const unchanged = now.isAsIn(before, entry) && before?.wasAtRest(entry) === true
        const isDone = isPublished(part, position)
        const own = isDone
          ? undefined
          : this.own?.look(
              directory,
              part,
              position,
              to,
              stats,
              first + entry,
              BigInt(at) * 1_000_000n,
            )
        if (own === 'unchanged') {
          part.actions[position] = Action.Unchanged
        } else if (stats.kinds[first + entry] === Kind.Directory && !isDone) {
          const name = part.tree.names[part.picks[position] as number] as string
          const place = below(to, directory.spellings.get(name) ?? name)
          this.inTheWay.push({ directory, part, position, place })
        } else if (
          this.isPending(
            directory,
            part,
            position,
            stats,
            first + entry,
            unchanged && own === undefined,
          )
        ) {
          positions.push(position)
          entries.push(first + entry)
        }
        entry++
      }
      if (positions.length > 0)
        pendingComparisons.push({ directory, part, positions, to, stats, entries })
    }
  }

  /** `left`: entries before the subdirectories that were not looked at. Answers those that dest has too. */
  private noteDirectories(
    { directory, stats, first, to, now, before }: Found,
    left: number,
  ): PlanDirectory[] {
    const start = entriesOf(directory) - left
    return [...directory.directories.values()].filter((child, index) => {
      const entry = start + index
      const isCommon = this.lookAtDirectory(
        child,
        stats.kinds[first + entry] ?? Kind.Missing,
        directory,
        () => this.own?.lookInTheWay(child, directory, to, stats, first + entry) === true,
      )
      // It is looked at, or was, in its own way.
      if (asWhole(child) !== undefined) return isCommon
      const isSame =
        now.isAsIn(before, entry, entry + left) && before?.wasAtRest(entry + left) === true
      // With a manifest the last diff reports all that was found.
      if (this.own !== undefined) return isCommon
      if (isCommon && isSame && isAsWanted(child)) this.settled.add(child)
      return isCommon
    })
  }

  /** True if dest has a directory there too. */
  private lookAtDirectory(
    child: PlanDirectory,
    found: number,
    parent: PlanDirectory,
    isOurs: () => boolean,
  ): boolean {
    if (child.state === 'published') return false
    if (found === Kind.Directory) {
      const isRespelled = parent.spellings.has(child.name)
      const { recorded } = (isRespelled && this.own?.pathsOf(parent, child)) || {}
      if (recorded !== undefined) {
        this.respelled.push({ parent, child })
        return false
      }
      this.own?.enter(parent, child)
      this.decisions.mergeDirectory(parent, child)
      return true
    }
    // What an earlier look found below is of a directory that is there no more.
    forget(child)
    if (found === Kind.Missing) {
      this.own?.noteMissing(child)
      return false
    }
    if (found === Kind.Symlink || found === Kind.OddLink) {
      if (this.own?.hasDirectory(child.path) === true) {
        throw symlinkInPlace(child.path, pathOf(below(this.dest, child.path)))
      }
    }
    const settle = (): void => {
      this.decisions.settleDirectory(parent, child, found)
    }
    if (isOurs()) this.deferred.push(settle)
    else settle()
    return false
  }

  /** False where the decision on the entry does not depend on its bytes: then it is made. */
  private isPending(
    directory: PlanDirectory,
    part: Part,
    position: number,
    stats: Stats,
    entry: number,
    unchanged: boolean,
  ): boolean {
    const { decisions } = this
    const { tree, picks, actions } = part
    const action = actions[position]
    if (isPublished(part, position)) return false
    const kind = stats.kinds[entry]
    if (kind === Kind.Missing) {
      actions[position] = Action.Create
    } else if (unchanged && (action === Action.Align || action === Action.Differing)) {
      return false
    } else if (unchanged && action !== Action.Create) {
      decisions.settle(directory, part, position, action === Action.Unchanged)
    } else if (directory.spellings.has(tree.names[picks[position] as number] as string)) {
      this.settleDifferent(directory, part, position)
    } else if (kind === Kind.Symlink) {
      const target = stats.targets.get(entry)
      const same =
        target !== undefined && target === decisions.linkTarget(directory, part, position)
      if (same) decisions.settle(directory, part, position, true)
      else this.settleDifferent(directory, part, position)
    } else if (looksAlike(part, position, stats, entry)) {
      return true
    } else {
      this.settleDifferent(directory, part, position)
    }
    return false
  }

  /** At once, unless it may be ours. */
  private settleDifferent(directory: PlanDirectory, part: Part, position: number): void {
    const settle = (): void => {
      this.decisions.settle(directory, part, position, false)
    }
    if (this.own === undefined) settle()
    else this.deferred.push(settle)
  }
}

/** Was the entry put there by this merge? */
function isPublished({ actions }: Part, position: number): boolean {
  const action = actions[position]
  return action === Action.Created || action === Action.Replaced
}

function forget(directory: PlanDirectory): void {
  for (const each of eachOpened(directory)) {
    if (each.state !== 'published') each.state = 'new'
    asWhole(each)?.settle(undefined)
  }
}

function countNames(directory: PlanDirectory): number {
  return entriesOf(directory) + directory.directories.size
}

/** Entries that are no subdirectories. */
function entriesOf({ parts }: PlanDirectory): number {
  return parts.reduce((sum, { picks }) => sum + picks.length, 0)
}

/** Did dest have all entries of its parts when it was looked at last? */
function isAsWanted({ parts }: PlanDirectory): boolean {
  return parts.every(({ actions }) =>
    actions.every((action) => action === Action.Unchanged || action === Action.Differing),
  )
}

/** The names of the jobs that there is something for. */
function foundIn(jobs: readonly NamesJob[], { kinds }: Stats): FoundNames[] {
  let index = 0
  return jobs.map(({ to, names }) => {
    const found = names.filter(() => (kinds[index++] ?? Kind.Missing) !== Kind.Missing)
    return { place: to, names: found }
  })
}
