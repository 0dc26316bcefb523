import { fewestRounds } from './statistics.mjs'
import { duration, range, table } from './table.mjs'

/** @typedef {import('./result.mjs').Result} Result */
/** @typedef {import('./rounds.mjs').Row} Row */
/** @typedef {import('./statistics.mjs').Summary} Summary */

// Times of other work, or of another machine, say nothing.
const decisive = new Set(['machine', 'corpus'])

const head = ['', 'time before', 'time now', 'change', 'ratio before', 'ratio now', 'says']

/**
 * The change of each subject that both results have, as text.
 * @param {Result} now
 * @param {Result} before
 */
export function comparison(now, before) {
  const lines = [`Beside the result of ${before.date}:`]
  const differing = differences(now, before)
  for (const { name, text } of differing) lines.push(`  other ${name}: ${text}`)
  const alike = !differing.some(({ name }) => decisive.has(name))
  for (const { kind, rows } of now.volumes) {
    const others = before.volumes.find((volume) => volume.kind === kind)?.rows ?? []
    const pairs = rows.flatMap((row) => {
      const other = others.find(({ id }) => id === row.id)
      return other === undefined || row.failed !== null || other.failed !== null
        ? []
        : [cells(row, other, alike)]
    })
    if (pairs.length > 0) lines.push('', kind, table(head, pairs))
  }
  return `${lines.join('\n')}\n`
}

/**
 * @param {Row} now
 * @param {Row} before
 * @param {boolean} alike
 */
function cells(now, before, alike) {
  const change = (now.ms.median / before.ms.median - 1) * 100
  return [
    now.id,
    duration(before.ms.median),
    duration(now.ms.median),
    `${change > 0 ? '+' : ''}${change.toFixed(0)} %`,
    range(before.ratio),
    range(now.ratio),
    alike ? verdictOf(now, before) : 'not comparable',
  ]
}

/**
 * @param {Row} now
 * @param {Row} before
 */
function verdictOf(now, before) {
  if (Math.min(now.rounds.length, before.rounds.length) < fewestRounds)
    return `rounds < ${fewestRounds}`
  if (overlap(now.ms, before.ms)) return 'within the spread'
  return now.ms.median < before.ms.median ? 'faster' : 'slower'
}

/**
 * @param {Summary} one
 * @param {Summary} other
 */
function overlap(one, other) {
  return one.min <= other.max && other.min <= one.max
}

/**
 * What makes times incomparable; ratios may still tell something.
 * @param {Result} now
 * @param {Result} before
 */
function differences(now, before) {
  /** @param {Result} result */
  const facts = ({ machine, versions, corpus }) => ({
    machine: `${machine.cpu}, ${machine.cores} cores`,
    kernel: machine.kernel,
    corpus: `${corpus.files} files`,
    ...versions,
  })
  const old = /** @type {Record<string, string>} */ (facts(before))
  return Object.entries(facts(now))
    .filter(([name, value]) => old[name] !== value)
    .map(([name, value]) => ({ name, text: `${old[name] ?? 'none'} then, ${value} now` }))
}
