import { debug } from '../debug'
import { errnoName, noSharedExtents } from '../errno'
import {
  joinPath,
  pathOf,
  type FileOptions,
  type Host,
  type Outcomes,
  type PairJob,
  type Place,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import { Placements } from '../plan/placements'
import type { Part } from '../plan/part'
import { originOf, type PlanDirectory } from '../plan/plan'
import type { LinkMode } from '../types'
import {
  deviceOf,
  linkJobs,
  nameAt,
  pairJobs,
  pathInDest,
  sourcePath,
  whereLink,
  type Group,
} from './entries'
import { isTriedFirst, Ladder, Ladders, meaningOf, ownModes, type Refusal } from './link-modes'
import { placementError } from './placement-error'
import type { Unit } from './wanted'

export interface PlaceOptions {
  readonly linkModes: readonly LinkMode[]
  readonly mutable: ((path: string) => boolean) | undefined
  readonly writable: boolean
  readonly preserveTimestamps: boolean
  readonly dropQuarantine: boolean
  /** Dest's path, for reports. */
  readonly dest: string
}

const noSteps: Group['steps'] = []

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
      for (const group of first) {
        this.ladders.add(group.device, group.source, await this.tryModesOn(group, scratch))
      }
    }
  }

  private async tryModesOn(file: Group, scratch: Place): Promise<Ladder> {
    const ladder = new Ladder()
    for (const mode of file.modes) {
      const refusal = isTriedFirst(mode) ? await this.tryMode(mode, file, scratch) : undefined
      if (refusal === undefined) {
        debug('%s for the files of %s (device %d)', mode, file.source, file.device)
        break
      }
      debugRefusal('retired', refusal)
      if (mode === file.modes.at(-1)) throw this.error(file, file.positions[0] ?? 0, refusal)
      ladder.retire(refusal)
    }
    return ladder
  }

  /**
   * The first file by path of each that needs a ladder and has none yet; one that may take every mode before
   * one that must be dest's own.
   */
  private firstFiles(units: readonly Unit[]): Group[] {
    const first = new Map<string, { group: Group; path: string; isFree: boolean }>()
    for (const unit of units) {
      const { device } = unit.part.tree
      if (typeof device === 'number' && this.ladders.of(device, unit.source)) continue
      const best =
        typeof device === 'number' ? first.get(this.ladders.keyOf(device, unit.source)) : undefined
      // All of its paths come later.
      if (best?.isFree === true && best.path <= unit.directory.path) continue
      for (const group of this.groupsOf(unit)) {
        if (this.ladders.of(group.device, group.source)) continue
        const key = this.ladders.keyOf(group.device, group.source)
        const known = first.get(key)
        const isFree = group.modes === this.options.linkModes
        if (known?.isFree === true && !isFree) continue
        const file = firstByName(group)
        const path = pathInDest(file, file.positions[0] ?? 0)
        if (known?.isFree === isFree && known.path <= path) continue
        first.set(key, { group: file, path, isFree })
      }
    }
    return [...first.values()].map(({ group }) => group)
  }

  /** A refusal that holds for the whole pair of file systems, or undefined. Throws a real error. */
  private async tryMode(mode: LinkMode, file: Group, scratch: Place): Promise<Refusal | undefined> {
    const { part, positions } = file
    const [position = 0] = positions
    const { place, name } = originOf(part.tree, part.picks[position] as number)
    const job = { from: place, names: [name], to: scratch, toNames: ['try'] }
    const outcomes = await this.run(mode, [job], false)
    const number = outcomes.errnos[0] ?? 0
    if (number === 0) {
      const tried = [{ to: scratch, names: ['try'] }]
      throwIfFailed(tried, await this.host.unlink(tried))
      return undefined
    }
    const refusal = this.refusal(mode, file, position, number, outcomes.syscall(0))
    const meaning = meaningOf(mode, number, refusal.syscall)
    if (meaning === 'fatal') throw this.error(file, position, refusal)
    return meaning === 'never' ? refusal : undefined
  }

  /** Places the entries of some directories, all of them by this one worker. */
  async place(units: readonly Unit[], fresh: Place): Promise<void> {
    const links: Unit[] = []
    const files: Group[] = []
    for (const unit of units) {
      const symlinks = whereLink(unit, true)
      if (symlinks.length > 0) links.push({ ...unit, positions: symlinks })
      files.push(...this.groupsOf(unit))
    }
    if (links.length > 0) await this.placeSymlinks(links, fresh)
    if (files.length > 0) await this.placeFiles(files, fresh)
  }

  /** The files of a unit by how they are placed; mostly that is one group. */
  private groupsOf(unit: Unit): Group[] {
    const { directory, part, source } = unit
    const { device: only, plainBytes } = part.tree
    const positions = whereLink(unit, false)
    const { mutable, writable, linkModes } = this.options
    // Nothing to be told of one file that does not hold for all.
    if (typeof only === 'number' && plainBytes !== undefined && !mutable && !writable) {
      const whole = { directory, part, source, positions, device: only }
      return [{ ...whole, modes: linkModes, steps: noSteps }]
    }
    const groups: (Group & { positions: number[] })[] = []
    let last: (typeof groups)[number] | undefined
    for (let at = 0; at < positions.length; at++) {
      const position = positions[at] as number
      const index = part.picks[position] as number
      const device = deviceOf(part, index)
      const modes = this.modesFor(directory, part, index)
      if (last?.modes !== modes || last.device !== device) {
        last = groups.find((group) => group.modes === modes && group.device === device)
        if (last === undefined) {
          last = { directory, part, source, device, modes, positions: [], steps: noSteps }
          groups.push(last)
        }
      }
      last.positions.push(position)
    }
    return groups
  }

  /** A file that will be edited, or gets another mode than its source has, must be dest's own. */
  private modesFor(directory: PlanDirectory, { tree }: Part, index: number): readonly LinkMode[] {
    const { linkModes, mutable, writable } = this.options
    const mode = tree.modes[index] as number
    if ((mode & 0o7000) !== 0 || (writable && (mode & 0o200) === 0)) return this.ownModes
    if (mutable === undefined) return linkModes
    return mutable(joinPath(directory.path, tree.names[index] as string))
      ? this.ownModes
      : linkModes
  }

  /** Each mode once, in order: what it does not take goes on to the next. */
  private async placeFiles(files: readonly Group[], fresh: Place): Promise<void> {
    const waiting = new Map<LinkMode, Group[]>(this.order.map((mode) => [mode, []]))
    const queue = (group: Group, refusal?: Refusal): void => {
      const { mode, steps } = this.nextMode(group, refusal)
      if (refusal !== undefined)
        debugRefusal(`${group.positions.length} files go on to ${mode}`, refusal)
      waiting.get(mode)?.push(steps === group.steps ? group : { ...group, steps })
    }
    for (const group of files) queue(group)
    for (const [mode, groups] of waiting) {
      if (groups.length === 0) continue
      const outcomes = await this.runGroups(mode, groups, fresh)
      let first = 0
      for (const group of groups) {
        for (const { refused, refusal } of this.settle(mode, group, outcomes, first)) {
          queue(refused, refusal)
        }
        first += group.positions.length
      }
    }
  }

  /** Notes what was placed, from outcome `first` on; answers what was refused, by the reason. */
  private settle(
    mode: LinkMode,
    group: Group,
    outcomes: Outcomes,
    first: number,
  ): Iterable<{ refused: Group; refusal: Refusal }> {
    const { part, positions, steps } = group
    const placed = this.placements.numberOf(mode, steps)
    const end = first + positions.length
    if (positions.length === part.picks.length && isZero(outcomes.errnos, first, end)) {
      part.stageAll(placed)
      return []
    }
    const reasons = new Map<string, { positions: number[]; refusal: Refusal }>()
    for (let at = 0; at < positions.length; at++) {
      const position = positions[at] as number
      const number = outcomes.errnos[first + at] ?? 0
      if (number === 0) {
        part.staged[position] = placed
        continue
      }
      const syscall = outcomes.syscall(first + at)
      const key = `${number} ${syscall}`
      const known = reasons.get(key)
      if (known !== undefined) {
        known.positions.push(position)
        continue
      }
      const refusal = this.refusal(mode, group, position, number, syscall)
      if (meaningOf(mode, number, syscall) === 'fatal') throw this.error(group, position, refusal)
      reasons.set(key, { positions: [position], refusal })
    }
    return Array.from(reasons.values(), ({ positions: refused, refusal }) => {
      return { refused: { ...group, positions: refused }, refusal }
    })
  }

  /** The mode to take after a refusal, or at first; each step down is noted with its reason. */
  private nextMode(group: Group, refusal?: Refusal): { mode: LinkMode; steps: Group['steps'] } {
    const ladder = this.ladders.of(group.device, group.source)
    let { steps } = group
    let reason = refusal
    const start = refusal === undefined ? 0 : group.modes.indexOf(refusal.mode) + 1
    for (const mode of group.modes.slice(start)) {
      if (reason !== undefined) {
        const { mode: from, errno, syscall } = reason
        steps = [...steps, { from, to: mode, errno, syscall }]
      }
      const retired = ladder?.whyRetired(mode)
      if (retired === undefined) return { mode, steps }
      reason = retired
    }
    if (reason === undefined) throw new Error('a file without link modes')
    throw this.error(group, group.positions[0] ?? 0, reason)
  }

  private async placeSymlinks(links: readonly Unit[], fresh: Place): Promise<void> {
    const outcomes = await this.host.symlink(
      linkJobs(
        links,
        fresh,
        ({ part }, position) => part.tree.targets.get(part.picks[position] ?? 0) ?? '',
      ),
    )
    this.throwIfFailed(links, outcomes)
    const link = this.placements.numberOf('link')
    for (const { part, positions } of links) {
      for (const position of positions) part.staged[position] = link
    }
    if (!this.options.preserveTimestamps) return
    this.throwIfFailed(links, await this.host.copyTimes(pairJobs(links, fresh)))
  }

  private runGroups(mode: LinkMode, groups: readonly Group[], fresh: Place): Promise<Outcomes> {
    if (mode === 'symlink') return this.host.symlink(linkJobs(groups, fresh, sourcePath))
    const inKernel = groups.every(({ device, source }) => {
      const why = this.ladders.of(device, source)?.whyRetired('clone')
      return why !== undefined && noSharedExtents.has(why.errno)
    })
    return this.run(mode, pairJobs(groups, fresh), inKernel)
  }

  private run(mode: LinkMode, jobs: readonly PairJob[], inKernelCopy: boolean): Promise<Outcomes> {
    const { writable, preserveTimestamps: times, dropQuarantine } = this.options
    const options: FileOptions = { writable, times, inKernelCopy, dropQuarantine }
    if (mode === 'clone') return this.host.clone(jobs, options)
    return mode === 'copy' ? this.host.copy(jobs, options) : this.host.hardlink(jobs)
  }

  private throwIfFailed(links: readonly Unit[], outcomes: Outcomes): void {
    let index = 0
    for (const unit of links) {
      for (const position of unit.positions) {
        const number = outcomes.errnos[index] ?? 0
        const syscall = outcomes.syscall(index++)
        if (number === 0) continue
        const refusal = this.refusal('symlink', unit, position, number, syscall)
        throw this.error({ ...unit, modes: [] }, position, refusal)
      }
    }
  }

  private refusal(
    mode: LinkMode,
    unit: Unit,
    position: number,
    number: number,
    syscall: string,
  ): Refusal {
    const dest = pathOf({ base: this.options.dest, path: pathInDest(unit, position) })
    return { mode, errno: number, syscall, path: sourcePath(unit, position), dest }
  }

  private error(unit: Pick<Group, 'modes'> & Unit, position: number, refusal: Refusal): Error {
    return placementError(unit.source, pathInDest(unit, position), unit.modes, refusal)
  }
}

function debugRefusal(what: string, { mode, errno, syscall, path, dest }: Refusal): void {
  debug('%s, %s: %s from %s, %s -> %s', mode, what, errnoName(errno), syscall, path, dest)
}

function isZero(numbers: Int32Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (numbers[index] !== 0) return false
  return true
}

/** The group's first file, alone. */
function firstByName(group: Group): Group {
  let [first = 0] = group.positions
  let name = nameAt(group, first)
  for (const position of group.positions) {
    const other = nameAt(group, position)
    if (other >= name) continue
    first = position
    name = other
  }
  return { ...group, positions: [first] }
}
