import { joinPath, type Place } from '../host/host'
import { implicitDirectory, type SourceTree, type TreeDirectory } from '../scan/tree'
import type { Conflict } from '../types'
import { claimsOf, judge, type Claim, type Provider } from './claims'
import { sameContent, type Compare } from './compare'
import type { Decide } from './policy'
import type { PlanDirectory, Union } from './plan'

/** A path that several sources claim with files that look alike until their bytes are read. */
interface Question {
  readonly name: string
  readonly claims: readonly [Claim, ...Claim[]]
  readonly directory: Draft
}

/** A directory of the union whose entries are still being chosen. */
interface Draft {
  readonly plan: PlanDirectory
  readonly providers: readonly Provider[]
  /** By provider: chosen indexes. */
  readonly chosen: number[][]
}

/**
 * The union of the trees in the caller's order. Where two sources share no path nothing is compared;
 * where they share one, files are compared by content only if all else is equal.
 */
export async function unite(
  trees: readonly SourceTree[],
  decide: Decide,
  compare: Compare,
): Promise<Union> {
  const builder = new Builder(trees, decide)
  const root = builder.directory('', '', trees.map(toProvider))
  await builder.answer(compare)
  return { root, trees, conflicts: builder.conflicts, lost: builder.lost }
}

/** The tree with the directories of `to` around it. */
function toProvider({ source, to, root }: SourceTree): Provider {
  if (to === '') return { source, tree: root }
  const wrap = (child: TreeDirectory, name: string): TreeDirectory => ({
    ...implicitDirectory(),
    directories: new Map([[name, child]]),
  })
  return { source, tree: to.split('/').reduceRight(wrap, root) }
}

class Builder {
  readonly conflicts: Conflict[] = []
  readonly lost: string[][]
  private readonly questions: Question[] = []
  private readonly drafts: Draft[] = []

  constructor(
    private readonly trees: readonly SourceTree[],
    private readonly decide: Decide,
  ) {
    this.lost = trees.map(() => [])
  }

  directory(path: string, name: string, providers: readonly Provider[]): PlanDirectory {
    const given = providers.find(({ tree }) => tree.mode !== undefined)?.tree
    const plan: PlanDirectory = {
      path,
      name,
      sources: providers.map(({ source }) => source),
      mode: given?.mode,
      origin: given === undefined ? undefined : (given.origin as Place),
      parts: [],
      shared: new Map(),
      directories: new Map(),
      state: 'new',
      staged: false,
      seen: undefined,
    }
    const [only, ...others] = providers
    if (only !== undefined && others.length === 0) this.takeWhole(plan, only)
    else this.takeShared(plan, providers)
    return plan
  }

  /** One source alone: nothing to compare, so nothing is looked at by name. */
  private takeWhole(plan: PlanDirectory, { source, tree }: Provider): void {
    if (tree.names.length > 0) plan.parts = [part(source, tree, tree.names.keys())]
    for (const [name, child] of tree.directories) {
      const path = joinPath(plan.path, name)
      plan.directories.set(name, this.directory(path, name, [{ source, tree: child }]))
    }
  }

  private takeShared(plan: PlanDirectory, providers: readonly Provider[]): void {
    const draft: Draft = { plan, providers, chosen: providers.map(() => []) }
    this.drafts.push(draft)
    // By name, not as the scan happened to find them: a caller who decides is asked in this order.
    const byName = [...claimsOf(providers)].sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [name, claims] of byName) {
      const all = claims as [Claim, ...Claim[]]
      const verdict = all.length === 1 ? 'same' : judge(all)
      if (verdict === 'same') this.take(draft, name, all, all[0])
      else if (verdict === 'compare') this.questions.push({ name, claims: all, directory: draft })
      else this.conflict(draft, name, all, verdict)
    }
  }

  /** Compares what is left to compare, then closes the drafts. */
  async answer(compare: Compare): Promise<void> {
    const same = await sameContent(
      this.questions.map(({ claims }) => claims),
      compare,
    )
    this.questions.forEach(({ directory, name, claims }, index) => {
      if (same[index] === true) this.take(directory, name, claims, claims[0])
      else this.conflict(directory, name, claims, 'content')
    })
    for (const { plan, providers, chosen } of this.drafts) {
      providers.forEach(({ source, tree }, index) => {
        const picks = chosen[index] ?? []
        if (picks.length > 0)
          plan.parts.push(
            part(
              source,
              tree,
              picks.sort((a, b) => a - b),
            ),
          )
      })
    }
    this.conflicts.sort((a, b) => (a.path < b.path ? -1 : 1))
    for (const paths of this.lost) paths.sort()
  }

  /** The path gets the winner's entry; where that is a directory, all directories merge. */
  private take(draft: Draft, name: string, claims: readonly Claim[], winner: Claim): void {
    if (winner.child === undefined) {
      const provider = draft.providers.findIndex(({ source }) => source === winner.source)
      draft.chosen[provider]?.push(winner.index)
      const sources = claims.map(({ source }) => source)
      if (sources.length > 1) draft.plan.shared.set(name, sources)
      return
    }
    const providers = claims.flatMap(({ source, child }) =>
      child === undefined ? [] : [{ source, tree: child }],
    )
    const path = joinPath(draft.plan.path, name)
    draft.plan.directories.set(name, this.directory(path, name, providers))
  }

  private conflict(
    draft: Draft,
    name: string,
    claims: readonly [Claim, ...Claim[]],
    kind: 'content' | 'type',
  ): void {
    const path = joinPath(draft.plan.path, name)
    const sources = claims.map(({ source }) => this.trees[source]?.name ?? '')
    const conflict: Conflict = { path, kind, sources, winner: null }
    conflict.winner = this.decide(conflict)
    this.conflicts.push(conflict)
    if (conflict.winner === null) return
    const winner = claims[sources.indexOf(conflict.winner)]
    if (winner === undefined) return
    this.take(draft, name, winner.child === undefined ? [winner] : claims, winner)
    for (const claim of claims) {
      const merged = winner.child !== undefined && claim.child !== undefined
      if (claim !== winner && !merged) this.lost[claim.source]?.push(path)
    }
  }
}

function part(source: number, tree: TreeDirectory, indexes: Iterable<number>) {
  const picks = Uint32Array.from(indexes)
  const { length } = picks
  return { source, tree, picks, actions: new Uint8Array(length), staged: new Uint8Array(length) }
}
