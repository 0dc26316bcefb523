import Table from 'cli-table3'

/**
 * A table whose first column is text and whose others are figures.
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const made = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) made.push([...row])
  return made.toString()
}

/** @param {number} ms */
export function duration(ms) {
  if (Number.isNaN(ms)) return '–'
  return ms < 100 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return Number.isNaN(bytes) ? '–' : `${(bytes / 1e6).toFixed(0)} MB`
}

/**
 * Median, least and most of durations.
 * @param {import('./statistics.mjs').Summary} ms
 */
export function durations(ms) {
  return ms.median < 100 ? `${range(ms, 1)} ms` : `${range(inSeconds(ms), 2)} s`
}

/** @param {import('./statistics.mjs').Summary} ms */
function inSeconds({ median, min, max }) {
  return { median: median / 1000, min: min / 1000, max: max / 1000 }
}

/**
 * Median, least and most.
 * @param {import('./statistics.mjs').Summary} summary
 * @param {number} [digits]
 */
export function range({ median, min, max }, digits = median < 0.1 ? 4 : 2) {
  if (Number.isNaN(median)) return '–'
  const [middle, least, most] = [median, min, max].map((value) => value.toFixed(digits))
  return `${String(middle)} (${String(least)}–${String(most)})`
}

/** @param {number} n */
export function count(n) {
  return n.toLocaleString('en')
}
