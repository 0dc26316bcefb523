import { below, identityLength, type Host, type Place } from '../host/host'
import { inLanes } from '../lanes'
import { Seen } from './seen'
import type { WholeDirectory } from './whole-directory'

/** Looks for whole trees in dest, which is often the merge before; undefined where no host can, or none is to. */
export type MatchTrees = NonNullable<Host['matchTrees']>

const entriesPerCall = 512
// A bigger one is looked at directory by directory, for the sake of an abort, and by several workers.
const mostEntries = 4096

interface MatchContext {
  readonly lanes: number
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
  const known = directories.filter(({ isUnchanged }) => isUnchanged)
  await inCalls(known, context, (some) => lookAgain(some, dest, match))
  const open = directories.filter(({ isUnchanged }) => !isUnchanged)
  await inCalls(open, context, (some) => lookFor(some, dest, match))
}

/** Settles those that are not as they were: dest may have all of them still. */
async function lookAgain(
  some: readonly WholeDirectory[],
  dest: Place,
  match: MatchTrees,
): Promise<void> {
  const { same, identities } = await match(
    some.map((directory) => directory.tree.directoriesTo(below(dest, directory.path))),
    false,
  )
  let first = 0
  some.forEach((directory, index) => {
    const end = first + directory.tree.allDirectories * identityLength
    const now = new Seen(identities.slice(first, end), 0)
    if (same[index] !== 1 || !isAsBefore(directory, now)) directory.settle(undefined)
    first = end
  })
}

/** Is each directory the one that was seen before, and would any change have shown? */
function isAsBefore(directory: WholeDirectory, now: Seen): boolean {
  const { seen } = directory
  for (let entry = 0; entry < directory.tree.allDirectories; entry++) {
    if (!now.isAsIn(seen, entry) || seen?.wasAtRest(entry) !== true) return false
  }
  return true
}

async function lookFor(
  some: readonly WholeDirectory[],
  dest: Place,
  match: MatchTrees,
): Promise<void> {
  const at = Date.now()
  const { same, bytes, identities } = await match(
    some.map((directory) => directory.tree.jobTo(below(dest, directory.path))),
    true,
  )
  let first = 0
  some.forEach((directory, index) => {
    const end = first + directory.tree.allDirectories * identityLength
    if (same[index] === 1) {
      directory.seen = new Seen(identities.slice(first, end), at)
      directory.settle(bytes[index])
    }
    first = end
  })
}

function entriesOf({ tree }: WholeDirectory): number {
  return tree.allFiles + tree.allDirectories
}

async function inCalls(
  directories: readonly WholeDirectory[],
  { lanes, signal }: MatchContext,
  look: (some: readonly WholeDirectory[]) => Promise<void>,
): Promise<void> {
  const calls: WholeDirectory[][] = []
  let room = 0
  for (const directory of directories) {
    if (room <= 0) {
      calls.push([])
      room = entriesPerCall
    }
    calls.at(-1)?.push(directory)
    room -= entriesOf(directory)
  }
  await inLanes(lanes, signal, () => {
    const call = calls.shift()
    return call && look(call)
  })
}
