import { formatCount } from '../lib/bench/format'
import { methods, type Method, type Row } from '../lib/bench/result'
import type { Summary } from '../lib/bench/statistics'
import { titles } from '../lib/bench/titles'
import { chart } from './chart'
import { element, table } from './dom'
import { spread } from './spread'

/** Chart and table of files a second over the number of workers. */
export function byWorkers(rows: readonly Row[]): HTMLElement {
  const measured = rows.filter(({ workers, rounds }) => workers !== null && rounds.length > 0)
  const counts = [...new Set(measured.map(({ workers }) => workers ?? 0))].sort((a, b) => a - b)
  const valueOf = (method: Method, count: number): Summary | null => {
    const row = measured.find((each) => each.method === method && each.workers === count)
    return row?.filesPerSecond ?? null
  }
  const shown = methods.filter((method) => measured.some((row) => row.method === method))
  const lines = new Map(
    shown.map((method) => [method, counts.map((count) => valueOf(method, count))] as const),
  )
  const title = 'Files a second, by number of workers, settled source'
  return element(
    'div',
    { class: 'pair' },
    chart({
      ...{
        label: `${title}: a line chart; the table beside it has the figures`,
        xs: counts,
        lines,
      },
      x: { label: 'workers', scale: { kind: 'log', base: 2 }, splits: counts, format: String },
      y: { label: 'files a second', scale: { kind: 'linear' }, format: formatCount },
    }),
    table(
      title,
      ['workers', ...shown.map((method) => titles[method])],
      counts.map((count) => [
        String(count),
        ...shown.map((method) => spread(valueOf(method, count), formatCount)),
      ]),
    ),
  )
}
