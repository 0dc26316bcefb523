import { isUnanimous, type EqualGroups } from './equal-groups'
import type { Candidate } from './candidates'

/** What sources want for one name of a directory, or for several names that are one entry to dest. */
export interface SharedName {
  /** In the caller's order, those of one source by name. */
  readonly candidates: readonly Candidate[]
  readonly equalGroups: EqualGroups
  /** Candidates that are part of a conflict which was decided above: it is reported here, where it is. */
  readonly told: readonly Candidate[]
}

/** Do sources disagree, those that are left or those that had to leave? */
export function isConflict({ equalGroups, told }: SharedName): boolean {
  return told.length > 0 || !isUnanimous(equalGroups)
}

/** What these sources want. */
export function among(sharedName: SharedName, sources: ReadonlySet<number>): SharedName {
  const { candidates, told } = sharedName
  const positions: number[] = []
  candidates.forEach(({ source }, position) => {
    if (sources.has(source)) positions.push(position)
  })
  return positions.length === candidates.length ? sharedName : pick(sharedName, positions, told)
}

function pick(
  { candidates, equalGroups }: SharedName,
  positions: readonly number[],
  told: readonly Candidate[],
): SharedName {
  return {
    candidates: positions.map((position) => candidates[position] as Candidate),
    equalGroups: positions.map((position) => equalGroups[position] as number),
    told,
  }
}

/** Each candidate once: in the caller's order, those of one source by name. */
export function inOrder(candidates: readonly Candidate[]): Candidate[] {
  return [...new Set(candidates)].sort(byPlace)
}

function byPlace(a: Candidate, b: Candidate): number {
  return a.source - b.source || (a.name < b.name ? -1 : 1)
}

/** Puts what is wanted for these names under the first of them: they are one entry. */
export function join(sharedNames: Map<string, SharedName>, names: readonly string[]): void {
  const [first = '', ...others] = [...names].sort()
  const parts = [first, ...others].flatMap((name) => sharedNames.get(name) ?? [])
  for (const name of others) sharedNames.delete(name)
  sharedNames.set(first, joined(parts))
}

/** Two names never agree: nothing needs to be compared again. */
function joined(parts: readonly SharedName[]): SharedName {
  const all = parts.flatMap(({ candidates, equalGroups }, part) =>
    candidates.map((candidate, position) => ({
      candidate,
      want: `${part} ${equalGroups[position] as number}`,
    })),
  )
  all.sort((a, b) => byPlace(a.candidate, b.candidate))
  const firstOf = new Map<string, number>()
  const equalGroups = all.map(({ want }, position) => {
    const first = firstOf.get(want) ?? position
    if (first === position) firstOf.set(want, position)
    return first
  })
  return {
    candidates: all.map(({ candidate }) => candidate),
    equalGroups,
    told: parts.flatMap(({ told }) => told),
  }
}

/**
 * Names that are one entry, none of which anybody gets, are in nobody's way: each is a shared name of its own again, unless a
 * conflict about them was decided above.
 */
export function partNames(sharedName: SharedName, losers: ReadonlySet<number>): SharedName[] {
  const { candidates, told } = sharedName
  const isWanted = candidates.some(({ source }) => !losers.has(source))
  if (isWanted || told.length > 0) return [sharedName]
  const byName = new Map<string, number[]>()
  for (const [position, { name }] of candidates.entries()) {
    const positions = byName.get(name)
    if (positions === undefined) byName.set(name, [position])
    else positions.push(position)
  }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, positions]) => pick(sharedName, positions, told))
}
