/**
 * The staging directories of merges of this thread that are under way: their paths, and the names from where they stand to
 * their dest. Anyone who looks for merges that were killed need not look into these: with many merges at once, each would look
 * into those of all others.
 */
const live = new Map<string, string>()

export function setLive(path: string, prefix: string): void {
  live.set(path, prefix)
}

export function endLive(path: string): void {
  live.delete(path)
}

/** Undefined of all that are not this thread's. */
export function livePrefix(path: string): string | undefined {
  return live.get(path)
}
