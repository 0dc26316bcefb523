import { walk } from '../traversal'
import { cloneNeverHere, errno, ofTheMachine } from '../errno'
import { SystemError } from '../errors'
import {
  below,
  entryOf,
  joinPath,
  Kind,
  pathOf,
  type Host,
  type PairJob,
  type Place,
} from '../host/host'
import { removeTree, throwIfFailed } from '../host/trees'
import { inGroups, runLimited } from '../concurrency'
import type { Placements } from '../plan/placements'
import { placeOf, type PlanDirectory, type Union } from '../plan/plan'
import { eachDirectory } from '../plan/whole-directory'
import { freshName } from '../records'
import type { LinkMode } from '../types'
import { mainStaging } from './allocation'
import { isAsScanned } from './as-scanned'
import { stageDirectories } from './directories'
import type { StageContext, StagePlaces } from './stage'
import type { StageTarget } from './staging'
import { findSubtrees, type Subtree } from './subtrees'

export interface CloneOptions {
  readonly linkModes: readonly LinkMode[]
  readonly directoryClone: boolean
  readonly dropQuarantine: boolean
  readonly writable: boolean
  readonly preserveTimestamps: boolean
  /** Dest's path, for reports. */
  readonly dest: string
}

// APFS changes metadata one by one.
const mostAtOnce = 4

const jobsPerCall = 512

/** As clonefile(2) answers for a pair of file systems, or with flags that an old system does not know. */
const neverHere: ReadonlySet<number> = new Set([...cloneNeverHere, errno.EINVAL])

/**
 * Stages whole directories by one clone each, where the system can do that and one source alone provides them.
 * What it does not stage, for whatever reason, is left for all that stages file by file: that reports why.
 */
export class SubtreeCloner {
  private count = 0
  /** Sources and file systems that cannot, by name and st_dev. */
  private readonly retired = new Set<string>()

  constructor(
    private readonly host: Host,
    private readonly options: CloneOptions,
    private readonly placements: Placements,
  ) {}

  /** Whether it ever does anything. */
  get isUsed(): boolean {
    const { linkModes, directoryClone, dropQuarantine } = this.options
    if (this.host.cloneDirectory === undefined || !directoryClone || dropQuarantine) return false
    return linkModes[0] === 'clone'
  }

  /** What it stages is marked as staged in the union. */
  async stage(union: Union, places: StagePlaces, context: StageContext): Promise<void> {
    if (!this.isUsed) return
    const isHere = ({ path }: PlanDirectory): boolean => places.allocation.of(path) === mainStaging
    const found = findSubtrees(union, this.options)
    // A clone brings its own access control list along, so others are made entry by entry.
    const subtrees = found.subtrees.filter(({ directory }) => isHere(directory))
    const levels = found.levels.map((level) => level.filter(isHere))
    if (subtrees.length === 0) return
    const target = await places.target(mainStaging)
    await stageDirectories(context, target, levels)
    const queue = subtrees.values()
    await runLimited(Math.min(context.concurrency, mostAtOnce), context.signal, () => {
      const { value } = queue.next()
      return value && this.one(value, target, context)
    })
  }

  private async one(subtree: Subtree, target: StageTarget, context: StageContext): Promise<void> {
    const key = `${String(subtree.device)} ${subtree.source}`
    if (this.retired.has(key)) return
    const name = `clone-${String(this.count++)}`
    const made = below(target.scratch, name)
    const { errno: failed, syscall } = await this.clone(subtree, target.scratch, name)
    if (neverHere.has(failed)) this.retired.add(key)
    if (failed === 0 && (await isAsScanned(this.host, made, subtree.tree))) {
      await this.moveIn(subtree, target, name)
      this.mark(subtree, context)
      return
    }
    await this.remove(target.scratch, name)
    if (ofTheMachine.has(failed)) throw this.error(subtree, failed, syscall)
  }

  private async clone(
    { origin }: Subtree,
    scratch: Place,
    name: string,
  ): Promise<{ errno: number; syscall: string }> {
    const from = entryOf(origin)
    const job = { from: from.directory, names: [from.name], to: scratch, toNames: [name] }
    const outcomes = await this.host.cloneDirectory?.([job])
    return { errno: outcomes?.errnos[0] ?? errno.ENOSYS, syscall: outcomes?.syscall(0) ?? '' }
  }

  /** By a rename, once it is known to be right: nothing else is ever at its place. */
  private async moveIn(
    { directory, tree }: Subtree,
    { scratch, fresh }: StageTarget,
    name: string,
  ): Promise<void> {
    if (!this.options.preserveTimestamps) await this.renewTimes(scratch, name, tree)
    const { directory: to, name: toName } = entryOf(placeOf(fresh, directory))
    const moves: PairJob[] = [{ from: scratch, to, names: [name], toNames: [toName] }]
    throwIfFailed(moves, await this.host.rename(moves, false))
  }

  /** Directories are as new as if they had been made, so that who caches what they hold looks again. */
  private async renewTimes(scratch: Place, name: string, tree: Subtree['tree']): Promise<void> {
    const jobs: PairJob[] = []
    walk(
      { parent: '', own: name, directories: tree.directories },
      ({ parent, own, directories }) => {
        jobs.push({ from: scratch, to: below(scratch, parent), names: [freshName], toNames: [own] })
        return Array.from(directories, ([child, next]) => {
          return { parent: joinPath(parent, own), own: child, directories: next.directories }
        })
      },
    )
    for (const some of inGroups(jobs, () => 1, jobsPerCall))
      throwIfFailed(some, await this.host.copyTimes(some))
  }

  private mark({ directory }: Subtree, { onFiles }: StageContext): void {
    const [clone, link] = [this.placements.numberOf('clone'), this.placements.numberOf('link')]
    let entries = 0
    let bytes = 0
    for (const each of eachDirectory(directory)) {
      each.staged = true
      for (const { picks, staged, tree } of each.parts) {
        entries += picks.length
        picks.forEach((index, position) => {
          const isFile = tree.kinds[index] === Kind.File
          if (isFile) bytes += tree.sizes[index] ?? 0
          staged[position] = isFile ? clone : link
        })
      }
    }
    onFiles(entries, bytes)
  }

  /** What a clone that failed, or was no directory any more, has left. */
  private async remove(scratch: Place, name: string): Promise<void> {
    const job = { to: scratch, names: [name] }
    const { kinds } = await this.host.stat([job])
    if (kinds[0] === Kind.Directory) await removeTree(this.host, scratch, name)
    else if (kinds[0] !== Kind.Missing) throwIfFailed([job], await this.host.unlink([job]))
  }

  private error({ origin, directory, source }: Subtree, number: number, syscall: string): Error {
    const dest = pathOf({ base: this.options.dest, path: directory.path })
    return new SystemError(number, { syscall, path: pathOf(origin), dest, source })
  }
}
