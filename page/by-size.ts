import { findRow } from '../lib/bench/comparison'
import { formatBytes, formatMs, formatSize, rounded } from '../lib/bench/format'
import { methods, type Row, type SourceState } from '../lib/bench/result'
import { summarize, type Summary } from '../lib/bench/statistics'
import { titles } from '../lib/bench/titles'
import { chart, type AxisSpec } from './chart'
import { element, table } from './dom'
import { spread } from './spread'

/** Something that was measured for each file size. */
export interface Quantity {
  readonly title: string
  readonly what: string
  readonly states: readonly SourceState[]
  /** Of one file. */
  readonly of: (row: Row) => Summary | null
  readonly format: (value: number) => string
  readonly scale: AxisSpec['scale']
  readonly splits?: readonly number[]
}

const eachFile =
  (of: (row: Row) => Summary | null) =>
  (row: Row): Summary | null => {
    const all = of(row)
    if (all === null) return null
    const { median, min, max } = all
    return { median: median / row.files, min: min / row.files, max: max / row.files }
  }

const logarithmic = { kind: 'log', base: 10 } as const
const fromZero = { kind: 'asinh', linear: 1000 } as const
const powers = [0, ...[3, 4, 5, 6, 7, 8, 9].map((power) => 10 ** power)]

export const quantities: readonly Quantity[] = [
  {
    ...{ title: 'Time', what: 'time of one file', states: ['settled', 'fresh'] },
    ...{ of: eachFile(({ ms }) => ms), format: formatMs, scale: logarithmic },
  },
  {
    ...{ title: 'Throughput', what: 'MB a second', states: ['settled', 'fresh'] },
    of: (row) => (row.size === 0 ? null : row.megabytesPerSecond),
    ...{ format: rounded, scale: logarithmic },
  },
  {
    ...{ title: 'Disk used', what: 'disk used by one file', states: ['settled'] },
    ...{ of: eachFile(({ disk }) => disk), format: formatBytes, scale: fromZero, splits: powers },
  },
  {
    ...{ title: 'Removal', what: 'time to remove one file', states: ['settled'] },
    ...{ of: eachFile(({ removeMs }) => removeMs), format: formatMs, scale: logarithmic },
  },
]

/** Chart and table of a quantity over file size. */
export function bySize(rows: readonly Row[], quantity: Quantity, state: SourceState): HTMLElement {
  const { what, of, format, scale, splits } = quantity
  const measured = rows.filter((row) => row.work === 'sizes' && row.state === state)
  const sizes = [...new Set(measured.map(({ size }) => size ?? 0))].sort((a, b) => a - b)
  const valueOf = (method: Row['method'], size: number): Summary | null => {
    const row = findRow(measured, { method, size })
    return row === undefined ? null : of(row)
  }
  const lines = new Map(
    methods
      .map((method) => [method, sizes.map((size) => valueOf(method, size))] as const)
      .filter(([, values]) => values.some((value) => value !== null)),
  )
  const source = state === 'fresh' ? 'source written a moment ago' : 'settled source'
  const title = `${what.charAt(0).toUpperCase()}${what.slice(1)}, by file size, ${source}`
  const all = [...lines.values()].flat().filter((value) => value !== null)
  const most = summarize(all.map(({ max }) => max))?.max ?? 0
  return element(
    'div',
    { class: 'pair' },
    chart({
      ...{ label: `${title}: a line chart; the table beside it has the figures`, xs: sizes, lines },
      x: {
        label: 'file size',
        scale: { kind: 'asinh', linear: 1024 },
        ...{ splits: sizes, format: formatSize },
      },
      y: {
        ...{ label: what, scale, format },
        ...(splits === undefined ? {} : { splits: splits.filter((split) => split <= 2 * most) }),
      },
    }),
    table(
      title,
      ['', ...[...lines.keys()].map((method) => titles[method])],
      sizes.map((size) => [
        formatSize(size),
        ...[...lines.keys()].map((method) => spread(valueOf(method, size), format)),
      ]),
    ),
  )
}
