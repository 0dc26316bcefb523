import { noSharedExtents } from '../errno'
import {
  joinPath,
  Kind,
  type FileOptions,
  type Host,
  type Outcomes,
  type PairJob,
  type Place,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import { Placements } from '../plan/placements'
import { originOf, type Part, type PlanDirectory } from '../plan/plan'
import type { LinkMode } from '../types'
import {
  deviceOf,
  indexOf,
  linkJobs,
  pairJobs,
  pathInDest,
  sourcePath,
  type Entry,
} from './entries'
import { isTriedFirst, Ladder, Ladders, meaningOf, ownModes, type Refusal } from './link-modes'
import { placementError } from './placement-error'
import type { Unit } from './wanted'

export interface PlaceOptions {
  readonly linkModes: readonly LinkMode[]
  readonly mutable: ((path: string) => boolean) | undefined
  readonly writable: boolean
  readonly preserveTimestamps: boolean
  /** Dest's path, for reports. */
  readonly dest: string
}

/** Puts files and symlinks into staged directories, falling back from mode to mode. */
export class FilePlacer {
  /** How the entries were placed. */
  readonly placements = new Placements()
  private readonly ladders = new Ladders()
  private trying: Promise<unknown> = Promise.resolve()
  private readonly ownModes: readonly LinkMode[]
  /** All modes that any file may take, in the order in which they are tried. */
  private readonly order: readonly LinkMode[]

  constructor(
    private readonly host: Host,
    private readonly options: PlaceOptions,
  ) {
    this.ownModes = ownModes(options.linkModes)
    this.order = [...new Set([...options.linkModes, ...this.ownModes])]
  }

  /**
   * Tries the modes on one file of each file system before many are started: which one is fixed, so
   * the report is the same whatever comes first later, and a mode that never works fails once only.
   */
  tryModes(units: readonly Unit[], scratch: Place): Promise<void> {
    // One after the other, so that what a device has been tried with is known to the next.
    const turn = this.trying.then(() => this.tryNewDevices(units, scratch))
    this.trying = turn.catch(() => undefined)
    return turn
  }

  private async tryNewDevices(units: readonly Unit[], scratch: Place): Promise<void> {
    // What the first files tell may be that each source is to be asked.
    for (;;) {
      const first = this.firstFiles(units)
      if (first.length === 0) return
      for (const entry of first) {
        const device = deviceOf(entry.part, indexOf(entry))
        this.ladders.add(device, entry.source, await this.tryModesOn(entry, scratch))
      }
    }
  }

  private async tryModesOn(entry: Entry, scratch: Place): Promise<Ladder> {
    const ladder = new Ladder()
    for (const mode of entry.modes) {
      const refusal = isTriedFirst(mode) ? await this.tryMode(mode, entry, scratch) : undefined
      if (refusal === undefined) break
      if (mode === entry.modes.at(-1)) throw this.error(entry, refusal)
      ladder.retire(refusal)
    }
    return ladder
  }

  /**
   * The first file by path of each that needs a ladder and has none yet; one that may take every mode before
   * one that must be dest's own.
   */
  private firstFiles(units: readonly Unit[]): Entry[] {
    const first = new Map<string, { entry: Entry; path: string }>()
    for (const { directory, part, source, positions } of units) {
      for (const position of positions) {
        const index = part.picks[position] as number
        const device = deviceOf(part, index)
        if (part.tree.kinds[index] !== Kind.File || this.ladders.of(device, source)) continue
        const key = this.ladders.keyOf(device, source)
        const path = joinPath(directory.path, part.tree.names[index] as string)
        const known = first.get(key)
        const knownIsFree = known?.entry.modes === this.options.linkModes
        if (knownIsFree && known.path <= path) continue
        const modes = this.modesFor(directory, part, index)
        const isFree = modes === this.options.linkModes
        if (knownIsFree && !isFree) continue
        if (known !== undefined && knownIsFree === isFree && known.path <= path) continue
        first.set(key, { path, entry: { directory, part, source, position, modes } })
      }
    }
    return [...first.values()].map(({ entry }) => entry)
  }

  /** A refusal that holds for the whole pair of file systems, or undefined. Throws a real error. */
  private async tryMode(
    mode: LinkMode,
    entry: Entry,
    scratch: Place,
  ): Promise<Refusal | undefined> {
    const { place, name } = originOf(entry.part.tree, indexOf(entry))
    const job = { from: place, names: [name], to: scratch, toNames: ['try'] }
    const outcomes = await this.run(mode, [job], false)
    const number = outcomes.errnos[0] ?? 0
    if (number === 0) {
      const tried = [{ to: scratch, names: ['try'] }]
      throwIfFailed(tried, await this.host.unlink(tried))
      return undefined
    }
    const refusal = this.refusal(mode, entry, number, outcomes.syscall(0))
    const meaning = meaningOf(mode, number, refusal.syscall)
    if (meaning === 'fatal') throw this.error(entry, refusal)
    return meaning === 'never' ? refusal : undefined
  }

  /** Places the entries of some directories, all of them by this one worker. */
  async place(units: readonly Unit[], fresh: Place): Promise<void> {
    const links: Entry[] = []
    const files: Entry[] = []
    for (const { directory, part, source, positions } of units) {
      for (const position of positions) {
        const index = part.picks[position] as number
        const link = part.tree.kinds[index] === Kind.Symlink
        const modes = link ? [] : this.modesFor(directory, part, index)
        ;(link ? links : files).push({ directory, part, source, position, modes })
      }
    }
    if (links.length > 0) await this.placeSymlinks(links, fresh)
    if (files.length > 0) await this.placeFiles(files, fresh)
  }

  /** A file that will be edited, or gets another mode than its source has, must be dest's own. */
  private modesFor(directory: PlanDirectory, part: Part, index: number): readonly LinkMode[] {
    const { linkModes, mutable, writable } = this.options
    const mode = part.tree.modes[index] ?? 0
    const special = (mode & 0o7000) !== 0
    const path = (): string => joinPath(directory.path, part.tree.names[index] as string)
    const own = special || (writable && (mode & 0o200) === 0) || mutable?.(path()) === true
    return own ? this.ownModes : linkModes
  }

  /** Each mode once, in order: what it does not take goes on to the next. */
  private async placeFiles(files: readonly Entry[], fresh: Place): Promise<void> {
    const waiting = new Map<LinkMode, Entry[]>(this.order.map((mode) => [mode, []]))
    for (const entry of files) {
      waiting.get(this.nextMode(entry, undefined))?.push(entry)
    }
    for (const [mode, entries] of waiting) {
      if (entries.length === 0) continue
      const outcomes = await this.runEntries(mode, entries, fresh)
      entries.forEach((entry, index) => {
        const number = outcomes.errnos[index] ?? 0
        if (number === 0) {
          entry.part.staged[entry.position] = this.placements.numberOf(mode, entry.steps)
          return
        }
        const refusal = this.refusal(mode, entry, number, outcomes.syscall(index))
        if (meaningOf(mode, number, refusal.syscall) === 'fatal') throw this.error(entry, refusal)
        waiting.get(this.nextMode(entry, refusal))?.push(entry)
      })
    }
  }

  /** The mode to take after a refusal, or at first; each step down is noted with its reason. */
  private nextMode(entry: Entry, refusal: Refusal | undefined): LinkMode {
    const ladder = this.ladderOf(entry)
    let reason = refusal
    const start = refusal === undefined ? 0 : entry.modes.indexOf(refusal.mode) + 1
    for (const mode of entry.modes.slice(start)) {
      if (reason !== undefined) {
        const { mode: from, errno, syscall } = reason
        entry.steps = [...(entry.steps ?? []), { from, to: mode, errno, syscall }]
      }
      const retired = ladder?.whyRetired(mode)
      if (retired === undefined) return mode
      reason = retired
    }
    if (reason === undefined) throw new Error('a file without link modes')
    throw this.error(entry, reason)
  }

  private ladderOf(entry: Entry): Ladder | undefined {
    return this.ladders.of(deviceOf(entry.part, indexOf(entry)), entry.source)
  }

  private async placeSymlinks(links: readonly Entry[], fresh: Place): Promise<void> {
    const outcomes = await this.host.symlink(
      linkJobs(links, fresh, ({ part }, index) => part.tree.targets.get(index) ?? ''),
    )
    this.throwIfFailed(links, outcomes)
    const link = this.placements.numberOf('link')
    for (const { part, position } of links) part.staged[position] = link
    if (!this.options.preserveTimestamps) return
    this.throwIfFailed(links, await this.host.copyTimes(pairJobs(links, fresh)))
  }

  private runEntries(mode: LinkMode, entries: readonly Entry[], fresh: Place): Promise<Outcomes> {
    if (mode === 'symlink') return this.host.symlink(linkJobs(entries, fresh, sourcePath))
    const inKernel = entries.every((entry) => {
      const why = this.ladderOf(entry)?.whyRetired('clone')
      return why !== undefined && noSharedExtents.has(why.errno)
    })
    return this.run(mode, pairJobs(entries, fresh), inKernel)
  }

  private run(mode: LinkMode, jobs: readonly PairJob[], inKernelCopy: boolean): Promise<Outcomes> {
    const { writable, preserveTimestamps: times } = this.options
    const options: FileOptions = { writable, times, inKernelCopy }
    if (mode === 'clone') return this.host.clone(jobs, options)
    return mode === 'copy' ? this.host.copy(jobs, options) : this.host.hardlink(jobs)
  }

  private throwIfFailed(entries: readonly Entry[], outcomes: Outcomes): void {
    entries.forEach((entry, index) => {
      const number = outcomes.errnos[index] ?? 0
      if (number === 0) return
      throw this.error(entry, this.refusal('symlink', entry, number, outcomes.syscall(index)))
    })
  }

  private refusal(mode: LinkMode, entry: Entry, number: number, syscall: string): Refusal {
    const index = indexOf(entry)
    const dest = joinPath(this.options.dest, pathInDest(entry, index))
    return { mode, errno: number, syscall, path: sourcePath(entry, index), dest }
  }

  private error(entry: Entry, refusal: Refusal): Error {
    return placementError(entry, refusal, entry.source)
  }
}
