import { walk } from '../traversal'
import { joinPath } from '../host/host'
import { PackedTree } from '../scan/packed-tree'
import { implicitDirectory, isPlanned, type SourceTree, type TreeDirectory } from '../scan/tree'
import type { Conflict } from '../types'
import { kindOf, type Claim, type Provider } from './claims'
import { inOrder, isConflict, join, type Contest } from './contest'
import { contestsOf, doubtsOf, type Draft, type Opened } from './draft'
import { Scope } from './exclusive'
import { lookAlikes } from './lookalikes'
import { eachMeeting, meet, type MeetContext, type Meeting } from './meeting'
import { Part } from './part'
import { emptyMap, upTo, type PlanDirectory, type Union } from './plan'
import { claimOf, type Policy } from './policy'
import type { NameGroup } from './spelling'
import { WholeDirectory } from './whole-directory'

/** For each group: the names that are one entry to dest's file system, where several are. */
export type NameOracle = (groups: readonly NameGroup[]) => Promise<readonly string[][][]>

export interface UniteContext extends MeetContext {
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
  const root = builder.directory('', '', trees.filter(isPlanned).map(toProvider))
  await builder.fillAll()
  const { decided, undecided, lost } = builder
  const byPath = (a: Conflict, b: Conflict): number => (a.path < b.path ? -1 : 1)
  for (const paths of lost) paths.sort()
  return { root, trees, decided: decided.sort(byPath), undecided: undecided.sort(byPath), lost }
}

/** The tree with the directories of `to` around it. */
export function toProvider({ source, to, root }: SourceTree): Provider {
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
  readonly alone: Provider | undefined
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
    providers: readonly Provider[],
    meeting?: Meeting,
  ): PlanDirectory {
    const begun = this.begin(path, name, providers, meeting)
    walk(begun, ({ plan, alone }) => alone && this.takeWhole(plan, alone))
    return begun.plan
  }

  private begin(
    path: string,
    name: string,
    providers: readonly Provider[],
    meeting?: Meeting,
  ): Begun {
    const [only, ...others] = providers
    // One that others met in has conflicts to tell, though it may be one source's by now.
    const isAlone = others.length === 0 && meeting === undefined
    // Dest itself is made in its own way.
    if (isAlone && only?.tree instanceof PackedTree && path !== '' && isDistinct(only.tree)) {
      const plan = new WholeDirectory(path, name, only.source, only.tree)
      return { plan, alone: undefined }
    }
    const given = providers.find(({ tree }) => tree.mode !== undefined)?.tree
    const plan: PlanDirectory = {
      path,
      name,
      sources: providers.map(({ source }) => source),
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
    this.opened.push({ plan, providers, meeting })
    return { plan, alone: undefined }
  }

  /** One source alone: nothing to compare, so nothing is chosen name by name. Answers what lies in it. */
  private *takeWhole(plan: PlanDirectory, { source, tree }: Provider): Generator<Begun> {
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
    const unmet = level.filter(({ meeting }) => meeting === undefined)
    const gatherings = unmet.map(({ plan, providers }) => ({ path: plan.path, providers }))
    const met = await meet(gatherings, this.context, isBelow)
    const meetings = new Map(unmet.map((opened, index) => [opened, met[index]]))
    return level.map((opened): Draft => {
      const meeting = (opened.meeting ?? meetings.get(opened)) as Meeting
      const sources = new Set(opened.providers.map(({ source }) => source))
      const scope = isBelow ? new Scope(meeting, sources) : undefined
      return { ...opened, meeting, sources, scope, losers: nobody }
    })
  }

  /**
   * Names that are one entry to dest become one name, with the claims of all; answers where. Not so names that no
   * source gets, which are not told apart.
   */
  private async joinNames(level: readonly Draft[]): Promise<Draft[]> {
    const doubts = level.flatMap(doubtsOf)
    if (doubts.length === 0) return []
    const same = await this.context.sameEntries(doubts)
    const joined = new Set<Draft>()
    doubts.forEach(({ draft, meeting, isWanted }, index) => {
      for (const names of same[index] ?? []) {
        const apart = names.filter((name) => meeting.contests.has(name))
        if (apart.length < 2 || !names.some(isWanted)) continue
        join(meeting.contests, apart)
        joined.add(draft)
      }
    })
    return [...joined]
  }

  private fill(draft: Draft): void {
    const { plan, providers, meeting, scope, losers } = draft
    scope?.tell(losers)
    const chosen = new Map<number, number[]>(providers.map(({ source }) => [source, []]))
    const shared = new Map<string, readonly number[]>()
    for (const contest of contestsOf(draft)) {
      const winner = this.winnerOf(plan, contest, losers)
      if (winner === undefined) continue
      if (winner.child === undefined) chosen.get(winner.source)?.push(winner.index)
      this.take(draft, winner, contest, shared)
    }
    if (shared.size > 0) plan.shared = shared
    for (const { source, tree } of providers) {
      const picks = chosen.get(source) ?? []
      picks.sort((a, b) => a - b)
      if (picks.length > 0) plan.parts.push(new Part(source, tree, Uint32Array.from(picks)))
    }
    for (const [name, child] of meeting.below) if (!plan.directories.has(name)) this.close(child)
  }

  /** Nobody has the directory in the end: conflicts in it that were decided above have no winner. */
  private close(meeting: Meeting): void {
    for (const { path, contests } of eachMeeting(meeting)) {
      for (const { told } of contests.values())
        if (told.length > 0) this.decided.push(this.conflictOf(path, inOrder(told)))
    }
  }

  /** Undefined where the path gets nothing. Reports the conflict, and the paths that are lost. */
  private winnerOf(
    plan: PlanDirectory,
    contest: Contest,
    losers: ReadonlySet<number>,
  ): Claim | undefined {
    const { policy } = this.context
    const { claims, agreement, told } = contest
    const staying = claims.filter(({ source }) => !losers.has(source))
    let winner = staying[0]
    if (isConflict(contest)) {
      const conflict = this.conflictOf(plan.path, inOrder([...told, ...claims]))
      const sources = this.namesOf(staying)
      const name = sources.length === 0 ? null : policy.decide({ ...conflict, sources })
      if (name === null && sources.length > 0) {
        this.undecided.push(conflict)
        return undefined
      }
      winner = claimOf(staying, this.sourceNamed(staying, name), policy)
      const path = winner === undefined ? conflict.path : joinPath(plan.path, winner.name)
      this.decided.push({ ...conflict, path, winner: name })
    }
    const like = winner && agreement[claims.indexOf(winner)]
    claims.forEach((claim, position) => {
      const agrees = winner !== undefined && agreement[position] === like
      const isLeftOut = losers.has(claim.source) && claim.child !== undefined
      if (!agrees || isLeftOut) this.lost[claim.source]?.push(joinPath(plan.path, claim.name))
    })
    return winner
  }

  private conflictOf(parent: string, claims: readonly Claim[]): Conflict {
    const names = new Set(claims.map(({ name }) => name))
    const kinds = new Set(claims.map(kindOf))
    const kind = names.size > 1 ? 'case' : kinds.size > 1 ? 'type' : 'content'
    const path = joinPath(parent, claims[0]?.name ?? '')
    const conflict: Conflict = { path, kind, sources: this.namesOf(claims), winner: null }
    if (kind === 'case') conflict.paths = [...names].sort().map((name) => joinPath(parent, name))
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
    { plan, meeting, losers }: Draft,
    winner: Claim,
    { claims, agreement }: Contest,
    shared: Map<string, readonly number[]>,
  ): void {
    const like = agreement[claims.indexOf(winner)]
    const agreeing = claims.filter(
      ({ source }, position) => agreement[position] === like && !losers.has(source),
    )
    if (winner.child === undefined) {
      const sources = agreeing.map(({ source }) => source)
      if (sources.length > 1) shared.set(winner.name, sources)
      return
    }
    const providers = agreeing.flatMap(({ source, child }) =>
      child === undefined ? [] : [{ source, tree: child }],
    )
    const path = joinPath(plan.path, winner.name)
    const met = meeting.below.get(winner.name)
    plan.directories.set(winner.name, this.directory(path, winner.name, providers, met))
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
