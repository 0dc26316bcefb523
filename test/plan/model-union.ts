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

interface Candidate {
  readonly source: string
  readonly path: string
  readonly entry: ModelEntry
}

/** All claims on what is one entry to dest: in the caller's order, those of one source by name. */
type SharedName = readonly Candidate[]

/** Two claims want the same. Of two spellings only one can stand. */
function agree(a: Candidate, b: Candidate): boolean {
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
type Pair = readonly [Candidate, Candidate]

/** Do the two name one entry? */
type SameEntry = (a: Candidate, b: Candidate) => boolean

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
  const candidates = candidatesOf(trees)
  const sameEntry = sameEntryIn(before, policies)
  const wishes: [string, Wish][] = []
  const conflicts: Conflict[] = []
  const lost = new Map(sources.map(({ name }): [string, string[]] => [name, []]))
  const open: Shared[] = [{ path: '', sources: [...trees.keys()] }]
  // Why somebody had to leave a directory, where that lies below it: it is told there, whoever comes there.
  const reasons = new Set<Candidate>()
  for (const directory of open) {
    const isScope = policies.conflicts === 'exclusive' && directory.path !== ''
    const pairs = isScope ? disagreementsIn(directory, candidates, trees, sameEntry) : []
    const staying = stayingOf(directory.sources, pairs)
    for (const candidate of reasonsIn(directory, pairs, staying)) reasons.add(candidate)
    const isIts = ({ source }: Candidate): boolean => directory.sources.includes(source)
    const here = candidates.filter(
      (candidate) =>
        parentOf(candidate.path) === directory.path && (isIts(candidate) || reasons.has(candidate)),
    )
    for (const sharedName of sharedNamesOf(here, reasons, staying, sameEntry)) {
      const candidates = sharedName.filter(({ source }) => staying.includes(source))
      const conflict = conflictOf(sharedName)
      const winner = conflict ? decide(conflict, candidates, policies) : candidates[0]
      if (conflict !== undefined) {
        const path = winner?.path ?? conflict.path
        conflicts.push({ ...conflict, path, winner: winner?.source ?? null })
        // The merge fails: nobody has lost anything yet.
        if (policies.conflicts === 'error') continue
      }
      for (const candidate of sharedName.filter(isIts)) {
        const stands = winner !== undefined && agree(candidate, winner)
        // Of a directory that is left out nothing stands, even where others have one, too.
        const leftOut = candidate.entry.type === 'directory' && !candidates.includes(candidate)
        if (!stands || leftOut) lost.get(candidate.source)?.push(candidate.path)
      }
      if (winner === undefined) continue
      const { path, entry } = winner
      const agreeing = candidates.filter((candidate) => agree(candidate, winner))
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
  const elsewhere = candidates.filter(
    (candidate) => reasons.has(candidate) && !opened.has(parentOf(candidate.path)),
  )
  conflicts.push(
    ...grouped(elsewhere, sameEntry).flatMap((sharedName) => conflictOf(sharedName) ?? []),
  )
  wishes.sort(([a], [b]) => (a < b ? -1 : 1))
  for (const paths of lost.values()) paths.sort()
  return { wishes: new Map(wishes), conflicts, lost }
}

/** In the caller's order, those of one source by path. */
function candidatesOf(trees: ReadonlyMap<string, ModelTree>): Candidate[] {
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
function sharedNamesOf(
  candidates: readonly Candidate[],
  reasons: ReadonlySet<Candidate>,
  staying: readonly string[],
  sameEntry: SameEntry,
): SharedName[] {
  return grouped(candidates, sameEntry).flatMap((sharedName) => {
    const isAsked = sharedName.some(
      (candidate) => staying.includes(candidate.source) || reasons.has(candidate),
    )
    return isAsked ? [sharedName] : grouped(sharedName, (a, b) => a.path === b.path)
  })
}

/** What the sources of a scope disagree about in it, anywhere, two by two. */
function disagreementsIn(
  { path: scope, sources }: Shared,
  candidates: readonly Candidate[],
  trees: ReadonlyMap<string, ModelTree>,
  sameEntry: SameEntry,
): Pair[] {
  const its = candidates.filter(
    ({ source, path }) => sources.includes(source) && path.startsWith(`${scope}/`),
  )
  const treeOf = ({ source }: Candidate): ModelTree => trees.get(source) ?? new Map()
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
function reasonsIn(
  { path }: Shared,
  pairs: readonly Pair[],
  staying: readonly string[],
): Candidate[] {
  const stays = ({ source }: Candidate): boolean => staying.includes(source)
  return pairs
    .filter(([a, b]) => parentOf(a.path) !== path && stays(a) !== stays(b))
    .map(([candidate]) => candidate)
}

/** Does dest have something else where the directory, or one above it, would be? */
function isBlocked(path: string, before: ModelTree | undefined, sameName: SameName): boolean {
  if (path === '' || before === undefined) return false
  const found = before.get(spelledIn(before, path, sameName))
  const isOther = found !== undefined && found.type !== 'directory'
  return isOther || isBlocked(parentOf(path), before, sameName)
}

function grouped(candidates: readonly Candidate[], sameEntry: SameEntry): SharedName[] {
  const sharedNames: Candidate[][] = []
  for (const candidate of candidates) {
    const known = sharedNames.find(([first]) => first !== undefined && sameEntry(first, candidate))
    if (known === undefined) sharedNames.push([candidate])
    else known.push(candidate)
  }
  return sharedNames
}

/** Undefined where all want the same. */
function conflictOf(sharedName: SharedName): Conflict | undefined {
  const [first] = sharedName
  if (first === undefined || sharedName.every((candidate) => agree(candidate, first)))
    return undefined
  const unique = (words: string[]): string[] => [...new Set(words)]
  const paths = unique(sharedName.map(({ path }) => path)).sort()
  const types = unique(sharedName.map(({ entry }) => entry.type))
  const sources = unique(sharedName.map(({ source }) => source))
  const common = { path: first.path, sources, winner: null }
  if (paths.length > 1) return { ...common, kind: 'case', paths }
  return { ...common, kind: types.length > 1 ? 'type' : 'content' }
}

/** Undefined where nobody wins. */
function decide(
  conflict: Conflict,
  candidates: SharedName,
  { conflicts }: ModelPolicies,
): Candidate | undefined {
  if (conflicts === 'error') return undefined
  if (conflicts === 'first') return candidates[0]
  if (conflicts === 'last' || conflicts === 'exclusive') return candidates.at(-1)
  const winner = conflicts(conflict)
  return candidates.find(({ source }) => source === winner)
}

/** The mode of the first directory that has one. */
function common(candidates: readonly Candidate[], { directoryMode }: ModelPolicies): ModelEntry {
  const modes = candidates.flatMap(({ entry }) => (entry.type === 'directory' ? [entry.mode] : []))
  return { type: 'directory', mode: modes.find((mode) => mode !== undefined) ?? directoryMode }
}
