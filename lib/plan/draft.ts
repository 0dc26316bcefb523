import type { SourceSubtree } from './candidates'
import { among, partNames, type SharedName } from './shared-name'
import type { Scope } from './exclusive'
import type { MergedDirectory } from './merged-directory'
import type { PlanDirectory } from './plan'
import type { NameGroup } from './spelling'

/** A directory of the union whose entries are still to be chosen. */
export interface Opened {
  readonly plan: PlanDirectory
  /** Those that have it, and may have something in it. */
  readonly sourceSubtrees: readonly SourceSubtree[]
  /** Known already where somebody looked ahead; then also of those that may have nothing in it. */
  readonly mergedDirectory: MergedDirectory | undefined
}

export interface Draft extends Opened {
  readonly mergedDirectory: MergedDirectory
  readonly sources: ReadonlySet<number>
  /** Undefined where nobody has to leave. */
  readonly scope: Scope | undefined
  losers: ReadonlySet<number>
}

export interface Doubt extends NameGroup {
  readonly draft: Draft
  readonly mergedDirectory: MergedDirectory
}

/** What those want that take part: by name, since a caller who decides is asked in this order. */
export function sharedNamesOf({ mergedDirectory, sources, losers }: Draft): SharedName[] {
  const all = [...mergedDirectory.sharedNames]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, sharedName]) => sharedName)
  const isEveryone = mergedDirectory.sourceSubtrees.length === sources.size
  const theirs = isEveryone
    ? all
    : all.map((sharedName) => among(sharedName, sources)).filter(isAnything)
  return theirs.flatMap((sharedName) => partNames(sharedName, losers))
}

function isAnything({ candidates, told }: SharedName): boolean {
  return candidates.length > 0 || told.length > 0
}

/** Names that may be one entry, and what depends on it: what stands in the directory, or who has to leave it. */
export function doubtsOf(draft: Draft): Doubt[] {
  const { mergedDirectory, sources, losers, scope } = draft
  const here = mergedDirectory.doubtful.map((names) => ({ mergedDirectory, names }))
  return [...here, ...(scope?.doubts(losers) ?? [])].flatMap((doubt) => {
    const { sharedNames, path } = doubt.mergedDirectory
    const sourcesOf = (name: string): number[] =>
      (sharedNames.get(name)?.candidates ?? []).map(({ source }) => source)
    const names = doubt.names.filter((name) => sourcesOf(name).some((each) => sources.has(each)))
    const isWanted = (name: string): boolean =>
      sourcesOf(name).some((source) => sources.has(source) && !losers.has(source))
    const isOpen = names.length > 1 && names.some(isWanted)
    return isOpen ? [{ draft, mergedDirectory: doubt.mergedDirectory, path, names, isWanted }] : []
  })
}
