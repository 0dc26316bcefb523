import { debug } from '../debug'
import { errnoName } from '../errno'
import { pathOf, type FileOptions, type Host, type Outcomes, type PairJob } from '../host/host'
import type { LinkMode } from '../types'
import { pathInDest, sourcePath, type Group } from './entries'
import type { Refusal } from './link-modes'
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

/** One link mode tried on files, and what is told of a failure. */
export class Attempt {
  constructor(
    private readonly host: Host,
    private readonly options: PlaceOptions,
  ) {}

  run(mode: LinkMode, jobs: readonly PairJob[], inKernelCopy: boolean): Promise<Outcomes> {
    const { writable, preserveTimestamps: times, dropQuarantine } = this.options
    const options: FileOptions = { writable, times, inKernelCopy, dropQuarantine }
    if (mode === 'clone') return this.host.clone(jobs, options)
    return mode === 'copy' ? this.host.copy(jobs, options) : this.host.hardlink(jobs)
  }

  /** `index`: of the entry in the outcomes. */
  refusal(
    mode: LinkMode,
    unit: Unit,
    position: number,
    { errnos, syscall, inDest }: Outcomes,
    index: number,
  ): Refusal {
    const dest = pathOf({ base: this.options.dest, path: pathInDest(unit, position) })
    return {
      ...{ mode, errno: errnos[index] ?? 0, syscall: syscall(index), dest },
      path: sourcePath(unit, position) ?? dest,
      inDest: inDest?.(index) === true,
    }
  }

  error(unit: Pick<Group, 'modes'> & Unit, position: number, refusal: Refusal): Error {
    return placementError(unit.source, pathInDest(unit, position), unit.modes, refusal)
  }
}

export function debugRefusal(what: string, { mode, errno, syscall, path, dest }: Refusal): void {
  debug('%s, %s: %s from %s, %s -> %s', mode, what, errnoName(errno), syscall, path, dest)
}
