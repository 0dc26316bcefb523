import { invalidArgument } from '../errors'
import type { Conflict, ConflictPolicy } from '../types'

/** Names the source that wins a conflict, or null where the merge must fail. */
export type Decide = (conflict: Conflict) => string | null

/** The caller's order decides, or the caller itself; timing never does. */
export function decider(policy: Exclude<ConflictPolicy, 'exclusive'>): Decide {
  if (policy === 'error') return () => null
  if (policy === 'first') return ({ sources }) => sources[0] ?? null
  if (policy === 'last') return ({ sources }) => sources.at(-1) ?? null
  return (conflict) => {
    const winner: unknown = policy({ ...conflict, sources: [...conflict.sources] })
    if (typeof winner === 'string' && conflict.sources.includes(winner)) return winner
    throw invalidArgument(
      'VALUE',
      `options.conflicts must return one of ${conflict.sources.join(', ')} for ${conflict.path}, ` +
        `not ${String(winner)}`,
    )
  }
}
