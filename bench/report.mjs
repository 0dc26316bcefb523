import { isWide, ratios, summarize, verdict } from './statistics.mjs'
import { count, duration, durations, megabytes, range, table } from './table.mjs'

/** @typedef {import('./rounds.mjs').Row} Row */
/** @typedef {import('./result.mjs').Result} Result */

const head = [...['', 'time', 'sync', 'user', 'system', 'memory', 'blocks', 'ratio', '']]

/**
 * The result as text.
 * @param {Result} result
 */
export function report(result) {
  const { machine, date, versions, corpus, rounds, volumes } = result
  const lines = [
    `${count(corpus.packages)} packages, ${count(corpus.files)} files, ${megabytes(corpus.bytes)}; ` +
      `medians (least–most) of rounds: ${rounds}`,
    `${machine.cpu}, ${machine.cores} cores, ${megabytes(machine.memory)}, Linux ${machine.kernel}, ${date}; ` +
      `load before ${machine.load.toFixed(1)}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  ]
  for (const { kind, rows } of volumes) {
    for (const group of new Set(rows.map((row) => row.group))) {
      const members = rows.filter((row) => row.group === group)
      lines.push('', `${kind}: ${group}`, table(head, members.map(cells)))
      lines.push(...floorLines(members))
    }
    lines.push(...failures(rows))
  }
  return [...lines, '', ...legend, ''].join('\n')
}

const legend = [
  'time    * of the whole process; the others: of the work alone, with the library loaded',
  'sync    after that, until all is on disk',
  'memory  the most that was resident, Node itself included',
  'blocks  of the biggest file in dest: its own, shared with its source, or linked to it',
  'ratio   per round, to reflink-merge in the same mode; for one package, to the same into an empty dest',
  'unclear the rounds contradict each other',
  '~       from least to most is more than 30 % of the median: take no figure from it',
]

/** @param {Row} row */
function cells(row) {
  const { id, against, ms, ratio, rounds, blocks } = row
  const median = (/** @type {(round: Row['rounds'][number]) => number} */ of) =>
    summarize(rounds.map(of)).median
  const isMeasure = id === against
  return [
    row.counts === 'process' ? `${row.title} *` : row.title,
    row.failed === null ? durations(ms) + (isWide(ms) ? ' ~' : '') : 'failed',
    duration(median(({ syncMs }) => syncMs)),
    duration(median(({ user }) => user)),
    duration(median(({ system }) => system)),
    megabytes(median(({ peak }) => peak)),
    blocks ?? '',
    isMeasure ? '1' : range(ratio),
    isMeasure || row.failed !== null ? '' : verdict(ratio, rounds.length),
  ]
}

/**
 * The ratio the other way round, as the floor is what reflink-merge is to come close to.
 * @param {readonly Row[]} rows
 */
function floorLines(rows) {
  return rows
    .filter(({ id, failed }) => id.startsWith('floor-') && failed === null)
    .map((floor) => {
      const merge = rows.find(({ id }) => id === floor.against)
      const [above, below] = [merge, floor].map((row) => row?.rounds.map(({ ms }) => ms) ?? [])
      const ratio = summarize(ratios(above ?? [], below ?? []))
      return `reflink-merge takes ${range(ratio)} × the floor's time${isWide(ratio) ? ' ~' : ''}`
    })
}

/** @param {readonly Row[]} rows */
function failures(rows) {
  return rows.flatMap(({ title, failed }) => (failed === null ? [] : [`${title}: ${failed}`]))
}
