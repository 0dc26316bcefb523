import type { Claim, Claims } from './claims'
import type { Agreement } from './agreement'

/** What several sources want for one name of a directory. */
export interface Contest {
  readonly claims: Claims
  readonly agreement: Agreement
}

/**
 * The sources that contribute nothing to a directory with these contests: those that disagree, on any of its names, with
 * a later source that stays. So of two that conflict there never more than one has anything in it.
 */
export function losersOf(contests: readonly Contest[]): Set<number> {
  const bySource = new Map<number, Contest[]>()
  for (const contest of contests) {
    for (const source of new Set(contest.claims.map((claim) => claim.source))) {
      const known = bySource.get(source)
      if (known === undefined) bySource.set(source, [contest])
      else known.push(contest)
    }
  }
  const losers = new Set<number>()
  const lastFirst = [...bySource].sort(([a], [b]) => b - a)
  for (const [source, its] of lastFirst) {
    if (its.some((contest) => isBeaten(source, contest, losers))) losers.add(source)
  }
  return losers
}

function isBeaten(source: number, { claims, agreement }: Contest, losers: Set<number>): boolean {
  return claims.some(
    (own, at) =>
      own.source === source &&
      claims.some(
        (other, position) =>
          other.source > source &&
          !losers.has(other.source) &&
          agreement[position] !== agreement[at],
      ),
  )
}

/** Names that are one entry, none of which anybody gets, are in nobody's way: each is a contest of its own again. */
export function partNames(contest: Contest, losers: ReadonlySet<number>): Contest[] {
  const { claims, agreement } = contest
  const names = [...new Set(claims.map(({ name }) => name))].sort()
  if (names.length === 1 || claims.some(({ source }) => !losers.has(source))) return [contest]
  return names.map((name) => {
    const positions = [...claims.keys()].filter((position) => claims[position]?.name === name)
    const like = positions.map((position) => agreement[position])
    return {
      claims: positions.map((position) => claims[position]) as [Claim, ...Claim[]],
      agreement: like.map((first) => like.indexOf(first)),
    }
  })
}
