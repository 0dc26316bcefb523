import { walk } from '../traversal'
import { joinPath } from '../host/host'
import { PackedTree } from '../scan/packed-tree'
import { implicitDirectory, isPlanned, type SourceTree, type TreeDirectory } from '../scan/tree'
import type { Conflict } from '../types'
import { kindOf, type Candidate, type SourceSubtree } from './candidates'
import { inOrder, isConflict, join, type SharedName } from './shared-name'
import { sharedNamesOf, doubtsOf, type Draft, type Opened } from './draft'
import { Scope } from './exclusive'
import { lookAlikes } from './lookalikes'
import {
  eachMergedDirectory,
  mergeDirectories,
  type CandidateContext,
  type MergedDirectory,
} from './merged-directory'
import { Part } from './part'
import { emptyMap, upTo, type PlanDirectory, type Union } from './plan'
import { candidateOf, type Policy } from './policy'
import type { NameGroup } from './spelling'
import { WholeDirectory } from './whole-directory'

/** For each group: the names that are one entry to dest's file system, where several are. */
export type NameOracle = (groups: readonly NameGroup[]) => Promise<readonly string[][][]>

export interface UniteContext extends CandidateContext {
  readonly policy: Policy
  readonly sameEntries: NameOracle
}

const nobody: ReadonlySet<number> = new Set()

/**
 * The union of the trees in the caller's order. Where two sources share no path nothing is compared;
 * where they share one, files are compared by content only if all else is equal.
 */
export async function unite(trees: readonly SourceTree[], context: UniteContext): Promise<Union> {
  const builder = new Builder(trees, context)
  const root = builder.directory('', '', trees.filter(isPlanned).map(toSourceSubtree))
  await builder.fillAll()
  const { decided, undecided, lost } = builder
  const byPath = (a: Conflict, b: Conflict): number => (a.path < b.path ? -1 : 1)
  for (const paths of lost) paths.sort()
  return { root, trees, decided: decided.sort(byPath), undecided: undecided.sort(byPath), lost }
}

/** The tree with the directories of `to` around it. */
export function toSourceSubtree({ source, to, root }: SourceTree): SourceSubtree {
  if (to === '') return { source, tree: root }
  const wrap = (child: TreeDirectory, name: string): TreeDirectory => ({
    ...implicitDirectory(),
    directories: new Map([[name, child]]),
  })
  return { source, tree: to.split('/').reduceRight(wrap, root) }
}

/** A directory of the union that is being made. */
interface Begun {
  readonly plan: PlanDirectory
  /** Whose all of it is, where nothing has to be chosen; undefined where it is chosen later, or never. */
  readonly alone: SourceSubtree | undefined
}

class Builder {
  readonly decided: Conflict[] = []
  readonly undecided: Conflict[] = []
  readonly lost: string[][]
  private opened: Opened[] = []

  constructor(
    private readonly trees: readonly SourceTree[],
    private readonly context: UniteContext,
  ) {
    this.lost = trees.map(() => [])
  }

  directory(
    path: string,
    name: string,
    sourceSubtrees: readonly SourceSubtree[],
    mergedDirectory?: MergedDirectory,
  ): PlanDirectory {
    const begun = this.begin(path, name, sourceSubtrees, mergedDirectory)
    walk(begun, ({ plan, alone }) => alone && this.takeWhole(plan, alone))
    return begun.plan
  }

  private begin(
    path: string,
    name: string,
    sourceSubtrees: readonly SourceSubtree[],
    mergedDirectory?: MergedDirectory,
  ): Begun {
    const [only, ...others] = sourceSubtrees
    // One that others met in has conflicts to tell, though it may be one source's by now.
    const isAlone = others.length === 0 && mergedDirectory === undefined
    // Dest itself is made in its own way.
    if (isAlone && only?.tree instanceof PackedTree && path !== '' && isDistinct(only.tree)) {
      const plan = new WholeDirectory(path, name, only.source, only.tree)
      return { plan, alone: undefined }
    }
    const given = sourceSubtrees.find(({ tree }) => tree.mode !== undefined)?.tree
    const plan: PlanDirectory = {
      path,
      name,
      sources: sourceSubtrees.map(({ source }) => source),
      mode: given?.mode,
      origin: given?.origin,
      parts: [],
      shared: emptyMap,
      spellings: emptyMap,
      directories: new Map(),
      state: 'new',
      staged: false,
      seen: undefined,
    }
    if (only !== undefined && isAlone && !hasLookAlikes(only.tree)) return { plan, alone: only }
    this.opened.push({ plan, sourceSubtrees, mergedDirectory })
    return { plan, alone: undefined }
  }

  /** One source alone: nothing to compare, so nothing is chosen name by name. Answers what lies in it. */
  private *takeWhole(plan: PlanDirectory, { source, tree }: SourceSubtree): Generator<Begun> {
    if (tree.names.length > 0) plan.parts = [new Part(source, tree, upTo(tree.names.length))]
    for (const [name, child] of tree.directories) {
      const begun = this.begin(joinPath(plan.path, name), name, [{ source, tree: child }])
      plan.directories.set(name, begun.plan)
      yield begun
    }
  }

  /** Level by level, since who wins a name decides which directories are merged below it. */
  async fillAll(): Promise<void> {
    while (this.opened.length > 0) {
      const level = await this.gather(this.opened.splice(0))
      // A conflict of names may send a source away, and so bring back another that it had beaten.
      for (let open = level; open.length > 0;) {
        for (const draft of open) draft.losers = draft.scope?.losers() ?? nobody
        open = await this.joinNames(open)
      }
      for (const draft of level) this.fill(draft)
    }
  }

  /** `exclusive` looks ahead from the highest directories below dest, since it must know of conflicts far below. */
  private async gather(level: readonly Opened[]): Promise<Draft[]> {
    const { policy } = this.context
    const isBelow = policy.exclusive && level.every(({ plan }) => plan.path !== '')
    const unmet = level.filter(({ mergedDirectory }) => mergedDirectory === undefined)
    const gatherings = unmet.map(({ plan, sourceSubtrees }) => ({
      path: plan.path,
      sourceSubtrees,
    }))
    const met = await mergeDirectories(gatherings, this.context, isBelow)
    const mergedDirectories = new Map(unmet.map((opened, index) => [opened, met[index]]))
    return level.map((opened): Draft => {
      const mergedDirectory = (opened.mergedDirectory ??
        mergedDirectories.get(opened)) as MergedDirectory
      const sources = new Set(opened.sourceSubtrees.map(({ source }) => source))
      const scope = isBelow ? new Scope(mergedDirectory, sources) : undefined
      return { ...opened, mergedDirectory, sources, scope, losers: nobody }
    })
  }

  /**
   * Names that are one entry to dest become one name, with the candidates of all; answers where. Not so names that no
   * source gets, which are not distinguished.
   */
  private async joinNames(level: readonly Draft[]): Promise<Draft[]> {
    const doubts = level.flatMap(doubtsOf)
    if (doubts.length === 0) return []
    const same = await this.context.sameEntries(doubts)
    const joined = new Set<Draft>()
    doubts.forEach(({ draft, mergedDirectory, isWanted }, index) => {
      for (const names of same[index] ?? []) {
        const apart = names.filter((name) => mergedDirectory.sharedNames.has(name))
        if (apart.length < 2 || !names.some(isWanted)) continue
        join(mergedDirectory.sharedNames, apart)
        joined.add(draft)
      }
    })
    return [...joined]
  }

  private fill(draft: Draft): void {
    const { plan, sourceSubtrees, mergedDirectory, scope, losers } = draft
    scope?.tell(losers)
    const chosen = new Map<number, number[]>(sourceSubtrees.map(({ source }) => [source, []]))
    const shared = new Map<string, readonly number[]>()
    for (const sharedName of sharedNamesOf(draft)) {
      const winner = this.winnerOf(plan, sharedName, losers)
      if (winner === undefined) continue
      if (winner.child === undefined) chosen.get(winner.source)?.push(winner.index)
      this.take(draft, winner, sharedName, shared)
    }
    if (shared.size > 0) plan.shared = shared
    for (const { source, tree } of sourceSubtrees) {
      const picks = chosen.get(source) ?? []
      picks.sort((a, b) => a - b)
      if (picks.length > 0) plan.parts.push(new Part(source, tree, Uint32Array.from(picks)))
    }
    for (const [name, child] of mergedDirectory.below)
      if (!plan.directories.has(name)) this.close(child)
  }

  /** Nobody has the directory in the end: conflicts in it that were decided above have no winner. */
  private close(mergedDirectory: MergedDirectory): void {
    for (const { path, sharedNames } of eachMergedDirectory(mergedDirectory)) {
      for (const { told } of sharedNames.values())
        if (told.length > 0) this.decided.push(this.conflictOf(path, inOrder(told)))
    }
  }

  /** Undefined where the path gets nothing. Reports the conflict, and the paths that are lost. */
  private winnerOf(
    plan: PlanDirectory,
    sharedName: SharedName,
    losers: ReadonlySet<number>,
  ): Candidate | undefined {
    const { policy } = this.context
    const { candidates, equalGroups, told } = sharedName
    const staying = candidates.filter(({ source }) => !losers.has(source))
    let winner = staying[0]
    if (isConflict(sharedName)) {
      const conflict = this.conflictOf(plan.path, inOrder([...told, ...candidates]))
      const sources = this.namesOf(staying)
      const name = sources.length === 0 ? null : policy.decide({ ...conflict, sources })
      if (name === null && sources.length > 0) {
        this.undecided.push(conflict)
        return undefined
      }
      winner = candidateOf(staying, this.sourceNamed(staying, name), policy)
      const path = winner === undefined ? conflict.path : joinPath(plan.path, winner.name)
      this.decided.push({ ...conflict, path, winner: name })
    }
    const like = winner && equalGroups[candidates.indexOf(winner)]
    candidates.forEach((candidate, position) => {
      const agrees = winner !== undefined && equalGroups[position] === like
      const isLeftOut = losers.has(candidate.source) && candidate.child !== undefined
      if (!agrees || isLeftOut)
        this.lost[candidate.source]?.push(joinPath(plan.path, candidate.name))
    })
    return winner
  }

  private conflictOf(parent: string, candidates: readonly Candidate[]): Conflict {
    const names = new Set(candidates.map(({ name }) => name))
    const kinds = new Set(candidates.map(kindOf))
    const kind = names.size > 1 ? 'case' : kinds.size > 1 ? 'type' : 'content'
    const path = joinPath(parent, candidates[0]?.name ?? '')
    const conflict: Conflict = { path, kind, sources: this.namesOf(candidates), winner: null }
    if (kind === 'case') conflict.paths = [...names].sort().map((name) => joinPath(parent, name))
    return conflict
  }

  /** Each source once, in the caller's order. */
  private namesOf(candidates: readonly Candidate[]): string[] {
    return [...new Set(candidates.map(({ source }) => this.trees[source]?.name ?? ''))]
  }

  private sourceNamed(candidates: readonly Candidate[], name: string | null): number {
    return candidates.find(({ source }) => this.trees[source]?.name === name)?.source ?? -1
  }

  /** What stands at the path; where that is a directory, all that agree merge. */
  private take(
    { plan, mergedDirectory, losers }: Draft,
    winner: Candidate,
    { candidates, equalGroups }: SharedName,
    shared: Map<string, readonly number[]>,
  ): void {
    const like = equalGroups[candidates.indexOf(winner)]
    const agreeing = candidates.filter(
      ({ source }, position) => equalGroups[position] === like && !losers.has(source),
    )
    if (winner.child === undefined) {
      const sources = agreeing.map(({ source }) => source)
      if (sources.length > 1) shared.set(winner.name, sources)
      return
    }
    const sourceSubtrees = agreeing.flatMap(({ source, child }) =>
      child === undefined ? [] : [{ source, tree: child }],
    )
    const path = joinPath(plan.path, winner.name)
    const met = mergedDirectory.below.get(winner.name)
    plan.directories.set(winner.name, this.directory(path, winner.name, sourceSubtrees, met))
  }
}

/** Is no name in it, or below, like another one of the same directory? */
function isDistinct(tree: PackedTree): boolean {
  for (const names of tree.eachDoubtful()) if (lookAlikes(names).length > 0) return false
  return true
}

function hasLookAlikes({ names, directories, distinct }: TreeDirectory): boolean {
  if (distinct) return false
  const all = directories.size === 0 ? names : [...names, ...directories.keys()]
  return lookAlikes(all).length > 0
}
