import {
  Equality,
  identityLength,
  joinPath,
  Kind,
  pathOf,
  type Host,
  type NamesJob,
  type Place,
  type Stats,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import { inLanes } from '../lanes'
import type { Conflict, ExistingPolicy } from '../types'
import { executableBits } from './claims'
import type { Compare, ComparisonJob } from './compare'
import type { Part } from './part'
import {
  Action,
  eachDirectory,
  namesOf,
  originOf,
  placeOf,
  type PlanDirectory,
  type Union,
} from './plan'
import type { FoundNames, Spelling } from './spelling'
import { inBatches, unchangedEntries } from './survey-calls'

export interface SurveyContext {
  readonly host: Host
  readonly compare: Compare
  readonly spelling: Spelling
  readonly existing: ExistingPolicy
  /** Files may stand in dest as symlinks to the source. */
  readonly symlinked: boolean
  /** Files that may not, nor as its hard links. */
  readonly mutable: ((path: string) => boolean) | undefined
  /** Calls at once. */
  readonly lanes: number
  readonly signal: AbortSignal | undefined
}

export interface Survey {
  /** Decided by `existing`. */
  readonly decided: Conflict[]
  /** The merge cannot go on with these. */
  readonly undecided: Conflict[]
}

/** What dest holds in some directories. */
interface Look {
  readonly batch: readonly PlanDirectory[]
  readonly jobs: readonly NamesJob[]
  readonly stats: Stats
  readonly spellings: readonly ReadonlyMap<string, string>[]
}

/** Files of one part that look like dest's until the bytes are read. */
interface Question {
  readonly directory: PlanDirectory
  readonly part: Part
  readonly positions: number[]
  /** Dest's directory. */
  readonly to: Place
}

/**
 * Looks at what dest holds where the union wants something, and sets what happens to each entry.
 * The cost grows with the union, not with dest. A second survey reads no bytes of what has not
 * changed since the first.
 */
export async function survey(union: Union, dest: Place, context: SurveyContext): Promise<Survey> {
  const surveyor = new Surveyor(union, dest, context)
  await surveyor.run()
  const byPath = (a: Conflict, b: Conflict): number => (a.path < b.path ? -1 : 1)
  return {
    decided: surveyor.decided.sort(byPath),
    undecided: surveyor.undecided.sort(byPath),
  }
}

class Surveyor {
  readonly decided: Conflict[] = []
  readonly undecided: Conflict[] = []
  private readonly questions: Question[] = []

  constructor(
    private readonly union: Union,
    private readonly dest: Place,
    private readonly context: SurveyContext,
  ) {}

  /** Level by level: below what dest lacks there is nothing to look at. */
  async run(): Promise<void> {
    this.union.root.state = 'exists'
    for (let level = [this.union.root]; level.length > 0;) {
      const looks = await this.lookInLanes(level)
      // In the order of the tree, whichever answer came first.
      level = looks.flatMap((look) => this.note(look))
    }
    const answers = await this.context.compare(this.questions.flatMap(comparisonJobs))
    let answer = 0
    for (const { directory, part, positions } of this.questions) {
      for (const position of positions) {
        const equality = answers[answer++]
        const isLink = equality === Equality.SameFile
        const same = equality !== Equality.Differ
        const isKept = same && !(isLink && this.isMutable(directory, part, position))
        this.settle(directory, part, position, isKept)
      }
    }
  }

  private async lookInLanes(level: readonly PlanDirectory[]): Promise<Look[]> {
    const { lanes, signal } = this.context
    const batches = [...inBatches(level)]
    const looks = new Array<Look>(batches.length)
    let started = 0
    await inLanes(lanes, signal, () => {
      const index = started++
      const batch = batches[index]
      return batch && this.look(batch).then((look) => void (looks[index] = look))
    })
    return looks
  }

  private async look(batch: readonly PlanDirectory[]): Promise<Look> {
    const jobs = batch.map((directory) => ({
      to: placeOf(this.dest, directory),
      names: namesOf(directory),
    }))
    const stats = await this.context.host.stat(jobs)
    throwIfFailed(jobs, stats)
    const spellings = await this.context.spelling.otherSpellings(foundIn(jobs, stats))
    return { batch, jobs, stats, spellings }
  }

  /** Answers the subdirectories that dest has too. */
  private note({ batch, jobs, stats, spellings }: Look): PlanDirectory[] {
    const common: PlanDirectory[] = []
    let entry = 0
    batch.forEach((directory, at) => {
      const { to, names } = jobs[at] as NamesJob
      directory.spellings = spellings[at] as ReadonlyMap<string, string>
      const start = entry
      const before = directory.seen
      directory.seen = stats.identities.slice(
        start * identityLength,
        (start + names.length) * identityLength,
      )
      const unchanged = unchangedEntries(before, directory.seen)
      for (const part of directory.parts) {
        for (let position = 0; position < part.picks.length; position++) {
          this.lookAtEntry(directory, part, position, stats, entry, to, unchanged(entry - start))
          entry++
        }
      }
      for (const child of directory.directories.values()) {
        const kind = stats.kinds[entry] ?? Kind.Missing
        if (this.lookAtDirectory(child, kind, directory)) common.push(child)
        entry++
      }
    })
    return common
  }

  /** True if dest has a directory there too. */
  private lookAtDirectory(child: PlanDirectory, found: number, parent: PlanDirectory): boolean {
    if (child.state === 'published') return false
    const { existing } = this.context
    if (found === Kind.Directory) {
      child.state = 'exists'
      // Directories merge, also one that dest spells otherwise, unless the caller wants to know.
      if (!parent.spellings.has(child.name)) return true
      this.conflict(parent, child.name, child.sources, existing === 'error' ? 'error' : 'keep')
      return true
    }
    // What an earlier look found below is of a directory that is there no more.
    for (const each of eachDirectory(child)) {
      if (each.state !== 'published') each.state = 'new'
    }
    if (found === Kind.Missing) return false
    // Never written through, never taken for the directory it leads to, whatever the policy.
    const isLink = found === Kind.Symlink || found === Kind.OddLink
    const policy = isLink ? 'error' : existing
    this.conflict(parent, child.name, child.sources, policy)
    child.state = policy === 'replace' ? 'replace' : 'keep'
    return false
  }

  private lookAtEntry(
    directory: PlanDirectory,
    part: Part,
    position: number,
    stats: Stats,
    entry: number,
    to: Place,
    unchanged: boolean,
  ): void {
    const { tree, picks, actions } = part
    const action = actions[position]
    if (action === Action.Created || action === Action.Replaced) return
    const index = picks[position] as number
    const kind = stats.kinds[entry]
    if (kind === Kind.Missing) {
      actions[position] = Action.Create
    } else if (kind === Kind.Directory) {
      // Directories are never replaced: a whole tree would vanish for one file.
      const policy = this.context.existing === 'keep' ? 'keep' : 'error'
      this.conflictAt(directory, part, index, policy)
      actions[position] = Action.Keep
    } else if (unchanged && action !== Action.Create) {
      this.settle(directory, part, position, action === Action.Unchanged)
    } else if (directory.spellings.has(tree.names[index] as string)) {
      this.settle(directory, part, position, false)
    } else if (kind === Kind.Symlink) {
      const target = stats.targets.get(entry)
      const same = target !== undefined && target === this.linkTarget(directory, part, position)
      this.settle(directory, part, position, same)
    } else if (this.looksAlike(part, index, stats, entry)) {
      this.ask(directory, part, position, to)
    } else {
      this.settle(directory, part, position, false)
    }
  }

  /** The bytes of a file are read later, those of many at once. */
  private ask(directory: PlanDirectory, part: Part, position: number, to: Place): void {
    const last = this.questions.at(-1)
    if (last?.part === part) last.positions.push(position)
    else this.questions.push({ directory, part, positions: [position], to })
  }

  /** The text of the symlink that would be made of the entry, if one would. */
  private linkTarget(directory: PlanDirectory, part: Part, position: number): string | undefined {
    const { tree, picks } = part
    const index = picks[position] as number
    if (tree.kinds[index] === Kind.Symlink) return tree.targets.get(index)
    if (!this.context.symlinked || this.isMutable(directory, part, position)) return undefined
    const { place, name } = originOf(tree, index)
    return pathOf(place, name)
  }

  /** It will be edited: a link into the store, however equal, is not what is wanted. */
  private isMutable(directory: PlanDirectory, { tree, picks }: Part, position: number): boolean {
    const name = tree.names[picks[position] as number] as string
    return this.context.mutable?.(joinPath(directory.path, name)) === true
  }

  private looksAlike({ tree }: Part, index: number, stats: Stats, entry: number): boolean {
    return (
      tree.kinds[index] === Kind.File &&
      stats.kinds[entry] === Kind.File &&
      tree.sizes[index] === stats.sizes[entry] &&
      executableBits(tree.modes[index]) === executableBits(stats.modes[entry])
    )
  }

  /** Dest holds a non-directory where a non-directory is wanted: the same one, or another. */
  private settle(directory: PlanDirectory, part: Part, position: number, same: boolean): void {
    if (same) {
      part.actions[position] = Action.Unchanged
      return
    }
    this.conflictAt(directory, part, part.picks[position] as number, this.context.existing)
    part.actions[position] = this.context.existing === 'replace' ? Action.Replace : Action.Keep
  }

  private conflictAt(
    directory: PlanDirectory,
    { source, tree }: Part,
    index: number,
    policy: ExistingPolicy,
  ): void {
    const name = tree.names[index] as string
    this.conflict(directory, name, directory.shared.get(name) ?? [source], policy, source)
  }

  private conflict(
    { path: parent, spellings }: PlanDirectory,
    name: string,
    sources: readonly number[],
    policy: ExistingPolicy,
    standing = sources[0],
  ): void {
    const nameOf = (source: number): string => this.union.trees[source]?.name ?? ''
    const names = sources.map(nameOf)
    const winner = policy === 'replace' && standing !== undefined ? nameOf(standing) : null
    const path = joinPath(parent, name)
    const conflict: Conflict = { path, kind: 'existing', sources: names, winner }
    const spelling = spellings.get(name)
    if (spelling !== undefined) {
      conflict.kind = 'case'
      conflict.paths = [path, joinPath(parent, spelling)].sort()
    }
    const list = policy === 'error' ? this.undecided : this.decided
    list.push(conflict)
  }
}

/** Each file with dest's of its name, in order. */
function comparisonJobs({ part, positions, to }: Question): ComparisonJob[] {
  const { tree, picks } = part
  const { names: all, origin } = tree
  const isAll = positions.length === all.length
  const names = isAll ? all : positions.map((position) => all[picks[position] ?? 0] ?? '')
  if ('base' in origin) return [{ from: origin, to, names }]
  return positions.map((position, at) => {
    const { place, name } = originOf(tree, picks[position] ?? 0)
    return { from: place, to, names: [name], toNames: [names[at] ?? ''] }
  })
}

/** The names of the jobs that there is something for. */
function foundIn(jobs: readonly NamesJob[], { kinds }: Stats): FoundNames[] {
  let index = 0
  return jobs.map(({ to, names }) => {
    const found = names.filter(() => (kinds[index++] ?? Kind.Missing) !== Kind.Missing)
    return { place: to, names: found }
  })
}
