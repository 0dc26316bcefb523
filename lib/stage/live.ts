/**
 * The staging directories of merges of this thread that are under way, by name, and the names from where they stand to their
 * dest. Whoever looks for merges that were killed need not look into these: with many merges at once, each would look into
 * those of all others.
 */
const live = new Map<string, string>()

export function setLive(name: string, prefix: string): void {
  live.set(name, prefix)
}

export function endLive(name: string): void {
  live.delete(name)
}

/** Undefined of all that are not this thread's. */
export function livePrefix(name: string): string | undefined {
  return live.get(name)
}
