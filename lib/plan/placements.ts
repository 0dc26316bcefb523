import { errnoName } from '../errno'
import type { Fallback, LinkMode } from '../types'

/** A file went from one link mode to the next, because of what the kernel said. */
export interface Step {
  readonly from: LinkMode
  readonly to: LinkMode
  /** Positive. */
  readonly errno: number
  readonly syscall: string
}

/** How an entry was put into the staging directory: `link` is a symlink of its source. */
export interface Placement {
  readonly how: LinkMode | 'link'
  /** The modes that it did not take, and why. */
  readonly steps: readonly Step[]
}

/** The placements that occurred, by number: few, however many files there are. 0 is none. */
export class Placements {
  private readonly list: (Placement | undefined)[] = [undefined]
  private readonly numbers = new Map<string, number>()

  numberOf(how: Placement['how'], steps: readonly Step[] = []): number {
    let key: string = how
    for (const { from, to, errno, syscall } of steps) key += ` ${from} ${to} ${errno} ${syscall}`
    let number = this.numbers.get(key)
    if (number === undefined) {
      number = this.list.push({ how, steps }) - 1
      this.numbers.set(key, number)
    }
    return number
  }

  of(number: number): Placement | undefined {
    return this.list[number]
  }
}

/** Counts the files that took another mode than the one before, by the reason. */
export class FallbackCount {
  private readonly reasons = new Map<string, Fallback>()

  /** Files in a directory of dest; the paths of the first of them are asked for where they may be the example. */
  add(
    { steps }: Placement,
    files: number,
    directory: string,
    first: () => { path: string; dest: string },
  ): void {
    for (const { from, to, errno, syscall } of steps) {
      const key = `${from} ${to} ${errno} ${syscall}`
      const known = this.reasons.get(key)
      if (known === undefined) {
        const code = errnoName(errno)
        this.reasons.set(key, { from, to, code, errno: -errno, syscall, ...first(), files })
        continue
      }
      known.files += files
      // The first by name, not by time, is the example: the report must not depend on timing.
      if (known.dest <= directory) continue
      const { path, dest } = first()
      if (dest < known.dest) Object.assign(known, { path, dest })
    }
  }

  get list(): Fallback[] {
    return [...this.reasons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, fallback]) => fallback)
  }
}
