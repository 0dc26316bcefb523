import { chosen } from './chosen.mjs'

/** @typedef {import('../../bench/result.mjs').Result} Result */

const width = 760
const names = 250
const figures = 130
const bar = { height: 14, step: 24 }
const longest = width - names - figures

/**
 * Time to place the packages of the benchmark, a bar a subject, fastest first, a part for each file system.
 * @param {unknown} measured what `npm run bench -- --save` writes
 * @returns {string} SVG that follows the reader's light or dark theme
 * @throws {Error} if it is something else, or holds none of the subjects
 */
export function picture(measured) {
  const result = asResult(measured)
  const volumes = result.volumes
    .map(({ kind, rows }) => ({ kind, rows: chosen(rows) }))
    .filter(({ rows }) => rows.length > 0)
  if (volumes.length === 0) throw new Error('The result has none of the subjects of the picture')
  const { corpus, rounds, machine, date } = result
  const title = `Time to place ${count(corpus.packages)} npm packages (${count(corpus.files)} files)`
  const note =
    `Medians of ${count(rounds)} rounds, lines from the least to the most; settled source, ` +
    `${String(machine.cores)} cores, Linux ${machine.kernel}, ${date.slice(0, 10)}`

  let y = 30
  const parts = [text(0, y - 8, title, 'title')]
  for (const { kind, rows } of volumes) {
    y += 26
    parts.push(text(0, y, spelled.get(kind) ?? kind, 'part'))
    y += 12
    const most = Math.max(...rows.map(({ ms }) => ms.max))
    for (const row of rows) {
      parts.push(...drawn(row, y, longest / most))
      y += bar.step
    }
  }
  y += 18
  parts.push(text(0, y, note, 'note'))
  const label = [title, ...volumes.map((volume) => spoken(volume))].join('. ')
  return svg(y + 10, label, parts)
}

const spelled = new Map([
  ['btrfs', 'Btrfs'],
  ['xfs', 'XFS'],
])

/**
 * @param {unknown} measured
 * @returns {Result}
 */
function asResult(measured) {
  const result = /** @type {Partial<Result> | null} */ (measured)
  if (!Array.isArray(result?.volumes) || result.corpus === undefined) {
    throw new Error('This is no result of `npm run bench -- --save`')
  }
  return /** @type {Result} */ (result)
}

/**
 * @param {import('./chosen.mjs').Chosen} row
 * @param {number} y
 * @param {number} scale pixels a millisecond
 */
function drawn({ name, own, ms }, y, scale) {
  const middle = y + bar.height / 2
  const [end, from, to] = [ms.median, ms.min, ms.max].map((value) => names + value * scale)
  return [
    text(names - 10, y + 11, name, own ? 'name own' : 'name'),
    `<rect class="${own ? 'bar own' : 'bar'}" x="${names}" y="${y}" width="${fixed(ms.median * scale)}" height="${bar.height}" rx="2"/>`,
    `<path class="spread" d="M${fixed(from)} ${middle}H${fixed(to)}"/>`,
    text(Math.max(end ?? 0, to ?? 0) + 8, y + 11, seconds(ms.median), own ? 'value own' : 'value'),
  ]
}

/** @param {{ kind: string, rows: import('./chosen.mjs').Chosen[] }} volume */
function spoken({ kind, rows }) {
  const all = rows.map(({ name, ms }) => `${name} ${seconds(ms.median)}`).join(', ')
  return `${spelled.get(kind) ?? kind}: ${all}`
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} kind
 */
function text(x, y, content, kind) {
  return `<text class="${kind}" x="${fixed(x)}" y="${fixed(y)}">${escaped(content)}</text>`
}

/**
 * @param {number} height
 * @param {string} label
 * @param {readonly string[]} parts
 */
function svg(height, label, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(label)}">
<style>
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.part { font-weight: 600 }
.name { text-anchor: end }
.own { font-weight: 600 }
.note { font-size: 11px; fill: #59636e }
.bar { fill: #afb8c1 }
.bar.own { fill: #1f6fd1 }
.spread { stroke: #59636e; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .bar { fill: #484f58 }
  .bar.own { fill: #6cb0ff }
  .spread { stroke: #c9d1d9 }
}
</style>
${parts.join('\n')}
</svg>
`
}

/** @param {string} content */
function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

/** @param {number} ms */
function seconds(ms) {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** @param {number} n */
function count(n) {
  return n.toLocaleString('en')
}

/** @param {number | undefined} n */
function fixed(n) {
  return (n ?? 0).toFixed(1)
}
