import type { Conflict, PlanEntry, SourceResult } from '../../lib/index'
import { bothDirectories, identical, join, nameOf, parentOf, spelledIn } from './model-tree'
import type { ModelEntry, ModelSource, ModelTree } from './model-tree'
import { unite } from './model-union'
import type { ModelPolicies, Union, Wishes } from './model-union'

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
  readonly effects: {
    readonly created: number
    readonly replaced: number
    readonly kept: number
    readonly unchanged: number
    /** Files among the created and replaced ones. */
    readonly placed: number
    /** Files that stay though their permission bits are not the wanted ones. */
    readonly differing: number
  }
  readonly after: ModelTree
  /** The mode of dest itself, where the merge makes it; undefined: as it was, or as mkdir makes it. */
  readonly mode: number | undefined
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
  const union = unite(sources, before, policies)
  const mergedDirectory = mergeDirectories(union.wishes, before, policies)
  const conflicts = sorted([
    ...union.conflicts,
    ...mergedDirectory.decided,
    ...mergedDirectory.undecided,
  ])
  const plan = { ...totals(sources, union), conflicts, entries: mergedDirectory.entries }
  const ofSources = policies.conflicts === 'error' ? union.conflicts : []
  const undecided = sorted([...ofSources, ...mergedDirectory.undecided])
  const isDone = undecided.length === 0
  const mode = before === undefined ? modeOfRoot(sources) : undefined
  const result = isDone
    ? { ...carryOut(union, mergedDirectory, before, policies), mode }
    : undefined
  return { plan, undecided, result }
}

/** Of the first source that is merged into dest itself, and has a directory of its own. */
function modeOfRoot(sources: readonly ModelSource[]): number | undefined {
  return sources.find(({ to, mode }) => to === '' && mode !== undefined)?.mode
}

interface MergedDirectory {
  readonly entries: PlanEntry[]
  readonly decided: Conflict[]
  readonly undecided: Conflict[]
  readonly differing: number
}

/** The wishes meet what dest holds. */
function mergeDirectories(
  wishes: Wishes,
  before: ModelTree | undefined,
  policies: ModelPolicies,
): MergedDirectory {
  const entries: PlanEntry[] = []
  const decided: Conflict[] = []
  const undecided: Conflict[] = []
  const actions = new Map<string, PlanEntry['action']>()
  let differing = 0
  for (const [path, { entry, owner, sources }] of wishes) {
    const { type } = entry
    const spelled = spelledIn(before ?? new Map(), path, policies.sameName)
    const found = before?.get(spelled)
    const alike = nameOf(spelled) === nameOf(path)
    const above = before === undefined ? 'create' : (actions.get(parentOf(path)) ?? 'unchanged')
    let action: PlanEntry['action']
    if (above !== 'unchanged') {
      // Below what dest lacks, or gives up, everything is new; below what it keeps, nothing is merged.
      action = above === 'keep' ? 'keep' : 'create'
    } else if (found === undefined) {
      action = 'create'
    } else if (alike && (bothDirectories(found, entry) || identical(found, entry))) {
      action = 'unchanged'
      if (haveOtherModes(found, entry)) {
        // No conflict: the bytes are the wanted ones.
        if (policies.existing === 'replace') action = 'replace'
        else differing++
      }
    } else {
      const policy = policyFor(type, kindOf(found, spelled, before), policies.existing)
      const winner = policy === 'replace' ? owner : null
      const conflict: Conflict = { path, kind: 'existing', sources: [...sources], winner }
      if (!alike) {
        conflict.kind = 'case'
        conflict.paths = [path, join(parentOf(path), nameOf(spelled))].sort()
      }
      ;(policy === 'error' ? undecided : decided).push(conflict)
      action = policy === 'replace' ? 'replace' : 'keep'
      // They merge, in dest's spelling.
      if (bothDirectories(found, entry)) action = 'unchanged'
    }
    actions.set(path, action)
    const size = entry.type === 'file' ? entry.data.length : 0
    entries.push({ path, type, source: owner, size, action })
  }
  return { entries, decided, undecided, differing }
}

function haveOtherModes(found: ModelEntry, wanted: ModelEntry): boolean {
  return found.type === 'file' && wanted.type === 'file' && found.mode !== wanted.mode
}

/** What dest holds, as far as it matters for who gives way. */
function kindOf(
  { type }: ModelEntry,
  path: string,
  before: ModelTree | undefined,
): ModelEntry['type'] | 'empty' {
  const isEmpty = ![...(before?.keys() ?? [])].some((other) => other.startsWith(`${path}/`))
  return type === 'directory' && isEmpty ? 'empty' : type
}

function policyFor(
  wanted: ModelEntry['type'],
  found: ModelEntry['type'] | 'empty',
  existing: ModelPolicies['existing'],
): ModelPolicies['existing'] {
  // Another spelling of a directory is told, but never takes the place of dest's.
  if (wanted === 'directory' && (found === 'directory' || found === 'empty'))
    return existing === 'error' ? 'error' : 'keep'
  // Never written through a symlink.
  if (wanted === 'directory' && found === 'symlink' && existing === 'keep') return 'error'
  // A directory of dest that holds something is never given up for a file.
  if (found === 'directory' && existing === 'replace') return 'error'
  return existing
}

function carryOut(
  { wishes }: Union,
  { entries, differing }: MergedDirectory,
  before: ModelTree | undefined,
  { sameName }: ModelPolicies,
): Omit<ModelResult, 'mode'> {
  const after = new Map(before)
  const counts = { create: 0, replace: 0, keep: 0, unchanged: 0 }
  let files = 0
  for (const { path, type, action } of entries) {
    const wish = wishes.get(path)
    const write = action === 'create' || action === 'replace'
    if (write && wish !== undefined) {
      // Below dest's spelling of what leads there, but with the name that is wanted.
      const old = spelledIn(after, path, sameName)
      after.delete(old)
      after.set(join(parentOf(old), nameOf(path)), wish.entry)
    }
    if (type === 'directory') continue
    if (action !== 'remove') counts[action]++
    if (write && type === 'file') files++
  }
  const { create: created, replace: replaced, keep: kept, unchanged } = counts
  return { effects: { created, replaced, kept, unchanged, placed: files, differing }, after }
}

type Totals = Pick<ModelPlan, 'files' | 'directories' | 'symlinks' | 'bytes' | 'sources'>

function totals(sources: readonly ModelSource[], { wishes, lost }: Union): Totals {
  const results = sources.map(({ name }): SourceResult => {
    return { name, files: 0, bytes: 0, lost: [...(lost.get(name) ?? [])] }
  })
  const counts = { file: 0, directory: 0, symlink: 0 }
  for (const { entry, owner } of wishes.values()) {
    counts[entry.type]++
    const result = results.find(({ name }) => name === owner)
    if (entry.type !== 'file' || result === undefined) continue
    result.files++
    result.bytes += entry.data.length
  }
  const { file, directory, symlink } = counts
  const bytes = results.reduce((sum, result) => sum + result.bytes, 0)
  return { files: file, directories: directory, symlinks: symlink, bytes, sources: results }
}

/** By path; at one path what the sources disagreed about stands before what dest holds. */
function sorted(conflicts: readonly Conflict[]): Conflict[] {
  return conflicts.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}
