import { isUnanimous } from './agreement'
import type { Claim } from './claims'
import { among, type Contest } from './contest'
import { eachMeeting, type Meeting } from './meeting'

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
  private looks: ReadonlyMap<number, string> | undefined

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
    const bySource = new Map<number, Dispute[]>()
    for (const dispute of this.disputes()) {
      for (const source of new Set(dispute.claims.map((claim) => claim.source))) {
        const known = bySource.get(source)
        if (known === undefined) bySource.set(source, [dispute])
        else known.push(dispute)
      }
    }
    const losers = new Set<number>()
    const lastFirst = [...bySource].sort(([a], [b]) => b - a)
    for (const [source, its] of lastFirst) {
      if (!this.sources.has(source)) continue
      if (its.some((dispute) => this.isBeaten(source, dispute, losers))) losers.add(source)
    }
    return losers
  }

  private isBeaten(source: number, dispute: Dispute, losers: ReadonlySet<number>): boolean {
    const { claims, agreement, isHere } = dispute
    return claims.some(
      (own, at) =>
        own.source === source &&
        claims.some(
          (other, position) =>
            other.source > source &&
            !losers.has(other.source) &&
            this.sources.has(other.source) &&
            agreement[position] !== agreement[at] &&
            (isHere || this.areApart(source, other.source)),
        ),
    )
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

  /** Do two have more than what they merely share directly in the directory? Then it is their scope. */
  private areApart(one: number, other: number): boolean {
    this.looks ??= looksIn(this.meeting)
    return this.looks.get(one) !== this.looks.get(other)
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
    const sourceOf = (position: number): number => claims[position]?.source ?? -1
    const isAgainst = (one: number, other: number): boolean =>
      agreement[one] !== agreement[other] && this.areApart(sourceOf(one), sourceOf(other))
    const leaving: number[] = []
    const staying: number[] = []
    for (const at of claims.keys()) (losers.has(sourceOf(at)) ? leaving : staying).push(at)
    const reasons = [
      ...leaving.filter((one) => staying.some((other) => isAgainst(one, other))),
      ...staying.filter((one) => leaving.some((other) => isAgainst(one, other))),
    ]
    return reasons.map((at) => claims[at] as Claim)
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
    return wishes.some(
      (one) =>
        !losers.has(one.source) &&
        wishes.some((other) => other.name !== one.name && this.areApart(one.source, other.source)),
    )
  }
}

function looksIn({ contests }: Meeting): Map<number, string> {
  const looks = new Map<number, string>()
  let number = 0
  for (const { claims, agreement } of contests.values()) {
    number++
    claims.forEach(({ source }, position) => {
      const known = looks.get(source) ?? ''
      looks.set(source, `${known} ${number}.${agreement[position] as number}`)
    })
  }
  return looks
}
