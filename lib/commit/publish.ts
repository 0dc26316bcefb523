import { walk } from '../traversal'
import { inGroups } from '../lanes'
import type { Part } from '../plan/part'
import { Action, type PlanDirectory } from '../plan/plan'
import { isUnchanged } from '../plan/whole-directory'
import type { Inode, Intent } from '../record'
import type { Entries, Journal } from './journal'

export interface PublishContext {
  /** Writes down what is about to be published; `replaced`: what stands in the way is put aside under this name. */
  readonly intend: (intents: readonly Intent[]) => Promise<void>
  readonly journal: Journal
  /** Makes the place for what a directory loses. */
  readonly makeReplaced: (path: string) => Promise<void>
}

/** One directory that dest has, and what goes into it. */
interface Batch {
  readonly entries: Entries
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
 * Publishes top down what the last survey found: a whole new subtree by one rename, single entries
 * where dest has the directory too. False if something turned out to be in the way.
 */
export async function publish(root: PlanDirectory, context: PublishContext): Promise<boolean> {
  const created: Batch[] = []
  const replaced: Replacement[] = []
  walk(root, (directory) => collect(directory, created, replaced))
  await context.intend(await intentsOf(context.journal, created, replaced))
  let complete = true
  for (const batches of inGroups(created, ({ entries }) => entries.names.length, namesPerCall)) {
    const results = await context.journal.publish(batches.map(({ entries }) => entries))
    if (!settle(batches, results)) complete = false
  }
  for (const batch of replaced) {
    await context.makeReplaced(batch.entries.path)
    const { entries, move, spellings } = batch
    const results = await context.journal.replace(entries, move, spellings)
    if (!settle([batch], results)) complete = false
  }
  return complete
}

/** In the order in which they are published. */
async function intentsOf(
  journal: Journal,
  created: readonly Batch[],
  replaced: readonly Replacement[],
): Promise<Intent[]> {
  const batches = [...created, ...replaced]
  const intents: Intent[] = []
  for (const some of inGroups(batches, ({ entries }) => entries.names.length, namesPerCall)) {
    const inodes = await journal.know(some.map(({ entries }) => entries))
    let index = 0
    for (const batch of some) {
      const { path, names } = batch.entries
      const spellings = 'spellings' in batch ? (batch as Replacement).spellings : undefined
      for (const name of names) {
        const replaces = spellings && (spellings.get(name) ?? name)
        intents.push({ ...(inodes[index++] as Inode), path, name, replaced: replaces })
      }
    }
  }
  return intents
}

/** Answers the subdirectories that have something, too. */
function collect(
  directory: PlanDirectory,
  created: Batch[],
  replaced: Replacement[],
): PlanDirectory[] {
  const common: PlanDirectory[] = []
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
  private readonly settle: (() => void)[] = []

  constructor(private readonly path: string) {}

  entry({ tree, picks, actions }: Part, position: number, done: number): void {
    this.names.push(tree.names[picks[position] as number] as string)
    this.settle.push(() => {
      actions[position] = done
    })
  }

  directory(child: PlanDirectory): void {
    this.names.push(child.name)
    this.settle.push(() => {
      child.state = 'published'
    })
  }

  get batch(): Batch {
    return { entries: { path: this.path, names: this.names }, settle: this.settle }
  }
}

function settle(batches: readonly Batch[], results: readonly boolean[]): boolean {
  batches
    .flatMap((batch) => batch.settle)
    .forEach((done, index) => {
      if (results[index] === true) done()
    })
  return results.every(Boolean)
}
