import { below, identityLength, type Host, type Place } from '../host/host'
import { forEachLimited, inGroups } from '../concurrency'
import { Seen } from './seen'
import type { WholeDirectory } from './whole-directory'

/** Looks for whole trees in dest, which is often the merge before; undefined where no host can, or none is to. */
export type MatchTrees = NonNullable<Host['matchTrees']>

const entriesPerCall = 512
// A bigger one is looked at directory by directory, for the sake of an abort, and by several workers.
const mostEntries = 4096

interface MatchContext {
  /** Files may stand in dest as hard links of the source. */
  readonly hardlinked: boolean
  readonly concurrencyLimit: number
  readonly signal: AbortSignal | undefined
}

/** Is a directory small enough to be looked for as a whole? */
export function isMatchable(directory: WholeDirectory): boolean {
  return entriesOf(directory) <= mostEntries
}

/**
 * Finds out which directories dest has with all that is wanted in them. Those that were found so before, and have not
 * changed since, are not read again.
 */
export async function matchWhole(
  directories: readonly WholeDirectory[],
  dest: Place,
  match: MatchTrees,
  context: MatchContext,
): Promise<void> {
  const ask = (some: readonly WholeDirectory[], bytes: boolean, note: Note): Promise<void> =>
    forEachLimited(
      context.concurrencyLimit,
      context.signal,
      inGroups(some, entriesOf, entriesPerCall),
      (call) => askFor(call, dest, (jobs) => match(jobs, bytes, !context.hardlinked), bytes, note),
    )
  const known = directories.filter(({ isUnchanged }) => isUnchanged)
  // Those that are not as they were: dest may have all of them still.
  await ask(known, false, (directory, now) => {
    if (now === undefined || !isAsBefore(directory, now)) directory.settle(undefined)
  })
  const open = directories.filter(({ isUnchanged }) => !isUnchanged)
  await ask(open, true, (directory, now, bytes) => {
    if (now === undefined) return
    directory.seen = now
    directory.settle(bytes)
  })
}

/** What was found of a directory: what its directories are in dest, undefined if it is not the same; and its bytes. */
type Note = (directory: WholeDirectory, now: Seen | undefined, bytes: number | undefined) => void

async function askFor(
  some: readonly WholeDirectory[],
  dest: Place,
  match: (jobs: Parameters<MatchTrees>[0]) => ReturnType<MatchTrees>,
  withBytes: boolean,
  note: Note,
): Promise<void> {
  const at = Date.now()
  const jobs = some.map(({ tree, path }) => {
    const to = below(dest, path)
    return withBytes ? tree.jobTo(to) : tree.directoriesTo(to)
  })
  const { same, bytes, identities } = await match(jobs)
  let first = 0
  some.forEach((directory, index) => {
    const end = first + directory.tree.allDirectories * identityLength
    const isSame = same[index] === 1
    note(directory, isSame ? new Seen(identities.slice(first, end), at) : undefined, bytes[index])
    first = end
  })
}

/** Is each directory the one that was seen before, and would any change have shown? */
function isAsBefore({ tree, seen }: WholeDirectory, now: Seen): boolean {
  for (let entry = 0; entry < tree.allDirectories; entry++) {
    if (!now.isAsIn(seen, entry) || seen?.wasAtRest(entry) !== true) return false
  }
  return true
}

function entriesOf({ tree }: WholeDirectory): number {
  return tree.allEntries + tree.allDirectories
}
