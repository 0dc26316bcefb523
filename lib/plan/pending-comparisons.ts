import { Equality, identityLength, type Host, type Place, type Stats } from '../host/host'
import { allBits } from '../host/kept-attributes'
import { throwIfFailed } from '../host/trees'
import { executableBits } from './candidates'
import type { Compare, ComparisonJob } from './compare'
import type { Part } from './part'
import { originOf, type PlanDirectory } from './plan'
import { isSameTime } from './same-time'
import { ShownModes } from './shown-modes'
import type { Decisions } from './decisions'

/** Files of one part that look like dest's until the bytes are read. */
export interface PendingComparison {
  readonly directory: PlanDirectory
  readonly part: Part
  readonly positions: number[]
  /** Dest's directory. */
  readonly to: Place
  /** What dest has, and where in it each of the positions is. */
  readonly stats: Stats
  readonly entries: number[]
}

/** What only anyone who holds dest open can do. */
export interface ComparisonContext {
  readonly host: Host
  readonly compare: Compare
  /** Are files to have the times of the source? */
  readonly times: boolean
  /** Permission bits that dest's file system holds; asked where it shows other bits than are wanted. */
  readonly modesHeld: (shown: ShownModes) => Promise<number>
}

/** Reads the bytes of files, those of many at once, while the rest of dest is looked at. */
export class PendingComparisons {
  private readonly asked: {
    pendingComparisons: readonly PendingComparison[]
    answers: Promise<Uint8Array>
  }[] = []

  constructor(
    private readonly context: ComparisonContext,
    private readonly decisions: Decisions,
  ) {}

  ask(pendingComparisons: readonly PendingComparison[]): void {
    if (pendingComparisons.length === 0) return
    const answers = this.context.compare(pendingComparisons.flatMap(comparisonJobs), 'dest')
    // A failure is reported by settle(), when nothing runs any more.
    answers.catch(() => undefined)
    this.asked.push({ pendingComparisons, answers })
  }

  /** Waits until nothing is read any more. */
  async end(): Promise<void> {
    await Promise.allSettled(this.asked.map(({ answers }) => answers))
  }

  /** Passes on the decisions. Throws the first failure in the order of the comparisons. */
  async settle(): Promise<void> {
    const same: Same[] = []
    for (const { pendingComparisons, answers } of this.asked) {
      this.settleBytes(pendingComparisons, await answers, same)
    }
    const shown = new ShownModes()
    for (const { wanted, found, unchanged } of same) shown.add(wanted, found, unchanged)
    const held = shown.differ ? await this.context.modesHeld(shown) : allBits
    const late = this.context.times ? await this.withOtherTimes(same) : undefined
    for (const each of same) this.settleSame(each, held, late?.has(each) === true)
  }

  /** Adds the files that have the wanted bytes. */
  private settleBytes(
    pendingComparisons: readonly PendingComparison[],
    answers: Uint8Array,
    same: Same[],
  ): void {
    const { decisions } = this
    let answer = 0
    for (const pendingComparison of pendingComparisons) {
      const { directory, part, positions, entries, stats } = pendingComparison
      positions.forEach((position, at) => {
        const equality = answers[answer++] ?? Equality.Differ
        const isLink = equality === Equality.SameFile
        if (
          equality === Equality.Differ ||
          (isLink && decisions.isMutable(directory, part, position))
        ) {
          decisions.settle(directory, part, position, false)
          return
        }
        const entry = entries[at] as number
        const [, , mtime = 0n, ctime = 0n] = stats.identities.subarray(entry * identityLength)
        const wanted = decisions.modeOf(part, position)
        const found = (stats.modes[entry] as number) & allBits
        same.push({
          pendingComparison,
          position,
          equality,
          wanted,
          found,
          mtime,
          unchanged: ctime === mtime,
        })
      })
    }
  }

  private settleSame(
    { pendingComparison, position, equality, wanted, found }: Same,
    held: number,
    late: boolean,
  ): void {
    const { decisions } = this
    const { directory, part } = pendingComparison
    const other = (wanted ^ found) & held
    if (executableBits(other) !== 0) decisions.settleExecutable(directory, part, position)
    else if (other !== 0 || late || decisions.isStoreFile(equality)) {
      decisions.settleAttributes(part, position)
    } else decisions.settle(directory, part, position, true)
  }

  /** Those that have other times than their sources. */
  private async withOtherTimes(same: readonly Same[]): Promise<Set<Same>> {
    const late = new Set<Same>()
    // Given content has no times.
    const files = same.flatMap((each) => {
      const {
        pendingComparison: { part },
        position,
      } = each
      const file = originOf(part.tree, part.picks[position] as number)
      return 'content' in file ? [] : [{ each, file }]
    })
    for (let at = 0; at < files.length; at += filesPerCall) {
      const some = files.slice(at, at + filesPerCall)
      const jobs = some.map(({ file: { place, name } }) => ({ to: place, names: [name] }))
      const stats = await this.context.host.stat(jobs)
      throwIfFailed(jobs, stats)
      some.forEach(({ each }, index) => {
        const wanted = stats.identities[index * identityLength + 2] ?? 0n
        if (!isSameTime(wanted, each.mtime)) late.add(each)
      })
    }
    return late
  }
}

const filesPerCall = 512

/** A file of dest that has the wanted bytes. */
interface Same {
  readonly pendingComparison: PendingComparison
  readonly position: number
  readonly equality: number
  /** Permission bits. */
  readonly wanted: number
  readonly found: number
  /** Of dest, in ns. */
  readonly mtime: bigint
  /** Nothing was changed since the bytes were written. */
  readonly unchanged: boolean
}

/** Each file with dest's of its name, in order. */
function comparisonJobs({ part, positions, to }: PendingComparison): ComparisonJob[] {
  const { tree, picks } = part
  const { names: all, origin } = tree
  const isAll = positions.length === all.length
  const names = isAll ? all : positions.map((position) => all[picks[position] ?? 0] ?? '')
  if (origin !== undefined) return [{ from: origin, to, names }]
  return positions.map((position, at): ComparisonJob => {
    const toNames = [names[at] ?? '']
    const from = originOf(tree, picks[position] ?? 0)
    if ('content' in from) return { from: { contents: [from.content] }, to, names: toNames }
    return { from: from.place, to, names: [from.name], toNames }
  })
}
