import { isWide, type Summary } from '../lib/bench/statistics'

/** The median, marked if the rounds lie far apart. */
export function spread(summary: Summary | null, format: (value: number) => string): string {
  if (summary === null) return '–'
  return format(summary.median) + (summary.median !== 0 && isWide(summary) ? ' ~' : '')
}
