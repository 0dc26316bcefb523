import { examine } from '../commit/examine'
import { isUntouched } from '../commit/judge'
import { find, inCalls } from '../commit/standing'
import { errno } from '../errno'
import { below, entryOf, type Host, type NamesJob, type Place } from '../host/host'
import { removeTree, throwIfFailed } from '../host/trees'
import type { MergeRecord } from '../records'

interface MovedAside {
  /** Where what stood in one directory of dest lies now. */
  readonly aside: Place
  readonly name: string
  readonly isDirectory: boolean
  /** See `Round.time`. */
  readonly time: bigint
}

/**
 * Removes what a merge that has come to its end had moved aside. A process whose working directory is one of the directories
 * among it may have put something there since: such a directory stays, and the answer is true. `aside`: where what a directory
 * of dest lost lies.
 */
export async function removeMovedAside(
  host: Host,
  records: readonly MergeRecord[],
  aside: (path: string) => Place,
): Promise<boolean> {
  const found = await movedAside(host, records, aside)
  for (const jobs of inCalls(found.filter(({ isDirectory }) => !isDirectory).map(jobOf))) {
    throwIfFailed(jobs, await host.unlink(jobs), errno.ENOENT)
  }
  let isKept = false
  for (const each of found) {
    if (!each.isDirectory) continue
    const { directory, name } = entryOf(each.aside)
    const jobs = [jobOf(each), { to: directory, names: [name] }]
    const [now, twin] = await find(host, jobs)
    if (now === undefined) continue
    const isAlone = isUntouched(now, twin?.ctime)
    const at = below(each.aside, each.name)
    const { isClean } = await examine(host, at, undefined, each.time, isAlone, new WeakSet())
    if (isClean) await removeTree(host, each.aside, each.name)
    else isKept = true
  }
  return isKept
}

async function movedAside(
  host: Host,
  records: readonly MergeRecord[],
  aside: (path: string) => Place,
): Promise<MovedAside[]> {
  const all = records.flatMap(({ round: { entries, time } }) =>
    entries.flatMap(({ path, replaced }): Omit<MovedAside, 'isDirectory'>[] =>
      replaced === undefined ? [] : [{ aside: aside(path), name: replaced.name, time }],
    ),
  )
  const found = await find(host, all.map(jobOf))
  return all.flatMap((each, index) => {
    const now = found[index]
    return now === undefined ? [] : [{ ...each, isDirectory: now.isDirectory }]
  })
}

function jobOf({ aside: to, name }: { readonly aside: Place; readonly name: string }): NamesJob {
  return { to, names: [name] }
}
