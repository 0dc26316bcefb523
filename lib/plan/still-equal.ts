import { Equality, type Host, type NamesJob, type PairJob } from '../host/host'
import { forEachLimited, inGroups } from '../concurrency'
import type { FileAt } from '../scan/tree'
import type { Origin } from './plan'

const pairsPerCall = 128

/** A file of dest, and what it was made from. */
export interface Pair {
  readonly from: Origin
  readonly to: FileAt
}

interface Hosts {
  readonly host: Host
  readonly concurrencyLimit: number
  readonly signal: AbortSignal | undefined
}

/** Has each file the bytes that it was made from? What cannot be compared has not. */
export async function areStillEqual(
  { host, concurrencyLimit, signal }: Hosts,
  pairs: readonly Pair[],
): Promise<boolean[]> {
  const results = pairs.map(() => false)
  const numbered = pairs.map((pair, index) => ({ ...pair, index }))
  const calls = inGroups(numbered, () => 1, pairsPerCall)
  await forEachLimited(concurrencyLimit, signal, calls, async (call) => {
    const files: PairJob[] = []
    const ofFiles: number[] = []
    const contents: (NamesJob & { contents: Uint8Array[]; modes: Uint32Array })[] = []
    const ofContents: number[] = []
    for (const { from, to, index } of call) {
      const job = { to: to.place, names: [to.name] }
      if ('content' in from) {
        contents.push({ ...job, contents: [from.content], modes: new Uint32Array(1) })
        ofContents.push(index)
        continue
      }
      files.push({ from: from.place, to: to.place, names: [from.name], toNames: [to.name] })
      ofFiles.push(index)
    }
    for (const [indexes, compared] of [
      [ofFiles, files.length > 0 ? await host.compare(files) : undefined],
      [ofContents, contents.length > 0 ? await host.compareContent(contents) : undefined],
    ] as const) {
      for (const [at, index] of indexes.entries()) {
        const isAnswered = compared?.errnos[at] === 0
        results[index] = isAnswered && compared.equal[at] !== Equality.Differ
      }
    }
  })
  return results
}
