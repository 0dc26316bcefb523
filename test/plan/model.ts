import type { Conflict, PlanEntry, SourceResult } from '../../lib/index'

export type ModelEntry =
  | { readonly type: 'file'; readonly data: string; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string }
  /** Without a mode: one that only leads to others, made as mkdir makes it. */
  | { readonly type: 'directory'; readonly mode: number | undefined }

/** '/'-joined path → what stands there; every directory above an entry is in it too. */
export type ModelTree = ReadonlyMap<string, ModelEntry>

export interface ModelSource {
  readonly name: string
  /** '' for dest itself. */
  readonly to: string
  /** Of the package's own directory, which `to` gets; undefined where the source has none. */
  readonly mode: number | undefined
  readonly tree: ModelTree
}

export interface ModelPolicies {
  readonly conflicts: 'error' | 'first' | 'last'
  readonly existing: 'error' | 'keep' | 'replace'
  /** The mode of a directory for which no source has one. */
  readonly directoryMode: number
}

/** What planMerge() must tell. */
interface ModelPlan {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  readonly conflicts: Conflict[]
  readonly sources: SourceResult[]
  readonly entries: PlanEntry[]
}

/** What merge() must tell, beyond the plan, and leave in dest. */
interface ModelResult {
  readonly created: number
  readonly replaced: number
  readonly kept: number
  readonly unchanged: number
  /** Files among the created and replaced ones. */
  readonly placed: number
  readonly after: ModelTree
}

export interface ModelOutcome {
  readonly plan: ModelPlan
  /** The conflicts that merge() must reject with; then there is no result. */
  readonly undecided: readonly Conflict[]
  readonly result: ModelResult | undefined
}

/** What a merge of the sources into dest must do; `before` is undefined where dest is absent. */
export function modelMerge(
  sources: readonly ModelSource[],
  before: ModelTree | undefined,
  policies: ModelPolicies,
): ModelOutcome {
  const union = unite(sources, policies)
  const meeting = meet(union.wishes, before, policies)
  const conflicts = sorted([...union.conflicts, ...meeting.decided, ...meeting.undecided])
  const plan = { ...totals(sources, union), conflicts, entries: meeting.entries }
  const undecided = sorted([
    ...union.conflicts.filter(({ winner }) => winner === null),
    ...meeting.undecided,
  ])
  const result = undecided.length === 0 ? carryOut(union.wishes, meeting, before) : undefined
  return { plan, undecided, result }
}

/** Same bytes and same executable bits, or same target; directories are never compared. */
export function identical(a: ModelEntry, b: ModelEntry): boolean {
  if (a.type === 'file' && b.type === 'file') {
    return a.data === b.data && (a.mode & 0o111) === (b.mode & 0o111)
  }
  return a.type === 'symlink' && b.type === 'symlink' && a.target === b.target
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** What the sources agreed upon, or their order decided, for one path. */
interface Wish {
  readonly entry: ModelEntry
  /** Whose it is, in the caller's order: the one that won, or all that have the same. */
  readonly sources: readonly string[]
}

type Wishes = ReadonlyMap<string, Wish>

interface Union {
  /** Parents before what is in them. */
  readonly wishes: Wishes
  readonly conflicts: Conflict[]
  readonly lost: ReadonlyMap<string, readonly string[]>
}

function unite(sources: readonly ModelSource[], policies: ModelPolicies): Union {
  const trees = new Map(sources.map((source) => [source.name, placed(source)]))
  const wishes = new Map<string, Wish>()
  const conflicts: Conflict[] = []
  const lost = new Map(sources.map(({ name }): [string, string[]] => [name, []]))
  const paths = new Set([...trees.values()].flatMap((tree) => [...tree.keys()]))
  for (const path of [...paths].sort()) {
    const parent = parentOf(path)
    const claims = [...trees].flatMap(([source, tree]) => {
      const entry = tree.get(path)
      // What lies below a lost directory is lost with it.
      const alive = parent === '' || wishes.get(parent)?.sources.includes(source) === true
      return entry !== undefined && alive ? [{ source, entry }] : []
    })
    const [first] = claims
    if (first === undefined) continue
    let winner = first
    let agreeing = claims.filter(({ entry }) => agree(entry, first.entry))
    if (agreeing.length < claims.length) {
      const names = claims.map(({ source }) => source)
      const sameType = claims.every(({ entry }) => entry.type === first.entry.type)
      const chosen = { error: undefined, first, last: claims.at(-1) }[policies.conflicts]
      const kind = sameType ? 'content' : 'type'
      conflicts.push({ path, kind, sources: names, winner: chosen?.source ?? null })
      if (chosen === undefined) continue
      winner = chosen
      // Directories merge; of all else there is one.
      const isDirectory = winner.entry.type === 'directory'
      agreeing = claims.filter(
        (claim) => claim === winner || (isDirectory && claim.entry.type === 'directory'),
      )
      for (const claim of claims) {
        if (!agreeing.includes(claim)) lost.get(claim.source)?.push(path)
      }
    }
    const entry = winner.entry.type === 'directory' ? common(agreeing, policies) : winner.entry
    wishes.set(path, { entry, sources: agreeing.map(({ source }) => source) })
  }
  return { wishes, conflicts, lost }
}

function agree(a: ModelEntry, b: ModelEntry): boolean {
  return (a.type === 'directory' && b.type === 'directory') || identical(a, b)
}

/** The mode of the first directory that has one. */
function common(
  claims: readonly { readonly entry: ModelEntry }[],
  { directoryMode }: ModelPolicies,
): ModelEntry {
  const modes = claims.flatMap(({ entry }) => (entry.type === 'directory' ? [entry.mode] : []))
  return { type: 'directory', mode: modes.find((mode) => mode !== undefined) ?? directoryMode }
}

/** The tree at its place in dest. */
function placed({ to, mode, tree }: ModelSource): ModelTree {
  const result = new Map<string, ModelEntry>()
  const above = to === '' ? [] : to.split('/')
  above.forEach((_, depth) => {
    result.set(above.slice(0, depth + 1).join('/'), { type: 'directory', mode: undefined })
  })
  if (to !== '') result.set(to, { type: 'directory', mode })
  for (const [path, entry] of tree) result.set([...above, path].join('/'), entry)
  return result
}

interface Meeting {
  readonly entries: PlanEntry[]
  readonly decided: Conflict[]
  readonly undecided: Conflict[]
}

/** The wishes meet what dest holds. */
function meet(wishes: Wishes, before: ModelTree | undefined, policies: ModelPolicies): Meeting {
  const entries: PlanEntry[] = []
  const decided: Conflict[] = []
  const undecided: Conflict[] = []
  const actions = new Map<string, PlanEntry['action']>()
  for (const [path, { entry, sources }] of wishes) {
    const { type } = entry
    const found = before?.get(path)
    const above = before === undefined ? 'create' : (actions.get(parentOf(path)) ?? 'unchanged')
    let action: PlanEntry['action']
    if (above !== 'unchanged') {
      // Below what dest lacks, or gives up, everything is new; below what it keeps, nothing is merged.
      action = above === 'keep' ? 'keep' : 'create'
    } else if (found === undefined) {
      action = 'create'
    } else if (agree(found, entry)) {
      action = 'unchanged'
    } else {
      const policy = policyFor(type, found.type, policies.existing)
      const winner = policy === 'replace' ? (sources[0] ?? null) : null
      const conflict: Conflict = { path, kind: 'existing', sources: [...sources], winner }
      ;(policy === 'error' ? undecided : decided).push(conflict)
      action = policy === 'replace' ? 'replace' : 'keep'
    }
    actions.set(path, action)
    const size = entry.type === 'file' ? entry.data.length : 0
    entries.push({ path, type, source: sources[0] ?? '', size, action })
  }
  return { entries, decided, undecided }
}

function policyFor(
  wanted: ModelEntry['type'],
  found: ModelEntry['type'],
  existing: ModelPolicies['existing'],
): ModelPolicies['existing'] {
  // Never written through a symlink, nor is it taken away for a directory.
  if (wanted === 'directory' && found === 'symlink') return 'error'
  // A directory of dest is never given up for a file.
  if (found === 'directory' && existing === 'replace') return 'error'
  return existing
}

function carryOut(
  wishes: Wishes,
  { entries }: Meeting,
  before: ModelTree | undefined,
): ModelResult {
  const after = new Map(before)
  const counts = { create: 0, replace: 0, keep: 0, unchanged: 0 }
  let files = 0
  for (const { path, type, action } of entries) {
    const wish = wishes.get(path)
    const write = action === 'create' || action === 'replace'
    if (write && wish !== undefined) after.set(path, wish.entry)
    if (type === 'directory') continue
    counts[action]++
    if (write && type === 'file') files++
  }
  const { create, replace, keep, unchanged } = counts
  return { created: create, replaced: replace, kept: keep, unchanged, placed: files, after }
}

type Totals = Pick<ModelPlan, 'files' | 'directories' | 'symlinks' | 'bytes' | 'sources'>

function totals(sources: readonly ModelSource[], { wishes, lost }: Union): Totals {
  const results = sources.map(({ name }): SourceResult => {
    return { name, files: 0, bytes: 0, lost: [...(lost.get(name) ?? [])] }
  })
  const counts = { file: 0, directory: 0, symlink: 0 }
  for (const { entry, sources: owners } of wishes.values()) {
    counts[entry.type]++
    const owner = results.find(({ name }) => name === owners[0])
    if (entry.type !== 'file' || owner === undefined) continue
    owner.files++
    owner.bytes += entry.data.length
  }
  const { file, directory, symlink } = counts
  const bytes = results.reduce((sum, result) => sum + result.bytes, 0)
  return { files: file, directories: directory, symlinks: symlink, bytes, sources: results }
}

/** By path; at one path what the sources disagreed about stands before what dest holds. */
function sorted(conflicts: readonly Conflict[]): Conflict[] {
  return conflicts.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}
