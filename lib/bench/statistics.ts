/** Of all rounds. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** null of no values. */
export function summarize(values: readonly number[]): Summary | null {
  const sorted = [...values].sort((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return null
  const middle = (sorted.length - 1) / 2
  const [low = min, high = max] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]]
  return { median: (low + high) / 2, min, max }
}

/** Each value divided by the one of the same round, so that what the machine did in a round cancels out. */
export function ratios(values: readonly number[], others: readonly number[]): Summary | null {
  return summarize(values.map((value, round) => value / (others[round] ?? NaN)))
}

/** Fewer rounds let nobody conclude anything. */
export const fewestRounds = 3

// Of the median, from the least to the most.
const widest = 0.3

/** Is it spread too widely to say how much? The direction may still be right. */
export function isWide({ median, min, max }: Summary): boolean {
  return (max - min) / Math.abs(median) > widest
}

/** What a ratio of so many rounds lets one say: a direction only where every round has it. */
export function verdict(ratio: Summary | null, rounds: number): 'more' | 'less' | 'unclear' {
  if (ratio === null || rounds < fewestRounds || Number.isNaN(ratio.median)) return 'unclear'
  if (ratio.min > 1) return 'more'
  return ratio.max < 1 ? 'less' : 'unclear'
}
