import { append } from '../append'
import { noSharedExtents } from '../errno'
import type { Host, Outcomes, Place } from '../host/host'
import { Placements } from '../plan/placements'
import { correctSize } from '../scan/tree'
import type { LinkMode } from '../types'
import { mainStaging } from './allocation'
import { Attempt, debugRefusal, type PlaceOptions } from './attempt'
import { byOrigin, contentJobs, linkJobs, pairJobs, sourcePath, type Group } from './entries'
import { Grouping } from './groups'
import { descend, FallbackChains, meaningOf, type Refusal } from './link-modes'
import { TreePlacer, type TreeUnit } from './trees'
import { Trials } from './trials'
import type { Unit } from './wanted'

/** Puts files and symlinks into staged directories, falling back from mode to mode. */
export class FilePlacer {
  readonly trees: TreePlacer
  private readonly attempt: Attempt
  private readonly grouping: Grouping
  private readonly fallbackChains = new FallbackChains()
  private readonly trials: Trials
  /** All modes that any file may take, in the order in which they are tried. */
  private readonly order: readonly LinkMode[]
  private readonly others = new Map<number, FilePlacer>()

  constructor(
    private readonly host: Host,
    private readonly options: PlaceOptions,
    /** How the entries were placed. */
    readonly placements = new Placements(),
  ) {
    const { linkModes } = options
    this.attempt = new Attempt(host, options)
    this.grouping = new Grouping(options)
    this.trees = new TreePlacer(host, options, this.fallbackChains, this.placements)
    this.trials = new Trials(host, this.attempt, this.grouping, this.fallbackChains, linkModes)
    this.order = [...new Set([...linkModes, ...this.grouping.ownModes])]
  }

  /** For the staging directory with this number: which link modes work there is another question in each. */
  forStaging(number: number): FilePlacer {
    if (number === mainStaging) return this
    let own = this.others.get(number)
    if (own === undefined) {
      own = new FilePlacer(this.host, this.options, this.placements)
      this.others.set(number, own)
    }
    return own
  }

  /** What must come before place(): finds out which link modes work here. */
  tryModes(units: readonly Unit[], trees: readonly TreeUnit[], scratch: Place): Promise<void> {
    return this.trials.run({ units, trees }, scratch)
  }

  /** Places the entries of some directories, all of them by this one worker. */
  async place(units: readonly Unit[], fresh: Place): Promise<void> {
    const links: Unit[] = []
    const written: Unit[] = []
    const files: Group[] = []
    for (const unit of units) {
      const { symlinks, contents } = byOrigin(unit)
      if (symlinks.length > 0) links.push({ ...unit, positions: symlinks })
      if (contents.length > 0) written.push({ ...unit, positions: contents })
      append(files, this.grouping.groupsOf(unit))
    }
    if (links.length > 0) await this.placeSymlinks(links, fresh)
    if (written.length > 0) await this.placeContents(written, fresh)
    if (files.length > 0) await this.placeFiles(files, fresh)
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
    // A link makes no bytes that a host could count.
    if (mode !== 'hardlink' && mode !== 'symlink') noteSizes(group, outcomes, first)
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
      const refusal = this.attempt.refusal(mode, group, position, outcomes, first + at)
      if (meaningOf(mode, number, syscall) === 'fatal')
        throw this.attempt.error(group, position, refusal)
      reasons.set(key, { positions: [position], refusal })
    }
    return Array.from(reasons.values(), ({ positions: refused, refusal }) => {
      return { refused: { ...group, positions: refused }, refusal }
    })
  }

  /** The mode to take after a refusal, or at first; each step down is noted with its reason. */
  private nextMode(group: Group, refusal?: Refusal): { mode: LinkMode; steps: Group['steps'] } {
    const fallbackChain = this.fallbackChains.of(group.device, group.source)
    const { mode, steps, reason } = descend(group.modes, fallbackChain, group.steps, refusal)
    if (mode !== undefined) return { mode, steps }
    if (reason === undefined) throw new Error('a file without link modes')
    throw this.attempt.error(group, group.positions[0] ?? 0, reason)
  }

  private async placeSymlinks(links: readonly Unit[], fresh: Place): Promise<void> {
    const outcomes = await this.host.symlink(
      linkJobs(
        links,
        fresh,
        ({ part }, position) => part.tree.targets.get(part.picks[position] ?? 0) ?? '',
      ),
    )
    this.throwIfFailed('symlink', links, outcomes)
    this.note(links, this.placements.numberOf('link'))
    // One that a file map tells of is nowhere yet.
    const copied = links.filter(({ part }) => part.tree.origin !== undefined)
    if (!this.options.preserveTimestamps || copied.length === 0) return
    this.throwIfFailed('symlink', copied, await this.host.copyTimes(pairJobs(copied, fresh)))
  }

  /** They are dest's own in every link mode. */
  private async placeContents(units: readonly Unit[], fresh: Place): Promise<void> {
    const { writable } = this.options
    const options = { writable, times: false, inKernelCopy: false }
    const outcomes = await this.host.write(contentJobs(units, fresh), options)
    this.throwIfFailed('copy', units, outcomes)
    this.note(units, this.placements.numberOf('copy'))
  }

  private note(units: readonly Unit[], placement: number): void {
    for (const { part, positions } of units) {
      for (const position of positions) part.staged[position] = placement
    }
  }

  private runGroups(mode: LinkMode, groups: readonly Group[], fresh: Place): Promise<Outcomes> {
    if (mode === 'symlink')
      return this.host.symlink(
        linkJobs(groups, fresh, (unit, position) => sourcePath(unit, position) ?? ''),
      )
    const inKernel = groups.every(({ device, source }) => {
      const why = this.fallbackChains.of(device, source)?.whyRetired('clone')
      return why !== undefined && noSharedExtents.has(why.errno)
    })
    return this.attempt.run(mode, pairJobs(groups, fresh), inKernel)
  }

  private throwIfFailed(mode: LinkMode, units: readonly Unit[], outcomes: Outcomes): void {
    let index = 0
    for (const unit of units) {
      for (const position of unit.positions) {
        const at = index++
        if (outcomes.errnos[at] === 0) continue
        const refusal = this.attempt.refusal(mode, unit, position, outcomes, at)
        throw this.attempt.error({ ...unit, modes: [] }, position, refusal)
      }
    }
  }
}

/** A file may have grown or shrunk since the scan, or be one whose size cannot be known before it is read. */
function noteSizes({ part, positions }: Group, { errnos, bytes }: Outcomes, first: number): void {
  if (bytes === undefined) return
  const { tree, picks } = part
  for (let at = 0; at < positions.length; at++) {
    if (errnos[first + at] !== 0) continue
    correctSize(tree, picks[positions[at] as number] as number, bytes[first + at] as number)
  }
}

function isZero(numbers: Int32Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (numbers[index] !== 0) return false
  return true
}
