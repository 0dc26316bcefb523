import { findRow } from '../lib/bench/comparison'
import { formatBytes, formatCount, formatMs, rounded } from '../lib/bench/format'
import { methods, type Row, type SourceState } from '../lib/bench/result'
import { titles } from '../lib/bench/titles'
import { table } from './dom'
import { spread } from './spread'

/** The package tree, a row a method; the bar is the time. */
export function byMethod(rows: readonly Row[], state: SourceState): HTMLElement {
  const of = methods
    .map((method) => findRow(rows, { work: 'tree', method, state, workers: null }))
    .filter((row) => row !== undefined)
  const most = Math.max(...of.map(({ ms }) => ms?.median ?? 0))
  const source = state === 'fresh' ? 'written a moment ago' : 'settled'
  return table(
    `The package tree, source ${source}`,
    [
      '',
      'time',
      'files/s',
      'MB/s',
      'user',
      'system',
      'sync',
      'disk',
      'contents',
      'removal',
      'blocks',
    ],
    of.map((row) => [
      titles[row.method],
      { text: spread(row.ms, formatMs), bar: (row.ms?.median ?? 0) / most },
      ...[spread(row.filesPerSecond, formatCount), spread(row.megabytesPerSecond, rounded)],
      ...[spread(row.user, formatMs), spread(row.system, formatMs), spread(row.syncMs, formatMs)],
      ...[spread(row.disk, formatBytes), spread(row.data, formatBytes)],
      ...[spread(row.removeMs, formatMs), row.blocks ?? '–'],
    ]),
  )
}
