import { firstOf } from './errors'

/**
 * Runs the work that `next` starts, up to `concurrencyLimit` at once, until `next` has none and none runs.
 * After a failure or an abort nothing new starts; the promise settles when the last has ended, and
 * rejects with the first failure (`.errors` has all).
 */
export function runLimited(
  concurrencyLimit: number,
  signal: AbortSignal | undefined,
  next: () => Promise<void> | undefined,
): Promise<void> {
  let running = 0
  const errors: unknown[] = []
  return new Promise((resolve, reject) => {
    const fill = (): void => {
      while (running < concurrencyLimit && errors.length === 0) {
        let work: Promise<void> | undefined
        try {
          signal?.throwIfAborted()
          work = next()
        } catch (error) {
          errors.push(error)
        }
        if (work === undefined) break
        running++
        work
          .catch((error: unknown) => errors.push(error))
          .finally(() => {
            running--
            fill()
          })
      }
      if (running > 0) return
      if (errors.length === 0) resolve()
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort's reason may be anything
      else reject(firstOf(errors))
    }
    fill()
  })
}

/** Runs the work on each item, in their order, up to `concurrencyLimit` at once. */
export function forEachLimited<T>(
  concurrencyLimit: number,
  signal: AbortSignal | undefined,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values()
  return runLimited(concurrencyLimit, signal, () => {
    const next = left.next()
    return next.done === true ? undefined : work(next.value)
  })
}

/** Items in groups: one is full as soon as its items have this weight together, or more. */
export function inGroups<T>(
  items: Iterable<T>,
  weightOf: (item: T) => number,
  full: number,
): T[][] {
  const groups: T[][] = []
  let room = 0
  for (const item of items) {
    if (room <= 0) {
      groups.push([])
      room = full
    }
    groups.at(-1)?.push(item)
    room -= weightOf(item)
  }
  return groups
}
