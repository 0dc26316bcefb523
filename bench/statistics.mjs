/** @typedef {{ median: number, min: number, max: number }} Summary */

/**
 * @param {readonly number[]} values
 * @returns {Summary}
 */
export function summarize(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const [low = NaN, high = NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]]
  return { median: (low + high) / 2, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN }
}

/**
 * Each value divided by the one of the same round: what the machine did in a round cancels out.
 * @param {readonly number[]} values
 * @param {readonly number[]} others
 */
export function ratios(values, others) {
  return values.map((value, round) => value / (others[round] ?? NaN))
}

/** Fewer rounds let nobody conclude anything. */
export const fewestRounds = 3
// Of the median, from the least to the most.
const widest = 0.3

/**
 * @param {Summary} summary
 * @returns {boolean} whether it is spread too widely to say how much
 */
export function isWide({ median, min, max }) {
  return (max - min) / median > widest
}

/**
 * What a ratio of so many rounds lets one say.
 * @param {Summary} ratio
 * @param {number} rounds
 */
export function verdict(ratio, rounds) {
  if (rounds < fewestRounds) return `rounds < ${fewestRounds}`
  if (ratio.min <= 1 && ratio.max >= 1) return 'unclear'
  return (ratio.median > 1 ? 'slower' : 'faster') + (isWide(ratio) ? ' ~' : '')
}
