import { compare, findRow, times } from './comparison'
import { describeDisk } from './disk-words'
import { counted, formatBytes, formatMs, formatSize } from './format'
import { titles } from './titles'
import type { Conclusion, Row } from './result'
import { fewestRounds } from './statistics'
import { workerConclusion } from './worker-words'

/** What the rounds let one say, and what they do not. */
export function conclude(rows: readonly Row[], rounds: number): Conclusion[] {
  if (rounds < fewestRounds) {
    const text = `Nothing can be concluded from ${counted(rounds, 'round')}: ${String(fewestRounds)} are the least.`
    return [{ about: 'time', certain: false, text }]
  }
  const settled = rows.filter(({ state }) => state === 'settled')
  return [
    ...bySize(settled),
    ...breakEven(settled),
    ...disk(settled),
    ...byTree(settled),
    ...fresh(rows),
    ...workerConclusion(settled),
    ...removal(settled),
    ...node(settled),
  ]
}

/** Clone against copy, of the biggest files. */
function bySize(rows: readonly Row[]): Conclusion[] {
  const size = biggestSize(rows)
  const clone = findRow(rows, { work: 'sizes', method: 'clone', size })
  const copy = findRow(rows, { work: 'sizes', method: 'copy', size })
  if (size === null || copy === undefined) return []
  if (clone === undefined) {
    const failed = rows.find(({ method, failed }) => method === 'clone' && failed !== null)?.failed
    return [{ about: 'time', certain: true, text: `Nothing can be cloned here: ${failed ?? ''}.` }]
  }
  const { ratio, verdict } = compare(copy, clone)
  const each = `A file of ${formatSize(size)}: cloned in ${time(clone)}, copied in ${time(copy)}`
  return [
    verdict === 'more'
      ? { about: 'time', certain: true, text: `${each}; cloning is faster by ${times(ratio)}.` }
      : verdict === 'less'
        ? { about: 'time', certain: true, text: `${each}; copying takes ${times(ratio)} of it.` }
        : unclear('time', each, times(ratio)),
  ]
}

/** From which size on cloning is faster. */
function breakEven(rows: readonly Row[]): Conclusion[] {
  const sizes = [...new Set(rows.map(({ size }) => size).filter((size) => size !== null))]
  let from: number | null = null
  for (const size of sizes.sort((a, b) => b - a)) {
    const clone = findRow(rows, { work: 'sizes', method: 'clone', size })
    const copy = findRow(rows, { work: 'sizes', method: 'copy', size })
    if (clone === undefined || copy === undefined) return []
    if (compare(copy, clone).verdict !== 'more') break
    from = size
  }
  if (from === null) return []
  const smallest = from === 0 || from === sizes.findLast((size) => size > 0)
  const text = smallest
    ? 'Cloning is faster than copying in every round, of files of every size that are not empty.'
    : `Cloning is faster than copying from ${formatSize(from)} on, in every round; below that not in every one.`
  return [{ about: 'time', certain: true, text }]
}

function disk(rows: readonly Row[]): Conclusion[] {
  const size = biggestSize(rows)
  return (['clone', 'hardlink', 'copy'] as const).flatMap((method) => {
    const row = findRow(rows, { work: 'sizes', method, size })
    return row === undefined ? [] : [describeDisk(row, titles[method])]
  })
}

/** Each link mode against copy, for the tree. */
function byTree(rows: readonly Row[]): Conclusion[] {
  const tree = { work: 'tree', workers: null } as const
  const copy = findRow(rows, { ...tree, method: 'copy' })
  if (copy === undefined) return []
  return (['clone', 'hardlink'] as const).flatMap((method): Conclusion[] => {
    const row = findRow(rows, { ...tree, method })
    if (row === undefined) return []
    const { ratio, verdict } = compare(copy, row)
    const each =
      `The tree (${counted(row.files, 'file')}, ${formatBytes(row.bytes)}) by ${titles[method]}: ` +
      `${time(row)}, and ${formatMs(row.syncMs?.median ?? 0)} until it is on disk; ` +
      `by copy: ${time(copy)} and ${formatMs(copy.syncMs?.median ?? 0)}`
    if (verdict === 'unclear') return [unclear('tree', each, times(ratio))]
    return [
      { about: 'tree', certain: true, text: `${each}. A copy takes ${times(ratio)} its time.` },
    ]
  })
}

/** What it costs to clone what is not on disk yet. */
function fresh(rows: readonly Row[]): Conclusion[] {
  const tree = { work: 'tree', method: 'clone', workers: null } as const
  const from = findRow(rows, { ...tree, state: 'fresh' })
  const settled = findRow(rows, { ...tree, state: 'settled' })
  if (from === undefined || settled === undefined) return []
  const { ratio, verdict } = compare(from, settled)
  const each = `Cloning a tree that was written a moment ago: ${time(from)}; that has long been on disk: ${time(settled)}`
  if (verdict === 'unclear') return [unclear('fresh', each, times(ratio))]
  const why = verdict === 'more' ? ', as it has to be written out first' : ''
  return [{ about: 'fresh', certain: true, text: `${each}: ${times(ratio)}${why}.` }]
}

function removal(rows: readonly Row[]): Conclusion[] {
  const tree = { work: 'tree', workers: null } as const
  const clone = findRow(rows, { ...tree, method: 'clone' })
  const copy = findRow(rows, { ...tree, method: 'copy' })
  if (clone === undefined || copy === undefined) return []
  const { ratio, verdict } = compare(copy, clone, ({ removeMs }) => removeMs)
  const each =
    `Removing the tree: clones ${formatMs(clone.removeMs?.median ?? 0)}, ` +
    `copies ${formatMs(copy.removeMs?.median ?? 0)}`
  if (verdict === 'unclear') return [unclear('removal', each, times(ratio))]
  return [{ about: 'removal', certain: true, text: `${each}: ${times(ratio)}.` }]
}

/** Whether Node's copy is one. */
function node(rows: readonly Row[]): Conclusion[] {
  const size = biggestSize(rows)
  const row = findRow(rows, { work: 'sizes', method: 'fs.copyFile', size })
  if (row?.blocks !== 'shared') return []
  const text =
    'fs.copyFile and fs.cp share blocks here, too: they ask the kernel to copy, and this file system answers with a clone. ' +
    'They do not tell, and elsewhere they copy.'
  return [{ about: 'node', certain: true, text }]
}

function biggestSize(rows: readonly Row[]): number | null {
  const sizes = rows.map(({ size }) => size).filter((size) => size !== null)
  return sizes.reduce<number | null>((most, size) => Math.max(most ?? size, size), null)
}

/** Of one file; of the tree: of all. */
function time({ ms, files, work }: Row): string {
  return formatMs((ms?.median ?? NaN) / (work === 'sizes' ? files : 1))
}

function unclear(about: Conclusion['about'], text: string, ratio: string): Conclusion {
  return {
    about,
    certain: false,
    text: `${text}. Which is less cannot be told: the rounds contradict each other, ${ratio}.`,
  }
}
