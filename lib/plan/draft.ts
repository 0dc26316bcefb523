import type { Provider } from './claims'
import { among, partNames, type Contest } from './contest'
import type { Scope } from './exclusive'
import type { Meeting } from './meeting'
import type { PlanDirectory } from './plan'
import type { NameGroup } from './spelling'

/** A directory of the union whose entries are still to be chosen. */
export interface Opened {
  readonly plan: PlanDirectory
  /** Those that have it, and may have something in it. */
  readonly providers: readonly Provider[]
  /** Known already where somebody looked ahead; then also of those that may have nothing in it. */
  readonly meeting: Meeting | undefined
}

export interface Draft extends Opened {
  readonly meeting: Meeting
  readonly sources: ReadonlySet<number>
  /** Undefined where nobody has to leave. */
  readonly scope: Scope | undefined
  losers: ReadonlySet<number>
}

export interface Doubt extends NameGroup {
  readonly draft: Draft
  readonly meeting: Meeting
}

/** What those want that take part: by name, since a caller who decides is asked in this order. */
export function contestsOf({ meeting, sources, losers }: Draft): Contest[] {
  const all = [...meeting.contests]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, contest]) => contest)
  const isEveryone = meeting.providers.length === sources.size
  const theirs = isEveryone ? all : all.map((contest) => among(contest, sources)).filter(isAnything)
  return theirs.flatMap((contest) => partNames(contest, losers))
}

function isAnything({ claims, told }: Contest): boolean {
  return claims.length > 0 || told.length > 0
}

/** Names that may be one entry, and what depends on it: what stands in the directory, or who has to leave it. */
export function doubtsOf(draft: Draft): Doubt[] {
  const { meeting, sources, losers, scope } = draft
  const here = meeting.doubtful.map((names) => ({ meeting, names }))
  return [...here, ...(scope?.doubts(losers) ?? [])].flatMap((doubt) => {
    const { contests, path } = doubt.meeting
    const sourcesOf = (name: string): number[] =>
      (contests.get(name)?.claims ?? []).map(({ source }) => source)
    const names = doubt.names.filter((name) => sourcesOf(name).some((each) => sources.has(each)))
    const isWanted = (name: string): boolean =>
      sourcesOf(name).some((source) => sources.has(source) && !losers.has(source))
    const isOpen = names.length > 1 && names.some(isWanted)
    return isOpen ? [{ draft, meeting: doubt.meeting, path, names, isWanted }] : []
  })
}
