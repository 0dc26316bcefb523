import { isUnanimous, type Agreement } from './agreement'
import type { Claim } from './claims'

/** What sources want for one name of a directory, or for several names that are one entry to dest. */
export interface Contest {
  /** In the caller's order, those of one source by name. */
  readonly claims: readonly Claim[]
  readonly agreement: Agreement
  /** Claims that are part of a conflict which was decided above: it is told here, where it is. */
  readonly told: readonly Claim[]
}

/** Do sources disagree, those that are left or those that had to leave? */
export function isConflict({ agreement, told }: Contest): boolean {
  return told.length > 0 || !isUnanimous(agreement)
}

/** What these sources want. */
export function among(contest: Contest, sources: ReadonlySet<number>): Contest {
  const { claims, told } = contest
  const positions: number[] = []
  claims.forEach(({ source }, position) => {
    if (sources.has(source)) positions.push(position)
  })
  return positions.length === claims.length ? contest : pick(contest, positions, told)
}

function pick(
  { claims, agreement }: Contest,
  positions: readonly number[],
  told: readonly Claim[],
): Contest {
  return {
    claims: positions.map((position) => claims[position] as Claim),
    agreement: positions.map((position) => agreement[position] as number),
    told,
  }
}

/** Each claim once: in the caller's order, those of one source by name. */
export function inOrder(claims: readonly Claim[]): Claim[] {
  return [...new Set(claims)].sort(byPlace)
}

function byPlace(a: Claim, b: Claim): number {
  return a.source - b.source || (a.name < b.name ? -1 : 1)
}

/** Puts what is wanted for these names under the first of them: they are one entry. */
export function join(contests: Map<string, Contest>, names: readonly string[]): void {
  const [first = '', ...others] = [...names].sort()
  const parts = [first, ...others].flatMap((name) => contests.get(name) ?? [])
  for (const name of others) contests.delete(name)
  contests.set(first, joined(parts))
}

/** Two names never agree: nothing needs to be compared again. */
function joined(parts: readonly Contest[]): Contest {
  const all = parts.flatMap(({ claims, agreement }, part) =>
    claims.map((claim, position) => ({ claim, want: `${part} ${agreement[position] as number}` })),
  )
  all.sort((a, b) => byPlace(a.claim, b.claim))
  const firstOf = new Map<string, number>()
  const agreement = all.map(({ want }, position) => {
    const first = firstOf.get(want) ?? position
    if (first === position) firstOf.set(want, position)
    return first
  })
  return {
    claims: all.map(({ claim }) => claim),
    agreement,
    told: parts.flatMap(({ told }) => told),
  }
}

/**
 * Names that are one entry, none of which anybody gets, are in nobody's way: each is a contest of its own again, unless a
 * conflict about them was decided above.
 */
export function partNames(contest: Contest, losers: ReadonlySet<number>): Contest[] {
  const { claims, told } = contest
  const isWanted = claims.some(({ source }) => !losers.has(source))
  if (isWanted || told.length > 0) return [contest]
  const byName = new Map<string, number[]>()
  for (const [position, { name }] of claims.entries()) {
    const positions = byName.get(name)
    if (positions === undefined) byName.set(name, [position])
    else positions.push(position)
  }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, positions]) => pick(contest, positions, told))
}
