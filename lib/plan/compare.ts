import { SystemError } from '../errors'
import { Equality, pathOf, type Host, type PairJob } from '../host/host'
import { inLanes } from '../lanes'
import type { Claim } from './claims'
import { originOf } from './plan'

/** Compares pairs of files, many at once; one number of `Equality` a pair. */
export type Compare = (pairs: readonly PairJob[]) => Promise<Uint8Array>

const pairsPerCall = 128

/** Comparison on a host. Every job is about one name. */
export function comparer(host: Host, lanes: number, signal: AbortSignal | undefined): Compare {
  return async (pairs) => {
    const answers = new Uint8Array(pairs.length)
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
          answers[offset + index] = equal[index] ?? Equality.Differ
        })
      })
    })
    return answers
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
  const answers = await compare(pairs)
  const differ = Equality.Differ
  return ends.map((end, index) => !answers.subarray(ends[index - 1] ?? 0, end).includes(differ))
}
