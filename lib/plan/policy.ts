import { invalidArgument } from '../errors'
import type { Conflict, ConflictPolicy } from '../types'
import type { Candidate } from './candidates'

/** How conflicts between sources are decided: by the caller's order or the caller itself, never by timing. */
export interface Policy {
  /** The source that wins, or null where the merge must fail. */
  readonly decide: (conflict: Conflict) => string | null
  /** Which candidate of the winner, where one source has two names that are one entry to dest. */
  readonly pick: 'first' | 'last'
  /** Losers contribute nothing to the scope of a conflict, a whole directory. */
  readonly exclusive: boolean
}

/** Decides nothing. */
export const undecided: Policy = { decide: () => null, pick: 'first', exclusive: false }

const first: Policy = { ...undecided, decide: ({ sources }) => sources[0] ?? null }
const last: Policy = { ...undecided, decide: ({ sources }) => sources.at(-1) ?? null, pick: 'last' }

export function toPolicy(policy: ConflictPolicy): Policy {
  if (policy === 'error') return undecided
  if (policy === 'first') return first
  if (policy === 'last') return last
  if (policy === 'exclusive') return { ...last, exclusive: true }
  const decide = (conflict: Conflict): string => {
    const winner: unknown = policy(structuredClone(conflict))
    if (typeof winner === 'string' && conflict.sources.includes(winner)) return winner
    throw invalidArgument(
      'VALUE',
      `options.conflicts must return one of ${conflict.sources.join(', ')} for ${conflict.path}, ` +
        `not ${String(winner)}`,
    )
  }
  return { ...undecided, decide }
}

/** The candidate of the source that the policy names. */
export function candidateOf<T extends Candidate>(
  candidates: readonly T[],
  source: number,
  { pick }: Policy,
): T | undefined {
  const isIts = (candidate: T): boolean => candidate.source === source
  return pick === 'last' ? candidates.findLast(isIts) : candidates.find(isIts)
}
