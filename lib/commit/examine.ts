import { errno } from '../errno'
import { SystemError } from '../errors'
import {
  below,
  entryOf,
  Kind,
  ownerAccess,
  pathOf,
  type Host,
  type Listing,
  type Place,
} from '../host/host'
import { isSame, type OwnDirectory } from '../records'
import { judgeContent } from './judge'
import { identify, type Standing } from './standing'

/** A directory that a merge has published whole, and what of it is still that merge's. */
export interface Examined {
  readonly place: Place
  /** Undefined: what is not known is reported by times alone. */
  readonly own: OwnDirectory | undefined
  /** Nobody has put anything into it, or taken it out. */
  readonly isUntouched: boolean
  /** What is the merge's, and no directory. */
  readonly files: string[]
  readonly directories: Examined[]
  /** Names of what is another's, or may be. */
  readonly others: string[]
  /** All below it is the merge's. */
  isClean: boolean
}

/** Directories that were found untouched before this process changed them itself. */
export type Untouched = WeakSet<OwnDirectory>

const mostTries = 5

/**
 * Looks at all that stands in a directory that is known to be the merge's. `time`: see `Round.time`. A rename, a link and a
 * write all give an entry a new ctime: so what has an older one was put there by the merge, and is as it was.
 */
export async function examine(
  host: Host,
  place: Place,
  own: OwnDirectory | undefined,
  time: bigint,
  isUntouched: boolean,
  known: Untouched,
): Promise<Examined> {
  const root = newExamined(place, own, isUntouched)
  const all: Examined[] = []
  const waiting = [root]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    all.push(next)
    await look(host, next, time, known)
    for (const child of next.directories) waiting.push(child)
  }
  // Each stands after the one that holds it.
  for (const each of all.reverse()) {
    each.isClean = each.others.length === 0 && each.directories.every(({ isClean }) => isClean)
  }
  return root
}

function newExamined(place: Place, own: OwnDirectory | undefined, isUntouched: boolean): Examined {
  return { place, own, isUntouched, files: [], directories: [], others: [], isClean: false }
}

async function look(host: Host, into: Examined, time: bigint, known: Untouched): Promise<void> {
  const { place, own, isUntouched } = into
  const listing = await list(host, place)
  for (const name of listing?.notUtf8 ?? []) into.others.push(name)
  const names = listing?.names ?? []
  const found = names.length === 0 ? [] : await identify(host, [{ to: place, names }])
  for (const [index, name] of names.entries()) {
    const now = found[index]
    if (now === undefined) continue
    if (!now.isDirectory) {
      const isOurs = isOwnFile(name, now, own, time, isUntouched)
      ;(isOurs ? into.files : into.others).push(name)
      continue
    }
    const child = own?.directories.get(name)
    const isOld = time !== 0n && now.ctime < time
    if (child === undefined ? own !== undefined || !isOld : !isOwnDirectory(child, now)) {
      into.others.push(name)
      continue
    }
    if (child !== undefined && isOld) known.add(child)
    const isLeftAlone = child === undefined ? isOld : known.has(child)
    into.directories.push(newExamined(below(place, name), child, isLeftAlone))
  }
}

function isOwnDirectory({ identity }: OwnDirectory, now: Standing): boolean {
  const same = isSame(identity, now)
  return same ?? identity.ino === now.ino
}

function isOwnFile(
  name: string,
  now: Standing,
  own: OwnDirectory | undefined,
  time: bigint,
  isUntouched: boolean,
): boolean {
  if (time === 0n) {
    const known = own?.files?.get(name)
    return known !== undefined && judgeContent(known, now) === 'ours'
  }
  // Other names of the inode, as in the store, come and go, which changes its ctime; but this one has not been replaced.
  return now.ctime < time || (now.links > 1n && isUntouched)
}

/** Undefined where it is gone. */
async function list(host: Host, place: Place): Promise<Listing | undefined> {
  for (let tries = 1; ; tries++) {
    const [listing] = await host.list([place])
    const number = listing?.errno ?? 0
    if (number === 0) return listing
    if (number === errno.ENOENT && listing?.failedName === '') return undefined
    const isShut = number === errno.EACCES && tries === 1 && (await open(host, place))
    // What was there is gone.
    const isLate = number === errno.ENOENT && tries < mostTries
    if (isShut || isLate) continue
    const path = pathOf(place, listing?.failedName)
    throw new SystemError(number, { syscall: listing?.syscall ?? 'scandir', path })
  }
}

/** A directory of ours that may not be read by us. */
async function open(host: Host, place: Place): Promise<boolean> {
  const { directory, name } = entryOf(place)
  const at = { to: directory, names: [name] }
  const { kinds, modes } = await host.stat([at])
  if (kinds[0] !== Kind.Directory) return false
  const mode = ((modes[0] ?? 0) & 0o777) | ownerAccess
  const { errnos } = await host.chmod([{ ...at, modes: Uint32Array.of(mode) }])
  return errnos[0] === 0
}
