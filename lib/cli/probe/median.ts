/** Of at least one number. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const low = sorted[Math.floor(middle)] ?? NaN
  const high = sorted[Math.ceil(middle)] ?? NaN
  return (low + high) / 2
}
