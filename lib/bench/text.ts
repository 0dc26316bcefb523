import { findRow } from './comparison'
import { counted, formatBytes, formatCount, formatMs, formatSize, rounded } from './format'
import { methods, type BenchResult, type Method, type Row } from './result'
import { isWide, type Summary } from './statistics'
import { bars, type Bar } from './text-bars'
import { paragraph, table, wrapped } from './text-table'
import { titles } from './titles'

/** The result for people, in lines of at most so many columns (80 at least). */
export function describeBench(result: BenchResult, width: number): string {
  const { rows, conclusions, recommendation } = result
  const sections = [
    wrapped(heading(result), width),
    'Time of one file, settled source, one after the other:\n' + bySize(rows, 'settled', time),
    'The same, source written a moment ago:\n' + bySize(rows, 'fresh', time),
    'Disk used by one file, names and all, settled source:\n' + bySize(rows, 'settled', disk),
    'The package tree, settled source:\n' + byMethod(rows),
    'Files a second, the package tree:\n' + speeds(rows, width),
    wrapped(legend, width),
    `Conclusions:\n${conclusions.map(({ certain, text }) => paragraph(certain ? '•' : '?', text, width)).join('\n')}`,
    `Recommended link modes:\n${paragraph('→', recommendation.text, width)}`,
  ]
  return [...sections, ...failures(rows)].join('\n\n')
}

const legend =
  '~ least and most of the rounds are more than 30 % of the median apart: take no figure from it\n' +
  'sync: after the time, until all is on disk; blocks: of the biggest file'

function heading({ directory, fileSystem, machine, rounds, tree, ...rest }: BenchResult): string {
  const { cpu, cores, release, platform, node, load } = machine
  const what = tree.source ?? 'made like npm packages'
  const lines = [
    `${directory}: ${fileSystem}; ${cpu}, ${String(cores)} cores, ${platform} ${release}, Node ${node}`,
    `Medians of ${counted(rounds, 'round')}${rest.cutShort ? ', ended early by the time limit' : ''}, in ${formatMs(rest.seconds * 1000)}, ${rest.date.slice(0, 10)}`,
    `The package tree: ${what}; ${counted(tree.files, 'file')} in ${counted(tree.directories, 'directory', 'directories')}, ${formatBytes(tree.bytes)}`,
  ]
  if (!machine.addon) lines.push('Without the addon: the library works through node:fs.')
  if (load > cores / 2) lines.push(`The machine was busy (load ${rounded(load)}): trust ratios.`)
  return lines.join('\n')
}

function bySize(
  rows: readonly Row[],
  state: Row['state'],
  cell: (row: Row | undefined) => string,
): string {
  const of = rows.filter((row) => row.work === 'sizes' && row.state === state)
  const sizes = [...new Set(of.map(({ size }) => size ?? 0))]
  return table(
    ['', ...methods.map((method) => titles[method])],
    sizes.map((size) => [
      formatSize(size),
      ...methods.map((method) => cell(findRow(of, { size, method }))),
    ]),
  )
}

function time(row: Row | undefined): string {
  return row === undefined ? '–' : spread(row.ms, (ms) => formatMs(ms / row.files))
}

function disk(row: Row | undefined): string {
  return row === undefined ? '–' : spread(row.disk, (bytes) => formatBytes(bytes / row.files))
}

function byMethod(rows: readonly Row[]): string {
  const head = ['', 'time', 'files/s', 'MB/s', 'system', 'sync', 'disk', 'removal', 'blocks']
  return table(
    head,
    methods.flatMap((method) => {
      const row = tree(rows, method, 'settled', null)
      if (row === undefined) return []
      return [
        [
          ...[titles[method], spread(row.ms, formatMs), spread(row.filesPerSecond, formatCount)],
          ...[spread(row.megabytesPerSecond, rounded), spread(row.system, formatMs)],
          ...[spread(row.syncMs, formatMs), spread(row.disk, formatBytes)],
          ...[spread(row.removeMs, formatMs), row.blocks ?? '?'],
        ],
      ]
    }),
    // So that they have room in 80 columns.
    ' ',
  )
}

function speeds(rows: readonly Row[], width: number): string {
  const all = methods.flatMap((method): Bar[] => {
    const counts = rows.filter((row) => row.work === 'tree' && row.method === method)
    return counts.flatMap(({ filesPerSecond, workers, state }) => {
      if (filesPerSecond === null) return []
      const how = workers === null ? state : `workers: ${String(workers)}`
      const label = spread(filesPerSecond, formatCount)
      return [{ title: `${titles[method]}, ${how}`, value: filesPerSecond.median, label }]
    })
  })
  return bars(all, width)
}

function tree(
  rows: readonly Row[],
  method: Method,
  state: Row['state'],
  workers: number | null,
): Row | undefined {
  return findRow(rows, { work: 'tree', method, state, workers })
}

function spread(summary: Summary | null, format: (value: number) => string): string {
  if (summary === null) return '–'
  return format(summary.median) + (summary.median !== 0 && isWide(summary) ? '~' : '')
}

/** Each reason once. */
function failures(rows: readonly Row[]): string[] {
  const reasons = new Map<string, string>()
  for (const { method, failed } of rows) {
    if (failed !== null && !reasons.has(method)) {
      reasons.set(method, `Not possible here: ${titles[method]}: ${failed}`)
    }
  }
  return [...reasons.values()]
}
