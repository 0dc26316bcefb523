import type { Conflict } from '../../lib/index'
import { bothDirectories, identical, nameOf, parentOf, placed, spelledIn } from './model-tree'
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
  const wishes: [string, Wish][] = []
  const conflicts: Conflict[] = []
  const lost = new Map(sources.map(({ name }): [string, string[]] => [name, []]))
  const open: Shared[] = [{ path: '', sources: [...trees.keys()] }]
  for (const directory of open) {
    const { contests, staying } = contestsIn(directory, before, trees, policies)
    for (const contest of contests) {
      const candidates = contest.filter(({ source }) => staying.includes(source))
      const conflict = conflictOf(contest)
      const winner = conflict ? decide(conflict, candidates, policies) : candidates[0]
      if (conflict !== undefined) {
        const path = winner?.path ?? conflict.path
        conflicts.push({ ...conflict, path, winner: winner?.source ?? null })
        // The merge fails: nobody has lost anything yet.
        if (policies.conflicts === 'error') continue
      }
      for (const claim of contest) {
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
  wishes.sort(([a], [b]) => (a < b ? -1 : 1))
  for (const paths of lost.values()) paths.sort()
  return { wishes: new Map(wishes), conflicts, lost }
}

/** The contests of a directory, and who is not left out of it. */
function contestsIn(
  { path, sources }: Shared,
  before: ModelTree | undefined,
  trees: ReadonlyMap<string, ModelTree>,
  { conflicts, existing, sameName }: ModelPolicies,
): { contests: Contest[]; staying: readonly string[] } {
  const claims = sources.flatMap((source) => claimsOf(source, path, trees))
  const byName = grouped(claims, (a, b) => a === b)
  const isScope = conflicts === 'exclusive' && path !== ''
  // Nothing is made below what dest keeps, so nobody asks which names would be one there.
  const isNeverMade = existing === 'keep' && isBlocked(path, before, sameName)
  const contests = isNeverMade ? byName : grouped(claims, sameName)
  const staying = isScope ? stayingIn(contests, sources) : sources
  const isWanted = (contest: Contest): boolean =>
    contest.some(({ source }) => staying.includes(source))
  // Nor does anybody ask about names that none gets of those that stay.
  const left = contests.filter((contest) => !isWanted(contest)).flat()
  return { contests: [...contests.filter(isWanted), ...grouped(left, (a, b) => a === b)], staying }
}

/** Does dest have something else where the directory, or one above it, would be? */
function isBlocked(path: string, before: ModelTree | undefined, sameName: SameName): boolean {
  if (path === '' || before === undefined) return false
  const found = before.get(spelledIn(before, path, sameName))
  const isOther = found !== undefined && found.type !== 'directory'
  return isOther || isBlocked(parentOf(path), before, sameName)
}

function claimsOf(
  source: string,
  directory: string,
  trees: ReadonlyMap<string, ModelTree>,
): Claim[] {
  const its = [...(trees.get(source) ?? [])].filter(([path]) => parentOf(path) === directory)
  its.sort(([a], [b]) => (a < b ? -1 : 1))
  return its.map(([path, entry]) => ({ source, path, entry }))
}

function grouped(claims: readonly Claim[], sameName: SameName): Contest[] {
  const contests: Claim[][] = []
  for (const claim of claims) {
    const known = contests.find(([first]) => {
      return first !== undefined && sameName(nameOf(first.path), nameOf(claim.path))
    })
    if (known === undefined) contests.push([claim])
    else known.push(claim)
  }
  return contests
}

/** From the last source to the first: who agrees in everything with all that stay by then stays, too. */
function stayingIn(contests: readonly Contest[], sources: readonly string[]): string[] {
  const disagree = (one: string, other: string): boolean =>
    contests.some((contest) =>
      contest.some(
        (a) => a.source === one && contest.some((b) => b.source === other && !agree(a, b)),
      ),
    )
  const staying: string[] = []
  for (const source of sources.toReversed()) {
    if (!staying.some((other) => disagree(source, other))) staying.push(source)
  }
  return staying
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
