import { rounded } from './format'
import type { Measured, Row, Task } from './result'
import { isWide, ratios, verdict, type Summary } from './statistics'

/** How many times as much one row took as another, round by round. */
export interface Comparison {
  readonly ratio: Summary | null
  readonly verdict: 'more' | 'less' | 'unclear'
}

/** Only rows that were measured to the end can be compared. */
export function findRow(rows: readonly Row[], wanted: Partial<Task>): Row | undefined {
  const keys = Object.keys(wanted) as (keyof Task)[]
  return rows.find((row) => row.rounds.length > 0 && keys.every((key) => row[key] === wanted[key]))
}

export function compare(
  row: Row,
  other: Row,
  of: (round: Measured) => number | null = ({ ms }) => ms,
): Comparison {
  const values = (each: Row): number[] => each.rounds.map((round) => of(round) ?? NaN)
  const ratio = ratios(values(row), values(other))
  return { ratio, verdict: verdict(ratio, Math.min(row.rounds.length, other.rounds.length)) }
}

/** A ratio in words: its median, from which to which the rounds go, and `about` where they lie far apart. */
export function times(ratio: Summary | null): string {
  if (ratio === null) return '–'
  const range = `${rounded(ratio.min)} to ${rounded(ratio.max)} in each round`
  return `${isWide(ratio) ? 'about ' : ''}${rounded(ratio.median)} × (${range})`
}
