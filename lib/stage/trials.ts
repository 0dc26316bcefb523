import { preOrder } from '../traversal'
import { debug } from '../debug'
import type { Host, Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import { upTo, type PlanDirectory } from '../plan/plan'
import type { TreeDirectory } from '../scan/tree'
import type { LinkMode } from '../types'
import { debugRefusal, type Attempt } from './attempt'
import { byOrigin, pathInDest, type Group } from './entries'
import { firstByName, type Grouping } from './groups'
import {
  isTriedFirst,
  FallbackChain,
  meaningOf,
  type FallbackChains,
  type Refusal,
} from './link-modes'
import type { TreeUnit } from './trees'
import type { Unit } from './wanted'

/** What is to be placed. */
interface Wanted {
  readonly units: readonly Unit[]
  readonly trees: readonly TreeUnit[]
}

/** Finds out which link modes work at all between the file systems at hand, before many files are placed. */
export class Trials {
  private trying: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly host: Host,
    private readonly attempt: Attempt,
    private readonly grouping: Grouping,
    private readonly fallbackChains: FallbackChains,
    /** The link modes that files may take that need not be dest's own. */
    private readonly linkModes: readonly LinkMode[],
  ) {}

  /**
   * Tries the modes on one file of each file system before many are started: which one is fixed, so
   * the report is the same whatever comes first later, and a mode that never works fails once only.
   */
  run(wanted: Wanted, scratch: Place): Promise<void> {
    // One after the other, so that what a device has been tried with is known to the next.
    const turn = this.trying.then(() => this.tryNewDevices(wanted, scratch))
    this.trying = turn.catch(() => undefined)
    return turn
  }

  private async tryNewDevices(wanted: Wanted, scratch: Place): Promise<void> {
    // What the first files tell may be that each source is to be asked.
    for (;;) {
      const first = this.firstFiles(wanted)
      if (first.length === 0) return
      for (const group of first) {
        this.fallbackChains.add(group.device, group.source, await this.tryModesOn(group, scratch))
      }
    }
  }

  private async tryModesOn(file: Group, scratch: Place): Promise<FallbackChain> {
    const fallbackChain = new FallbackChain()
    for (const mode of file.modes) {
      const refusal = isTriedFirst(mode) ? await this.tryMode(mode, file, scratch) : undefined
      if (refusal === undefined) {
        debug('%s for the files of %s (device %d)', mode, file.source, file.device)
        break
      }
      debugRefusal('retired', refusal)
      if (mode === file.modes.at(-1))
        throw this.attempt.error(file, file.positions[0] ?? 0, refusal)
      fallbackChain.retire(refusal)
    }
    return fallbackChain
  }

  /**
   * The first file by path of each that needs a fallback chain and has none yet; one that may take every mode before
   * one that must be dest's own.
   */
  private firstFiles(wanted: Wanted): Group[] {
    const first = new Map<string, { group: Group; path: string; isFree: boolean }>()
    for (const { device, source, path: within, groups } of this.candidates(wanted)) {
      if (typeof device === 'number' && this.fallbackChains.of(device, source)) continue
      const best =
        typeof device === 'number'
          ? first.get(this.fallbackChains.keyOf(device, source))
          : undefined
      // All of its paths come later.
      if (best?.isFree === true && best.path <= within) continue
      for (const group of groups()) {
        if (this.fallbackChains.of(group.device, group.source)) continue
        const key = this.fallbackChains.keyOf(group.device, group.source)
        const known = first.get(key)
        const isFree = group.modes === this.linkModes
        if (known?.isFree === true && !isFree) continue
        const file = firstByName(group)
        const path = pathInDest(file, file.positions[0] ?? 0)
        if (known?.isFree === isFree && known.path <= path) continue
        first.set(key, { group: file, path, isFree })
      }
    }
    return [...first.values()].map(({ group }) => group)
  }

  private *candidates({ units, trees }: Wanted): Generator<Candidate> {
    for (const unit of units) {
      const { directory, part, source } = unit
      const groups = (): Group[] => this.grouping.groupsOf(unit)
      yield { device: part.tree.device, source, path: directory.path, groups }
    }
    const { linkModes: modes } = this
    for (const { directory, device, source } of trees) {
      // Nothing is known of one of its files that does not hold for all.
      const groups = (): Group[] =>
        [...unitsOf(directory.copy(), source)].flatMap((unit) => {
          const { files: positions } = byOrigin(unit)
          return positions.length === 0 ? [] : [{ ...unit, positions, device, modes, steps: [] }]
        })
      yield { device, source, path: directory.path, groups }
    }
  }

  /** A refusal that holds for the whole pair of file systems, or undefined. Throws a real error. */
  private async tryMode(mode: LinkMode, file: Group, scratch: Place): Promise<Refusal | undefined> {
    const { part, positions } = file
    const [position = 0] = positions
    const { place, name } = part.tree.fileAt(part.picks[position] as number)
    const job = { from: place, names: [name], to: scratch, toNames: ['try'] }
    const outcomes = await this.attempt.run(mode, [job], false)
    const number = outcomes.errnos[0] ?? 0
    if (number === 0) {
      const tried = [{ to: scratch, names: ['try'] }]
      throwIfFailed(tried, await this.host.unlink(tried))
      return undefined
    }
    const refusal = this.attempt.refusal(mode, file, position, outcomes, 0)
    const meaning = meaningOf(mode, number, refusal.syscall)
    if (meaning === 'fatal') throw this.attempt.error(file, position, refusal)
    return meaning === 'never' ? refusal : undefined
  }
}

/** Files that lie in one directory of dest. */
interface Candidate {
  readonly device: TreeDirectory['device']
  readonly source: string
  readonly path: string
  readonly groups: () => Iterable<Group>
}

/** All that is in a directory. */
function* unitsOf(directory: PlanDirectory, source: string): Generator<Unit> {
  for (const each of preOrder(directory, ({ directories }) => directories.values())) {
    for (const part of each.parts) {
      yield { directory: each, part, source, positions: upTo(part.picks.length) }
    }
  }
}
