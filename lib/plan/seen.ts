import { identityLength } from '../host/host'

// Kernels stamp changes with a clock that ticks every 1 to 10 ms; some file systems keep whole 10 ms, 1 s or 2 s only.
const coarsestTick = 10_000_000n
const rest = 100

/** What entries of a directory were when they were looked at. */
export class Seen {
  // In halves, since every 64-bit number that JavaScript reads is an object of its own.
  private readonly halves: Uint32Array

  /** `at`: when the look began, in ms since 1970. */
  constructor(
    private readonly identities: BigUint64Array,
    private readonly at: number,
  ) {
    const { buffer, byteOffset, length } = identities
    this.halves = new Uint32Array(buffer, byteOffset, 2 * length)
  }

  /** Is an entry the same inode in the same state as one of an earlier look? */
  isAsIn(before: Seen | undefined, entry: number, earlier = entry): boolean {
    if (before === undefined) return false
    const width = 2 * identityLength
    for (let i = 0; i < width; i++) {
      if (this.halves[entry * width + i] !== before.halves[earlier * width + i]) return false
    }
    return true
  }

  /**
   * Had the entry last changed so long before the look that any later change has given it other times? Two changes
   * within one tick of the clock have the same.
   */
  wasAtRest(entry: number): boolean {
    const ctime = this.identities[entry * identityLength + identityLength - 1] ?? 0n
    return ctime % coarsestTick !== 0n && Number(ctime / 1_000_000n) < this.at - rest
  }
}
