/**
 * The staging directories of merges of this thread that are under way, by the number in their names, and the names from where they stand to their
 * dest. Whoever looks for merges that were killed need not look into these: with many merges at once, each would look into
 * those of all others.
 */
const live = new Map<string, string>()

export function setLive(id: string, prefix: string): void {
  live.set(id, prefix)
}

export function endLive(id: string): void {
  live.delete(id)
}

/** Undefined of all that are not this thread's. */
export function livePrefix(id: string): string | undefined {
  return live.get(id)
}
