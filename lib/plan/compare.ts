import { SystemError } from '../errors'
import { pathOf, type Host, type PairJob } from '../host/host'
import { inLanes } from '../lanes'
import type { Claim } from './claims'
import { originOf } from './plan'

/** Compares pairs of files, many at once: true where the bytes are the same. */
export type Compare = (pairs: readonly PairJob[]) => Promise<boolean[]>

const pairsPerCall = 128

/** Comparison on a host. Every job is about one name. */
export function comparer(host: Host, lanes: number, signal: AbortSignal | undefined): Compare {
  return async (pairs) => {
    const same = new Array<boolean>(pairs.length).fill(false)
    let start = 0
    await inLanes(lanes, signal, () => {
      if (start >= pairs.length) return undefined
      const offset = start
      const jobs = pairs.slice(offset, offset + pairsPerCall)
      start += pairsPerCall
      return host.compare(jobs).then(({ errnos, equal, syscall }) => {
        jobs.forEach(({ from, to, names, toNames = names }, index) => {
          const number = errnos[index] ?? 0
          if (number !== 0) {
            throw new SystemError(number, {
              syscall: syscall(index),
              path: pathOf(from, names[0]),
              dest: pathOf(to, toNames[0]),
            })
          }
          same[offset + index] = equal[index] === 1
        })
      })
    })
    return same
  }
}

/** For each list of claims: do all have the bytes of the first? */
export async function sameContent(
  lists: readonly (readonly [Claim, ...Claim[]])[],
  compare: Compare,
): Promise<boolean[]> {
  const pairs: PairJob[] = []
  const ends: number[] = []
  for (const [first, ...others] of lists) {
    const from = originOf(first.tree, first.index)
    for (const claim of others) {
      const to = originOf(claim.tree, claim.index)
      pairs.push({ from: from.place, to: to.place, names: [from.name], toNames: [to.name] })
    }
    ends.push(pairs.length)
  }
  const same = await compare(pairs)
  return ends.map((end, index) => same.slice(ends[index - 1] ?? 0, end).every(Boolean))
}
