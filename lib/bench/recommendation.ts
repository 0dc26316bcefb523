import { compare, findRow, times } from './comparison'
import { counted, formatBytes, formatMs } from './format'
import type { Recommendation, Row } from './result'
import { fewestRounds } from './statistics'

/** Which link modes are right on this disk, and the figures that it rests on. */
export function recommend(rows: readonly Row[], rounds: number): Recommendation {
  if (rounds < fewestRounds) {
    const text = `None, from ${counted(rounds, 'round')}.`
    return { linkModes: null, text }
  }
  const tree = { work: 'tree', state: 'settled', workers: null } as const
  const [clone, hardlink, copy] = (['clone', 'hardlink', 'copy'] as const).map((method) =>
    findRow(rows, { ...tree, method }),
  )
  if (copy === undefined) return { linkModes: null, text: 'None: not even copying works here.' }
  if (clone !== undefined) return forClones(clone, hardlink, copy)
  if (hardlink === undefined) {
    return { linkModes: ['copy'], text: 'copy: neither clones nor hard links work here.' }
  }
  const text =
    'hardlink, else copy, if nobody edits in dest what is in the store, as a hard link is the same file; else copy. ' +
    `Nothing can be cloned here. ${against(hardlink, copy, 'A hard link')}`
  return { linkModes: ['hardlink', 'copy'], text }
}

function forClones(clone: Row, hardlink: Row | undefined, copy: Row): Recommendation {
  const parts = [
    'clone, else copy, which is the default: each file is its own.',
    against(clone, copy, 'A clone'),
  ]
  if (hardlink !== undefined) {
    const { ratio, verdict } = compare(clone, hardlink)
    if (verdict === 'more') {
      parts.push(
        `Hard links are faster still, a clone takes ${times(ratio)} their time; but an edit in dest would be one in the store.`,
      )
    }
  }
  return { linkModes: ['clone', 'copy'], text: parts.join(' ') }
}

/** Time and disk beside a copy. */
function against(row: Row, copy: Row, what: string): string {
  const { ratio, verdict } = compare(copy, row)
  const [own, other] = [row, copy].map(({ ms }) => formatMs(ms?.median ?? NaN))
  const took = `of the tree takes ${own ?? ''}, a copy ${other ?? ''}`
  const time = {
    more: `${what} ${took}: ${times(ratio)}`,
    less: `${what} ${took}, which is less: ${times(ratio)}`,
    unclear: `Which is faster the rounds do not agree on: ${what.toLowerCase()} ${took}`,
  }[verdict]
  if (row.disk === null || copy.disk === null) return `${time}.`
  const [less, more] = [formatBytes(row.disk.median), formatBytes(copy.disk.median)]
  return `${time}; on disk it takes ${less}, a copy ${more}.`
}
