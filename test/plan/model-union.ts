import type { Conflict } from '../../lib/index'
import {
  bothDirectories,
  identical,
  nameOf,
  parentOf,
  placed,
  scopeOf,
  spelledIn,
} from './model-tree'
import type { ModelEntry, ModelSource, ModelTree, SameName } from './model-tree'

export interface ModelPolicies {
  readonly conflicts: 'error' | 'first' | 'last' | 'exclusive' | ((conflict: Conflict) => string)
  readonly existing: 'error' | 'keep' | 'replace'
  /** The mode of a directory for which no source has one. */
  readonly directoryMode: number
  readonly sameName: SameName
}

interface Claim {
  readonly source: string
  readonly path: string
  readonly entry: ModelEntry
}

/** All claims on what is one entry to dest: in the caller's order, those of one source by name. */
type Contest = readonly Claim[]

/** Two claims want the same. Of two spellings only one can stand. */
function agree(a: Claim, b: Claim): boolean {
  if (a.path !== b.path) return false
  return bothDirectories(a.entry, b.entry) || identical(a.entry, b.entry)
}

/** What the sources agreed upon, or the policy decided, for one path. */
interface Wish {
  readonly entry: ModelEntry
  /** Whose it is: the one that won; of directories, which merge, the first. */
  readonly owner: string
  /** All that have the same, in the caller's order. */
  readonly sources: readonly string[]
}

/** Parents before what is in them. */
export type Wishes = ReadonlyMap<string, Wish>

/** A directory of the union, and the sources that have something to say in it. */
interface Shared {
  readonly path: string
  readonly sources: readonly string[]
}

/** Two sources that cannot both have what they want. */
type Pair = readonly [Claim, Claim]

/** Do the two name one entry? */
type SameEntry = (a: Claim, b: Claim) => boolean

export interface Union {
  readonly wishes: Wishes
  readonly conflicts: Conflict[]
  readonly lost: ReadonlyMap<string, readonly string[]>
}

/** What the sources want together. */
export function unite(
  sources: readonly ModelSource[],
  before: ModelTree | undefined,
  policies: ModelPolicies,
): Union {
  const trees = new Map(sources.map((source) => [source.name, placed(source)]))
  const claims = claimsOf(trees)
  const sameEntry = sameEntryIn(before, policies)
  const wishes: [string, Wish][] = []
  const conflicts: Conflict[] = []
  const lost = new Map(sources.map(({ name }): [string, string[]] => [name, []]))
  const open: Shared[] = [{ path: '', sources: [...trees.keys()] }]
  // Why somebody had to leave a directory, where that lies below it: it is told there, whoever comes there.
  const reasons = new Set<Claim>()
  for (const directory of open) {
    const isScope = policies.conflicts === 'exclusive' && directory.path !== ''
    const pairs = isScope ? disagreementsIn(directory, claims, trees, sameEntry) : []
    const staying = stayingOf(directory.sources, pairs)
    for (const claim of reasonsIn(directory, pairs, staying)) reasons.add(claim)
    const isIts = ({ source }: Claim): boolean => directory.sources.includes(source)
    const here = claims.filter(
      (claim) => parentOf(claim.path) === directory.path && (isIts(claim) || reasons.has(claim)),
    )
    for (const contest of contestsOf(here, reasons, staying, sameEntry)) {
      const candidates = contest.filter(({ source }) => staying.includes(source))
      const conflict = conflictOf(contest)
      const winner = conflict ? decide(conflict, candidates, policies) : candidates[0]
      if (conflict !== undefined) {
        const path = winner?.path ?? conflict.path
        conflicts.push({ ...conflict, path, winner: winner?.source ?? null })
        // The merge fails: nobody has lost anything yet.
        if (policies.conflicts === 'error') continue
      }
      for (const claim of contest.filter(isIts)) {
        const stands = winner !== undefined && agree(claim, winner)
        // Of a directory that is left out nothing stands, even where others have one, too.
        const leftOut = claim.entry.type === 'directory' && !candidates.includes(claim)
        if (!stands || leftOut) lost.get(claim.source)?.push(claim.path)
      }
      if (winner === undefined) continue
      const { path, entry } = winner
      const agreeing = candidates.filter((claim) => agree(claim, winner))
      const owners = agreeing.map(({ source }) => source)
      if (entry.type === 'directory') {
        const merged = common(agreeing, policies)
        wishes.push([path, { entry: merged, owner: owners[0] ?? '', sources: owners }])
        open.push({ path, sources: owners })
      } else {
        wishes.push([path, { entry, owner: winner.source, sources: owners }])
      }
    }
  }
  const opened = new Set(open.map(({ path }) => path))
  const elsewhere = claims.filter(
    (claim) => reasons.has(claim) && !opened.has(parentOf(claim.path)),
  )
  conflicts.push(...grouped(elsewhere, sameEntry).flatMap((contest) => conflictOf(contest) ?? []))
  wishes.sort(([a], [b]) => (a < b ? -1 : 1))
  for (const paths of lost.values()) paths.sort()
  return { wishes: new Map(wishes), conflicts, lost }
}

/** In the caller's order, those of one source by path. */
function claimsOf(trees: ReadonlyMap<string, ModelTree>): Claim[] {
  return [...trees].flatMap(([source, tree]) => {
    const entries = [...tree].sort(([a], [b]) => (a < b ? -1 : 1))
    return entries.map(([path, entry]) => ({ source, path, entry }))
  })
}

/** Nothing is made below what dest keeps, so nobody asks which names would be one there. */
function sameEntryIn(
  before: ModelTree | undefined,
  { existing, sameName }: ModelPolicies,
): SameEntry {
  return (a, b) => {
    const parent = parentOf(a.path)
    if (a.path === b.path || parent !== parentOf(b.path)) return a.path === b.path
    const isNeverMade = existing === 'keep' && isBlocked(parent, before, sameName)
    return !isNeverMade && sameName(nameOf(a.path), nameOf(b.path))
  }
}

/** Nobody asks about names that none gets of those that stay, unless somebody left for them. */
function contestsOf(
  claims: readonly Claim[],
  reasons: ReadonlySet<Claim>,
  staying: readonly string[],
  sameEntry: SameEntry,
): Contest[] {
  return grouped(claims, sameEntry).flatMap((contest) => {
    const isAsked = contest.some((claim) => staying.includes(claim.source) || reasons.has(claim))
    return isAsked ? [contest] : grouped(contest, (a, b) => a.path === b.path)
  })
}

/** What the sources of a scope disagree about in it, anywhere, two by two. */
function disagreementsIn(
  { path: scope, sources }: Shared,
  claims: readonly Claim[],
  trees: ReadonlyMap<string, ModelTree>,
  sameEntry: SameEntry,
): Pair[] {
  const its = claims.filter(
    ({ source, path }) => sources.includes(source) && path.startsWith(`${scope}/`),
  )
  const treeOf = ({ source }: Claim): ModelTree => trees.get(source) ?? new Map()
  const pairs = its.flatMap((a) => its.map((b): Pair => [a, b]))
  return pairs.filter(
    ([a, b]) =>
      a.source !== b.source &&
      sameEntry(a, b) &&
      !agree(a, b) &&
      scopeOf(treeOf(a), treeOf(b), parentOf(a.path)) === scope,
  )
}

/** From the last source to the first: who disagrees with none that stay by then stays, too. */
function stayingOf(sources: readonly string[], pairs: readonly Pair[]): string[] {
  const staying: string[] = []
  for (const source of sources.toReversed()) {
    const isBeaten = pairs.some(([a, b]) => a.source === source && staying.includes(b.source))
    if (!isBeaten) staying.push(source)
  }
  return staying
}

/** What one that left and one that stayed disagree about below the directory. */
function reasonsIn({ path }: Shared, pairs: readonly Pair[], staying: readonly string[]): Claim[] {
  const stays = ({ source }: Claim): boolean => staying.includes(source)
  return pairs
    .filter(([a, b]) => parentOf(a.path) !== path && stays(a) !== stays(b))
    .map(([claim]) => claim)
}

/** Does dest have something else where the directory, or one above it, would be? */
function isBlocked(path: string, before: ModelTree | undefined, sameName: SameName): boolean {
  if (path === '' || before === undefined) return false
  const found = before.get(spelledIn(before, path, sameName))
  const isOther = found !== undefined && found.type !== 'directory'
  return isOther || isBlocked(parentOf(path), before, sameName)
}

function grouped(claims: readonly Claim[], sameEntry: SameEntry): Contest[] {
  const contests: Claim[][] = []
  for (const claim of claims) {
    const known = contests.find(([first]) => first !== undefined && sameEntry(first, claim))
    if (known === undefined) contests.push([claim])
    else known.push(claim)
  }
  return contests
}

/** Undefined where all want the same. */
function conflictOf(contest: Contest): Conflict | undefined {
  const [first] = contest
  if (first === undefined || contest.every((claim) => agree(claim, first))) return undefined
  const unique = (words: string[]): string[] => [...new Set(words)]
  const paths = unique(contest.map(({ path }) => path)).sort()
  const types = unique(contest.map(({ entry }) => entry.type))
  const sources = unique(contest.map(({ source }) => source))
  const common = { path: first.path, sources, winner: null }
  if (paths.length > 1) return { ...common, kind: 'case', paths }
  return { ...common, kind: types.length > 1 ? 'type' : 'content' }
}

/** Undefined where nobody wins. */
function decide(
  conflict: Conflict,
  candidates: Contest,
  { conflicts }: ModelPolicies,
): Claim | undefined {
  if (conflicts === 'error') return undefined
  if (conflicts === 'first') return candidates[0]
  if (conflicts === 'last' || conflicts === 'exclusive') return candidates.at(-1)
  const winner = conflicts(conflict)
  return candidates.find(({ source }) => source === winner)
}

/** The mode of the first directory that has one. */
function common(claims: readonly Claim[], { directoryMode }: ModelPolicies): ModelEntry {
  const modes = claims.flatMap(({ entry }) => (entry.type === 'directory' ? [entry.mode] : []))
  return { type: 'directory', mode: modes.find((mode) => mode !== undefined) ?? directoryMode }
}
