import { isUnanimous } from './agreement'
import type { Claim } from './claims'
import { among, type Contest } from './contest'
import { eachMeeting, type Meeting } from './meeting'
import { Rivals } from './rivals'

/** Some disagree, in a directory or below it. */
interface Dispute extends Contest {
  /** Directly in it. */
  readonly isHere: boolean
}

/**
 * A directory below dest in which of two sources that conflict only one has anything, wherever in it they conflict: unless
 * they merely share it, have the same directories and identical files directly in it. Then each directory in it is one.
 */
export class Scope {
  /** By source: two have the same only if they merely share the directory. */
  private looks: ReadonlyMap<number, number> | undefined

  constructor(
    private readonly meeting: Meeting,
    /** Those that take part: who lost a directory above does not. */
    private readonly sources: ReadonlySet<number>,
  ) {}

  /**
   * From the last to the first: those that conflict with a later one that stays. So of two that conflict there never
   * more than one has anything there, and no more leave than that takes.
   */
  losers(): Set<number> {
    const bySource = new Map<number, Wish[]>()
    for (const { claims, agreement, isHere } of this.disputes()) {
      const staying = new Rivals<number, number>()
      for (const [position, { source }] of claims.entries()) {
        if (!this.sources.has(source)) continue
        const wish = { want: agreement[position] as number, isHere, staying }
        const known = bySource.get(source)
        if (known === undefined) bySource.set(source, [wish])
        else known.push(wish)
      }
    }
    const losers = new Set<number>()
    const lastFirst = [...bySource].sort(([a], [b]) => b - a)
    for (const [source, wishes] of lastFirst) {
      if (wishes.some((wish) => this.isBeaten(source, wish))) losers.add(source)
      else for (const { want, staying } of wishes) staying.add(want, this.lookOf(source))
    }
    return losers
  }

  private isBeaten(source: number, { want, isHere, staying }: Wish): boolean {
    return isHere ? staying.hasOtherFirst(want) : staying.hasOther(want, this.lookOf(source))
  }

  private *disputes(): Generator<Dispute> {
    for (const meeting of this.meetings()) {
      const isHere = meeting === this.meeting
      for (const contest of meeting.contests.values())
        if (!isUnanimous(contest.agreement)) yield { ...contest, isHere }
    }
  }

  /** Those in and below the directory to which two of its sources come. */
  private *meetings(): Generator<Meeting> {
    for (const meeting of eachMeeting(this.meeting)) {
      const here = meeting.providers.filter(({ source }) => this.sources.has(source))
      if (here.length > 1) yield meeting
    }
  }

  /** Two that have different looks have more than what they merely share directly in the directory: it is their scope. */
  private lookOf(source: number): number {
    this.looks ??= looksIn(this.meeting)
    return this.looks.get(source) ?? -1
  }

  /** Marks what those that leave and those that stay disagree about below the directory: it is why they leave. */
  tell(losers: ReadonlySet<number>): void {
    if (losers.size === 0) return
    for (const meeting of this.meetings()) {
      if (meeting === this.meeting) continue
      for (const [name, contest] of meeting.contests) {
        const reasons = isUnanimous(contest.agreement) ? [] : this.reasonsIn(contest, losers)
        if (reasons.length === 0) continue
        meeting.contests.set(name, { ...contest, told: [...contest.told, ...reasons] })
      }
    }
  }

  private reasonsIn(contest: Contest, losers: ReadonlySet<number>): Claim[] {
    const { claims, agreement } = among(contest, this.sources)
    const sides = [losers, undefined].map((these) => {
      const isIn = ({ source }: Claim): boolean => losers.has(source) === (these === losers)
      const rivals = new Rivals<number, number>()
      const side = [...claims.entries()].filter(([, claim]) => isIn(claim))
      for (const [at, { source }] of side) rivals.add(agreement[at] as number, this.lookOf(source))
      return { side, rivals }
    })
    return sides.flatMap(({ side }, index) => {
      const against = sides[1 - index]?.rivals
      const isReason = ([at, { source }]: [number, Claim]): boolean =>
        against?.hasOther(agreement[at] as number, this.lookOf(source)) === true
      return side.filter(isReason).map(([, claim]) => claim)
    })
  }

  /**
   * Names below the directory that, if they were one entry, would be a conflict in it of one that stays with another.
   * What else looks alike there is asked about when its own directory is filled, if anybody gets it then.
   */
  doubts(losers: ReadonlySet<number>): { meeting: Meeting; names: readonly string[] }[] {
    return [...this.meetings()].flatMap((meeting) => {
      if (meeting === this.meeting) return []
      const doubtful = meeting.doubtful.filter((names) => this.isDoubt(meeting, names, losers))
      return doubtful.map((names) => ({ meeting, names }))
    })
  }

  private isDoubt(
    { contests }: Meeting,
    names: readonly string[],
    losers: ReadonlySet<number>,
  ): boolean {
    const wishes = names.flatMap((name) => {
      const its = (contests.get(name)?.claims ?? []).filter(({ source }) =>
        this.sources.has(source),
      )
      return its.map(({ source }) => ({ name, source }))
    })
    const rivals = new Rivals<string, number>()
    for (const { name, source } of wishes) rivals.add(name, this.lookOf(source))
    return wishes.some(
      ({ name, source }) => !losers.has(source) && rivals.hasOther(name, this.lookOf(source)),
    )
  }
}

/** What a source wants in a dispute, and what those want that stay. */
interface Wish {
  readonly want: number
  readonly isHere: boolean
  readonly staying: Rivals<number, number>
}

/** One number a source, the same for all that have the same. */
function looksIn({ contests }: Meeting): Map<number, number> {
  const looks = new Map<number, string>()
  let number = 0
  for (const { claims, agreement } of contests.values()) {
    number++
    claims.forEach(({ source }, position) => {
      const known = looks.get(source) ?? ''
      looks.set(source, `${known} ${number}.${agreement[position] as number}`)
    })
  }
  const numbers = new Map<string, number>()
  const numberOf = (look: string): number => {
    const known = numbers.get(look) ?? numbers.size
    numbers.set(look, known)
    return known
  }
  return new Map([...looks].map(([source, look]) => [source, numberOf(look)]))
}
