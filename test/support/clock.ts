/**
 * Runs `work` while `performance.now()` moves on by `step` ms at every look at it and not otherwise: what is said
 * at most so many times a second is then said at every look, or after so many looks, however fast the machine is.
 * `now` is what the clock told last.
 */
export async function withClock<T>(
  step: number,
  work: (now: () => number) => Promise<T>,
): Promise<T> {
  let time = 0
  const value = (): number => (time += step)
  // Node has it from the prototype, Bun of its own.
  const own = Object.getOwnPropertyDescriptor(performance, 'now')
  Object.defineProperty(performance, 'now', { value, configurable: true })
  try {
    return await work(() => time)
  } finally {
    Reflect.deleteProperty(performance, 'now')
    if (own) Object.defineProperty(performance, 'now', own)
  }
}

/** Runs `work` while `Date.now()` says `ms`: what has just changed then, has, however long the machine has taken since. */
export async function withDate<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const { now } = Date
  Date.now = () => ms
  try {
    return await work()
  } finally {
    Date.now = now
  }
}
