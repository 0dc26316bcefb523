import { compare, times } from './comparison'
import { titles } from './titles'
import type { Conclusion, Method, Row } from './result'

/** How many workers pay off: the fewest that no greater number beats in every round. */
export function workerConclusion(rows: readonly Row[]): Conclusion[] {
  const method = (['clone', 'hardlink', 'copy'] as const).find((each) => of(rows, each).length > 1)
  if (method === undefined) return []
  const counts = of(rows, method)
  const [one] = counts
  const best = counts.find((row, index) =>
    counts.slice(index + 1).every((more) => compare(row, more).verdict !== 'more'),
  )
  if (one === undefined || best === undefined) return []
  const most = String(counts.at(-1)?.workers ?? 0)
  const by = `The tree by ${titles[method]}`
  if (best === one) {
    const text = `${by}: no number of workers up to ${most} is faster than one in every round.`
    return [{ about: 'workers', certain: true, text }]
  }
  const { ratio, verdict } = compare(one, best)
  const text = `${by}: ${String(best.workers)} workers, where one alone takes ${times(ratio)} the time; more, up to ${most}, bring nothing that all rounds agree on.`
  return [{ about: 'workers', certain: verdict !== 'unclear', text }]
}

function of(rows: readonly Row[], method: Method): Row[] {
  return rows
    .filter((row) => row.work === 'tree' && row.method === method && row.rounds.length > 0)
    .filter(({ workers }) => workers !== null)
    .sort((a, b) => (a.workers ?? 0) - (b.workers ?? 0))
}
