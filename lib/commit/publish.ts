import { walk } from '../traversal'
import { inGroups } from '../concurrency'
import type { Part } from '../plan/part'
import { Action, type PlanDirectory } from '../plan/plan'
import { isUnchanged } from '../plan/whole-directory'
import { joinPath } from '../host/host'
import type { Removals } from '../plan/removals'
import type { Taken } from '../plan/taken'
import type { Entries, Journal } from './journal'

export interface PublishContext {
  /** Writes down what is about to be published; false where another merge is at it, so that nothing may be. */
  readonly intend: (intended: readonly Intended[]) => Promise<boolean>
  readonly journal: Journal
  /** Makes the place for what a directory loses. */
  readonly makeReplaced: (path: string) => Promise<void>
  /** What is taken out of dest. */
  readonly removals: Removals | undefined
  /** Takes note of what is taken out; undefined without a manifest. */
  readonly taken: Taken | undefined
}

/** An entry that is about to be published. */
export interface Intended {
  /** '/'-joined below dest. */
  readonly path: string
  readonly name: string
  /** A directory that goes there with all that is in it. */
  readonly whole: PlanDirectory | undefined
  /** What stands in the way is put aside; this is its name in dest. */
  readonly replaced: string | undefined
  /** What stands there is taken out, and nothing published. */
  readonly isRemoval: boolean
}

/** One directory that dest has, and what goes into it. */
interface Batch {
  readonly entries: Entries
  /** By name: the directory that it is. */
  readonly wholes: readonly (PlanDirectory | undefined)[]
  /** By name: says that it is published. */
  readonly settle: readonly (() => void)[]
}

interface Replacement extends Batch {
  /** What stands in the way is moved aside, not given a second name. */
  readonly move: boolean
  readonly spellings: ReadonlyMap<string, string>
}

const namesPerCall = 512

/**
 * Publishes top down what the last diff found: a whole new subtree by one rename, single entries
 * where dest has the directory too. `again`: something turned out to be in the way. `withdrawn`: another merge is
 * at it, and nothing was published.
 */
export async function publish(
  root: PlanDirectory,
  context: PublishContext,
): Promise<'done' | 'again' | 'withdrawn'> {
  const created: Batch[] = []
  const replaced: Replacement[] = []
  walk(root, (directory) => collect(directory, created, replaced))
  const removed = removalsOf(context)
  if (!(await context.intend(intendedOf(created, replaced, removed)))) return 'withdrawn'
  let complete = true
  for (const batches of inGroups(created, ({ entries }) => entries.names.length, namesPerCall)) {
    const results = await context.journal.publish(batches.map(({ entries }) => entries))
    if (!settle(batches, results)) complete = false
  }
  for (const batch of replaced) {
    await context.makeReplaced(batch.entries.path)
    const { entries, move, spellings } = batch
    const results = await context.journal.replace(entries, move, spellings)
    noteReplaced(batch, results, context)
    if (!settle([batch], results)) complete = false
  }
  for (const { path, names } of removed) {
    await context.makeReplaced(path)
    const results = await context.journal.remove({ path, names })
    names.forEach((name, index) => {
      if (results[index] === true) context.taken?.add(joinPath(path, name))
    })
    if (!results.every(Boolean)) complete = false
  }
  return complete ? 'done' : 'again'
}

/** What is no longer found by the path by which the manifest knows it. */
function noteReplaced(
  { entries: { path, names }, spellings }: Replacement,
  results: readonly boolean[],
  { removals, taken }: PublishContext,
): void {
  names.forEach((name, index) => {
    if (results[index] !== true) return
    const spelling = spellings.get(name) ?? name
    const at = joinPath(path, spelling)
    if (removals?.isWhole(at) === true) taken?.add(at)
    else if (spelling !== name) taken?.addRespelled(at)
  })
}

/** Files before directories, and none that were taken out already. */
function removalsOf({ removals }: PublishContext): Entries[] {
  if (removals === undefined) return []
  return [...removals.files, ...removals.directories]
}

/** In the order in which they are published. */
function intendedOf(
  created: readonly Batch[],
  replaced: readonly Replacement[],
  removed: readonly Entries[],
): Intended[] {
  const intended: Intended[] = []
  const add = ({ entries: { path, names }, wholes }: Batch, replacedAs?: Spell): void => {
    names.forEach((name, index) => {
      const whole = wholes[index]
      intended.push({ path, name, whole, replaced: replacedAs?.(name), isRemoval: false })
    })
  }
  for (const batch of created) add(batch)
  for (const batch of replaced) add(batch, (name) => batch.spellings.get(name) ?? name)
  for (const { path, names } of removed) {
    for (const name of names) {
      intended.push({ path, name, whole: undefined, replaced: name, isRemoval: true })
    }
  }
  return intended
}

/** How dest spells a name. */
type Spell = (name: string) => string

/** Returns the subdirectories that have something, too. */
function collect(
  directory: PlanDirectory,
  created: Batch[],
  replaced: Replacement[],
): PlanDirectory[] {
  const { path } = directory
  const fresh = new Group(path)
  const others = new Group(path)
  const inTheWay = new Group(path)
  for (const part of directory.parts) {
    part.actions.forEach((action, position) => {
      if (action === Action.Create) fresh.entry(part, position, Action.Created)
      else if (action === Action.Replace || action === Action.Align)
        others.entry(part, position, Action.Replaced)
    })
  }
  const common: PlanDirectory[] = []
  for (const child of directory.directories.values()) {
    if (child.state === 'new') fresh.directory(child)
    else if (child.state === 'replace') inTheWay.directory(child)
    else if (child.state === 'exists' && !isUnchanged(child)) common.push(child)
  }
  if (fresh.names.length > 0) created.push(fresh.batch)
  const { spellings } = directory
  if (others.names.length > 0) replaced.push({ ...others.batch, move: false, spellings })
  if (inTheWay.names.length > 0) replaced.push({ ...inTheWay.batch, move: true, spellings })
  return common
}

class Group {
  readonly names: string[] = []
  private readonly wholes: (PlanDirectory | undefined)[] = []
  private readonly settle: (() => void)[] = []

  constructor(private readonly path: string) {}

  entry({ tree, picks, actions }: Part, position: number, done: number): void {
    this.names.push(tree.names[picks[position] as number] as string)
    this.wholes.push(undefined)
    this.settle.push(() => {
      actions[position] = done
    })
  }

  directory(child: PlanDirectory): void {
    this.names.push(child.name)
    this.wholes.push(child)
    this.settle.push(() => {
      child.state = 'published'
    })
  }

  get batch(): Batch {
    const { path, names, wholes, settle } = this
    return { entries: { path, names }, wholes, settle }
  }
}

function settle(batches: readonly Batch[], results: readonly boolean[]): boolean {
  let index = 0
  for (const batch of batches)
    for (const done of batch.settle) if (results[index++] === true) done()
  return results.every(Boolean)
}
