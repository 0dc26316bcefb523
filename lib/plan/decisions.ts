import { Equality, joinPath, Kind, pathOf, type Stats } from '../host/host'
import { allBits } from '../host/kept-attributes'
import { isExact, modeOf } from '../scan/tree'
import type { Conflict, ExistingPolicy } from '../types'
import type { OwnEntries } from './own-entries'
import type { Part } from './part'
import { mayBeAsLong } from './pseudo-size'
import { Action, originOf, type PlanDirectory, type Union } from './plan'

export interface DecisionRules {
  readonly existing: ExistingPolicy
  /** Files may stand in dest as symlinks to the source. */
  readonly symlinked: boolean
  /** Files may stand in dest as hard links of the source. */
  readonly hardlinked: boolean
  /** Files get u+w. */
  readonly writable: boolean
  /** Files get the times of the source. */
  readonly times: boolean
  /** Files that may not, nor as its hard links. */
  readonly mutable: ((path: string) => boolean) | undefined
}

const writableByOwner = 0o200

/** What happens to entries that dest holds already, and the conflicts that this makes. */
export class Decisions {
  /** Decided by `existing`. */
  readonly decided: Conflict[] = []
  /** The merge cannot go on with these. */
  readonly undecided: Conflict[] = []

  constructor(
    private readonly union: Union,
    private readonly rules: DecisionRules,
    /** What an earlier merge put there; undefined without a manifest. */
    private readonly own?: OwnEntries,
  ) {}

  /** Dest holds a non-directory where a non-directory is wanted: the same one, or another. */
  settle(directory: PlanDirectory, part: Part, position: number, same: boolean): void {
    if (same) {
      part.actions[position] = Action.Unchanged
      return
    }
    const decision = this.own?.decide(part, position)
    if (decision === 'replace' || this.isExact(part.source)) {
      part.actions[position] = Action.Replace
      return
    }
    const policy = decision ?? this.rules.existing
    this.entryConflict(directory, part, position, policy)
    part.actions[position] = policy === 'replace' ? Action.Replace : Action.Keep
  }

  /** Dest holds the same bytes, but not as was asked for: other attributes, or the source's own file. */
  settleAttributes(part: Part, position: number): void {
    const isAligned = this.rules.existing === 'replace' || this.own?.isOurs(part, position) === true
    part.actions[position] = isAligned ? Action.Align : Action.Differing
  }

  /** Dest holds the same bytes, but other executable bits. */
  settleExecutable(directory: PlanDirectory, part: Part, position: number): void {
    if (this.own?.isOurs(part, position) === true) part.actions[position] = Action.Align
    else this.settle(directory, part, position, false)
  }

  /**
   * Dest holds a directory where none is wanted. Only an empty one is replaced: else a whole tree would vanish for one
   * file.
   */
  settleInTheWay(directory: PlanDirectory, part: Part, position: number, isEmpty: boolean): void {
    const decision = this.own?.decide(part, position)
    const existing = decision ?? this.rules.existing
    const policy = existing === 'replace' && !isEmpty ? 'error' : existing
    this.entryConflict(directory, part, position, policy)
    part.actions[position] = policy === 'replace' ? Action.Replace : Action.Keep
  }

  /** Dest holds something else where a directory is wanted: it is moved aside by its own name, or stays. */
  settleDirectory(parent: PlanDirectory, child: PlanDirectory, found: number): void {
    // A symlink is never written through, nor taken for the directory that it leads to.
    const isLink = found === Kind.Symlink || found === Kind.OddLink
    const decision = this.own?.decideInTheWay(child)
    if (decision === 'replace' || child.sources.some((source) => this.isExact(source))) {
      child.state = 'replace'
      return
    }
    const existing = decision ?? this.rules.existing
    const policy = isLink && existing === 'keep' ? 'error' : existing
    const kind = this.own?.isOtherKindInTheWay(child) === true ? 'type' : 'existing'
    this.conflict(parent, child.name, child.sources, { policy, kind })
    child.state = policy === 'replace' ? 'replace' : 'keep'
  }

  /**
   * Directories merge, also one that dest spells otherwise, unless the caller wants to know. `isOurs`: an earlier merge put it
   * there.
   */
  mergeDirectory(parent: PlanDirectory, child: PlanDirectory, isOurs = false): void {
    child.state = 'exists'
    if (isOurs || !parent.spellings.has(child.name)) return
    const policy = this.rules.existing === 'error' ? 'error' : 'keep'
    this.conflict(parent, child.name, child.sources, { policy, kind: 'existing' })
  }

  /** The text of the symlink that would be made of the entry, if one would. */
  linkTarget(directory: PlanDirectory, part: Part, position: number): string | undefined {
    const { tree, picks } = part
    const index = picks[position] as number
    if (tree.kinds[index] === Kind.Symlink) return tree.targets.get(index)
    if (!this.rules.symlinked || this.isMutable(directory, part, position)) return undefined
    const origin = originOf(tree, index)
    return 'content' in origin ? undefined : pathOf(origin.place, origin.name)
  }

  /** The permission bits that the file is to have. */
  modeOf({ tree, picks }: Part, position: number): number {
    const mode = modeOf(tree, picks[position] as number) & allBits
    return this.rules.writable ? mode | writableByOwner : mode
  }

  /** Does dest hold the source's own file, where it is to have one of its own? */
  isStoreFile(equality: number | undefined): boolean {
    return equality === Equality.SameFile && !this.rules.hardlinked
  }

  /** It will be edited: a link into the store, however equal, is not what is wanted. */
  isMutable(directory: PlanDirectory, { tree, picks }: Part, position: number): boolean {
    const name = tree.names[picks[position] as number] as string
    return this.rules.mutable?.(joinPath(directory.path, name)) === true
  }

  private isExact(source: number): boolean {
    const tree = this.union.trees[source]
    return tree !== undefined && isExact(tree)
  }

  private entryConflict(
    directory: PlanDirectory,
    part: Part,
    position: number,
    policy: ExistingPolicy,
  ): void {
    const { source, tree, picks } = part
    const name = tree.names[picks[position] as number] as string
    const kind = this.own?.isOtherKind(part, position) === true ? 'type' : 'existing'
    const sources = directory.shared.get(name) ?? [source]
    this.conflict(directory, name, sources, { policy, kind }, source)
  }

  private conflict(
    { path: parent, spellings }: PlanDirectory,
    name: string,
    sources: readonly number[],
    { policy, kind }: { readonly policy: ExistingPolicy; readonly kind: 'existing' | 'type' },
    standing = sources[0],
  ): void {
    const nameOf = (source: number): string => this.union.trees[source]?.name ?? ''
    const names = sources.map(nameOf)
    const winner = policy === 'replace' && standing !== undefined ? nameOf(standing) : null
    const path = joinPath(parent, name)
    const conflict: Conflict = { path, kind, sources: names, winner }
    const spelling = spellings.get(name)
    if (spelling !== undefined) {
      conflict.kind = 'case'
      conflict.paths = [path, joinPath(parent, spelling)].sort()
    }
    const list = policy === 'error' ? this.undecided : this.decided
    list.push(conflict)
  }
}

/** Regular files of one size, as far as that counts: only their bytes can tell. */
export function looksAlike(
  { tree, picks }: Part,
  position: number,
  stats: Stats,
  entry: number,
): boolean {
  const index = picks[position] as number
  return (
    tree.kinds[index] === Kind.File &&
    stats.kinds[entry] === Kind.File &&
    mayBeAsLong(tree.sizes[index], stats.sizes[entry])
  )
}
