import { errno } from '../errno'
import { below, joinPath, splitPath, type Directory, type Host } from '../host/host'
import type { PlanDirectory } from '../plan/plan'
import { mainStaging, type Allocation } from './allocation'
import { receiversOf } from './receivers'
import { unstage } from './unstage'

/** Where the main staging directory stands, and how others are made beside it. */
export interface StagingSite {
  /** The directory that holds the main staging directory. */
  readonly parent: Directory
  /** '/'-joined names from there to dest. */
  readonly prefix: string
  /** Makes a staging directory in each of these directories, by path below dest; answers their numbers. */
  readonly nest: (paths: readonly string[]) => Promise<readonly number[]>
  /** Numbers of staging directories that are not there any more, since somebody has removed what they stood in. */
  readonly lost: () => Promise<ReadonlySet<number>>
}

// The directory is gone, or has become something else: what is to be published tells so.
const gone: ReadonlySet<number> = new Set([errno.ENOENT, errno.ENOTDIR, errno.ELOOP])

// A host that works on paths has 4,096 bytes for one, and it holds the directory's twice.
const longestPath = 1024

/** What is inherited in the directory that holds the main staging directory. */
const asMain = ''

/**
 * Entries inherit from the directory in which they are made, and keep that when they are renamed. So what goes into a
 * directory of dest that passes on something else than the one that holds the main staging directory is staged inside
 * that directory, or in one that passes on the same: one staging directory for each kind there is.
 */
export class Allocator {
  /** By what is inherited there. */
  private readonly numbers = new Map([[asMain, mainStaging]])
  /** Directories of dest that were decided about, by path. */
  private readonly decided = new Map<string, PlanDirectory>()

  constructor(
    private readonly host: Host,
    private readonly site: StagingSite,
    /** What it decides. */
    readonly allocation: Allocation,
  ) {}

  /**
   * One that makes no staging directory inside dest: what is to be staged in one has another number than the main one, and
   * waits. As long as dest is not locked, another merge may take out the directory in which it would stand.
   */
  static forMainOnly(host: Host, site: StagingSite, allocation: Allocation): Allocator {
    const nest = (paths: readonly string[]): Promise<number[]> =>
      Promise.resolve(paths.map(() => mainStaging + 1))
    return new Allocator(host, { ...site, nest }, allocation)
  }

  /** Decides about the directories of dest that get something new, as it was found to be by now. */
  async allocate(root: PlanDirectory): Promise<void> {
    await this.forgetLost()
    const receivers = receiversOf(root).filter(({ path }) => !this.decided.has(path))
    // What lies in dest itself is staged beside it anyway.
    if (receivers.every((each) => this.pathOf(each) === '')) return
    const inherited = await this.look(receivers)
    await this.nest(receivers, inherited)
    this.give(receivers, inherited)
  }

  /** Below the directory that holds the main staging directory. */
  private pathOf({ path }: PlanDirectory): string {
    return joinPath(this.site.prefix, path)
  }

  /** What each passes on; undefined for those that are staged like the directory above them. */
  private async look(receivers: readonly PlanDirectory[]): Promise<(string | undefined)[]> {
    const parent = { base: this.site.parent, path: '' }
    const places = receivers.map((each) => below(parent, this.pathOf(each)))
    const answers = await this.host.inheritance?.([parent, ...places])
    const main = answers?.[0]
    return receivers.map((each, index) => {
      const path = this.pathOf(each)
      const { errno: failed, text } = answers?.[index + 1] ?? untold
      if (gone.has(failed)) return undefined
      if (path === '' || (main?.errno === 0 && failed === 0 && text === main.text)) return asMain
      if (failed === 0) return text
      // Nobody can know what it passes on, so it is a kind of its own.
      const isTooLong = this.host.containment !== 'kernel' && path.length > longestPath
      return isTooLong ? undefined : `in ${path}`
    })
  }

  /** Sees to it that there is a staging directory of each kind. */
  private async nest(
    receivers: readonly PlanDirectory[],
    inherited: readonly (string | undefined)[],
  ): Promise<void> {
    const places = new Map<string, string>()
    for (const [index, text] of inherited.entries()) {
      const isKnown = text === undefined || this.numbers.has(text) || places.has(text)
      if (!isKnown) places.set(text, receivers[index]?.path ?? '')
    }
    if (places.size === 0) return
    const numbers = await this.site.nest([...places.values()])
    for (const [index, text] of [...places.keys()].entries()) {
      this.numbers.set(text, numbers[index] as number)
    }
  }

  /** What was staged by now is staged anew only where its place is another one once all of them have theirs. */
  private give(
    receivers: readonly PlanDirectory[],
    inherited: readonly (string | undefined)[],
  ): void {
    const { allocation } = this
    const before = allocation.copy()
    const given = new Map<PlanDirectory, number>()
    for (const [index, directory] of receivers.entries()) {
      const number = this.numbers.get(inherited[index] ?? '?')
      if (number !== undefined) given.set(directory, number)
    }
    const isAllMain = [...given.values()].every((number) => number === mainStaging)
    for (const [directory, number] of given) {
      const { path } = directory
      this.decided.set(path, directory)
      if (!isAllMain || !before.isPlain) allocation.give(path, number)
    }
    const isMoved = ({ path }: PlanDirectory): boolean => before.of(path) !== allocation.of(path)
    for (const directory of given.keys()) if (isMoved(directory)) unstage(directory, isMoved)
  }

  private take(directory: PlanDirectory): void {
    const { path } = directory
    const above = path === '' ? mainStaging : this.allocation.of(splitPath(path).parent)
    if (this.allocation.of(path) !== above) this.unstage(directory)
    this.allocation.take(path)
  }

  /** What was staged of it by now is staged anew, in another place. */
  private unstage(directory: PlanDirectory): void {
    const before = this.allocation.of(directory.path)
    unstage(directory, ({ path }) => this.allocation.of(path) === before)
  }

  /** Directories that are not in dest any more, and staging directories that went with one. */
  private async forgetLost(): Promise<void> {
    if (this.allocation.isPlain) return
    const lost = await this.site.lost()
    for (const [text, number] of this.numbers) if (lost.has(number)) this.numbers.delete(text)
    for (const [path, directory] of this.decided) {
      if (directory.state === 'exists' && !lost.has(this.allocation.of(path))) continue
      this.take(directory)
      this.decided.delete(path)
    }
  }
}

const untold = { errno: errno.ENOSYS, text: '' }
