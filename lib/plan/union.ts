import { joinPath, Kind, type Place } from '../host/host'
import { implicitDirectory, type SourceTree, type TreeDirectory } from '../scan/tree'
import type { Conflict } from '../types'
import { agree, isUnanimous, type Agreement } from './agreement'
import { claimsOf, kindOf, type Claim, type Claims, type Provider } from './claims'
import type { Compare } from './compare'
import { losersOf, partNames, type Contest } from './exclusive'
import { lookAlikes } from './lookalikes'
import type { Part, PlanDirectory, Union } from './plan'
import { claimOf, type Policy } from './policy'
import type { NameGroup } from './spelling'

/** For each group: the names that are one entry to dest's file system, where several are. */
export type NameOracle = (groups: readonly NameGroup[]) => Promise<readonly string[][][]>

export interface UniteContext {
  readonly policy: Policy
  readonly compare: Compare
  readonly sameEntries: NameOracle
}

/** A directory of the union whose entries are still to be chosen. */
interface Draft {
  readonly plan: PlanDirectory
  readonly providers: readonly Provider[]
  /** By name; under one of them where several names are one entry to dest. */
  readonly claims: Map<string, Claims>
  /** Names that look alike. */
  readonly doubtful: readonly (readonly string[])[]
}

/**
 * The union of the trees in the caller's order. Where two sources share no path nothing is compared;
 * where they share one, files are compared by content only if all else is equal.
 */
export async function unite(trees: readonly SourceTree[], context: UniteContext): Promise<Union> {
  const builder = new Builder(trees, context)
  const root = builder.directory('', '', trees.map(toProvider))
  await builder.fillAll()
  const { decided, undecided, lost } = builder
  const byPath = (a: Conflict, b: Conflict): number => (a.path < b.path ? -1 : 1)
  for (const paths of lost) paths.sort()
  return { root, trees, decided: decided.sort(byPath), undecided: undecided.sort(byPath), lost }
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
  readonly decided: Conflict[] = []
  readonly undecided: Conflict[] = []
  readonly lost: string[][]
  private drafts: Draft[] = []

  constructor(
    private readonly trees: readonly SourceTree[],
    private readonly context: UniteContext,
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
      spellings: new Map(),
      directories: new Map(),
      state: 'new',
      staged: false,
      seen: undefined,
    }
    const [only, ...others] = providers
    if (only === undefined || others.length > 0) {
      const claims = claimsOf(providers)
      this.drafts.push({ plan, providers, claims, doubtful: lookAlikes([...claims.keys()]) })
      return plan
    }
    const { names, directories } = only.tree
    const doubtful = lookAlikes(directories.size === 0 ? names : [...names, ...directories.keys()])
    if (doubtful.length === 0) this.takeWhole(plan, only)
    else this.drafts.push({ plan, providers, claims: claimsOf(providers), doubtful })
    return plan
  }

  /** One source alone: nothing to compare, so nothing is chosen name by name. */
  private takeWhole(plan: PlanDirectory, { source, tree }: Provider): void {
    if (tree.names.length > 0) plan.parts = [toPart(source, tree, tree.names.keys())]
    for (const [name, child] of tree.directories) {
      const path = joinPath(plan.path, name)
      plan.directories.set(name, this.directory(path, name, [{ source, tree: child }]))
    }
  }

  /** Level by level, since who wins a name decides which directories are merged below it. */
  async fillAll(): Promise<void> {
    while (this.drafts.length > 0) {
      const level = this.drafts
      this.drafts = []
      const agreements = await this.agree(level)
      // A conflict of names may send a source away, and so bring back another that it had beaten.
      for (let joined = level; joined.length > 0;) {
        joined = await this.joinNames(joined, agreements)
        for (const [claims, agreement] of await this.agree(joined))
          agreements.set(claims, agreement)
      }
      for (const draft of level) this.fill(draft, agreements)
    }
  }

  private async agree(level: readonly Draft[]): Promise<Map<Claims, Agreement>> {
    const contested = level.flatMap(({ claims }) => [...claims.values()].filter(isContested))
    const agreements = await agree(contested, this.context.compare)
    return new Map(contested.map((claims, index) => [claims, agreements[index] ?? []]))
  }

  /**
   * Names that are one entry to dest become one name, with the claims of all; answers where. Not so names that no
   * source gets, which are not told apart.
   */
  private async joinNames(
    level: readonly Draft[],
    agreements: ReadonlyMap<Claims, Agreement>,
  ): Promise<Draft[]> {
    const doubts = level
      .filter(({ doubtful }) => doubtful.length > 0)
      .flatMap((draft) => {
        const losers = this.losersIn(draft.plan, contestsOf(draft, agreements))
        const isWanted = (name: string): boolean =>
          draft.claims.get(name)?.some(({ source }) => !losers.has(source)) === true
        return draft.doubtful.map((names) => ({ draft, isWanted, path: draft.plan.path, names }))
      })
    if (doubts.length === 0) return []
    const same = await this.context.sameEntries(doubts)
    const joined = new Set<Draft>()
    doubts.forEach(({ draft, isWanted }, index) => {
      for (const names of same[index] ?? []) {
        const apart = names.filter((name) => draft.claims.has(name))
        if (apart.length < 2 || !names.some(isWanted)) continue
        join(draft.claims, apart)
        joined.add(draft)
      }
    })
    return [...joined]
  }

  private fill(draft: Draft, agreements: ReadonlyMap<Claims, Agreement>): void {
    const { plan, providers } = draft
    const chosen = new Map<number, number[]>(providers.map(({ source }) => [source, []]))
    const contests = contestsOf(draft, agreements)
    const losers = this.losersIn(plan, contests)
    for (const contest of contests.flatMap((each) => partNames(each, losers))) {
      const winner = this.winnerOf(plan, contest, losers)
      if (winner === undefined) continue
      if (winner.child === undefined) chosen.get(winner.source)?.push(winner.index)
      this.take(plan, winner, contest, losers)
    }
    for (const { source, tree } of providers) {
      const picks = chosen.get(source) ?? []
      picks.sort((a, b) => a - b)
      if (picks.length > 0) plan.parts.push(toPart(source, tree, picks))
    }
  }

  /** `exclusive`: who has nothing to say in a directory below dest. */
  private losersIn({ path }: PlanDirectory, contests: readonly Contest[]): ReadonlySet<number> {
    if (!this.context.policy.exclusive || path === '') return new Set()
    return losersOf(contests.filter(({ agreement }) => !isUnanimous(agreement)))
  }

  /** Undefined where the path gets nothing. Reports the conflict, and the paths that are lost. */
  private winnerOf(
    plan: PlanDirectory,
    { claims, agreement }: Contest,
    losers: ReadonlySet<number>,
  ): Claim | undefined {
    const { policy } = this.context
    const staying = claims.filter(({ source }) => !losers.has(source))
    let winner = staying[0]
    if (!isUnanimous(agreement)) {
      const conflict = this.conflictOf(plan, claims)
      const sources = this.namesOf(staying)
      const name = sources.length === 0 ? null : policy.decide({ ...conflict, sources })
      if (name === null && sources.length > 0) {
        this.undecided.push(conflict)
        return undefined
      }
      winner = claimOf(staying, this.sourceNamed(staying, name), policy)
      const path = joinPath(plan.path, winner?.name ?? claims[0].name)
      this.decided.push({ ...conflict, path, winner: name })
    }
    claims.forEach((claim, position) => {
      const agrees =
        winner !== undefined && agreement[position] === agreement[claims.indexOf(winner)]
      const isLeftOut = losers.has(claim.source) && claim.child !== undefined
      if (!agrees || isLeftOut) this.lost[claim.source]?.push(joinPath(plan.path, claim.name))
    })
    return winner
  }

  private conflictOf(plan: PlanDirectory, claims: Claims): Conflict {
    const names = new Set(claims.map(({ name }) => name))
    const kinds = new Set(claims.map(kindOf))
    const kind = names.size > 1 ? 'case' : kinds.size > 1 ? 'type' : 'content'
    const path = joinPath(plan.path, claims[0].name)
    const conflict: Conflict = { path, kind, sources: this.namesOf(claims), winner: null }
    if (kind === 'case') conflict.paths = [...names].sort().map((name) => joinPath(plan.path, name))
    return conflict
  }

  /** Each source once, in the caller's order. */
  private namesOf(claims: readonly Claim[]): string[] {
    return [...new Set(claims.map(({ source }) => this.trees[source]?.name ?? ''))]
  }

  private sourceNamed(claims: readonly Claim[], name: string | null): number {
    return claims.find(({ source }) => this.trees[source]?.name === name)?.source ?? -1
  }

  /** What stands at the path; where that is a directory, all that agree merge. */
  private take(
    plan: PlanDirectory,
    winner: Claim,
    { claims, agreement }: Contest,
    losers: ReadonlySet<number>,
  ): void {
    const like = agreement[claims.indexOf(winner)]
    const agreeing = claims.filter(
      ({ source }, position) => agreement[position] === like && !losers.has(source),
    )
    if (winner.child === undefined) {
      const sources = agreeing.map(({ source }) => source)
      if (sources.length > 1) plan.shared.set(winner.name, sources)
      return
    }
    const providers = agreeing.flatMap(({ source, child }) =>
      child === undefined ? [] : [{ source, tree: child }],
    )
    const path = joinPath(plan.path, winner.name)
    plan.directories.set(winner.name, this.directory(path, winner.name, providers))
  }
}

/** By name, not as the scan happened to find them: a caller who decides is asked in this order. */
function contestsOf(draft: Draft, agreements: ReadonlyMap<Claims, Agreement>): Contest[] {
  return [...draft.claims]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, claims]) => ({ claims, agreement: agreements.get(claims) ?? claims.map(() => 0) }))
}

/** Puts the claims on some names under the first of them. */
function join(claims: Map<string, Claims>, names: readonly string[]): void {
  const [first = '', ...others] = [...names].sort()
  const all = [first, ...others].flatMap((name) => [...(claims.get(name) ?? [])])
  all.sort((a, b) => a.source - b.source || (a.name < b.name ? -1 : 1))
  for (const name of others) claims.delete(name)
  claims.set(first, all as [Claim, ...Claim[]])
}

/** Several want the name, and not all of them a directory of this very name. */
function isContested(claims: Claims): boolean {
  const [{ name }, ...others] = claims
  if (others.length === 0) return false
  return claims.some((claim) => kindOf(claim) !== Kind.Directory || claim.name !== name)
}

function toPart(source: number, tree: TreeDirectory, indexes: Iterable<number>): Part {
  const picks = Uint32Array.from(indexes)
  const { length } = picks
  return { source, tree, picks, actions: new Uint8Array(length), staged: new Uint16Array(length) }
}
