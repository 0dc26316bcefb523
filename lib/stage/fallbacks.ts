import { errnoName } from '../errno'
import type { Fallback, LinkMode } from '../types'
import type { Refusal } from './link-modes'

/** Counts the files that took another mode than the one before, by the reason. */
export class FallbackReport {
  private readonly reasons = new Map<string, Fallback>()

  /** One file goes from the refused mode to `to`. */
  add(refusal: Refusal, to: LinkMode): void {
    const { mode: from, errno, syscall, path, dest } = refusal
    const key = `${from} ${to} ${String(errno)} ${syscall}`
    const known = this.reasons.get(key)
    if (known === undefined) {
      const code = errnoName(errno)
      this.reasons.set(key, { from, to, code, errno: -errno, syscall, path, dest, files: 1 })
      return
    }
    known.files++
    // The first by name, not by time, is the example: the report must not depend on timing.
    if (dest < known.dest) Object.assign(known, { path, dest })
  }

  get list(): Fallback[] {
    return [...this.reasons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, fallback]) => fallback)
  }
}
