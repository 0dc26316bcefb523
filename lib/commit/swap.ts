import { errno } from '../errno'
import { SystemError } from '../errors'
import { below, entryOf, Kind, pathOf, type Host, type PairJob, type Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import { collisions } from './collisions'
import { renameHint } from './rename-hint'

/** A staged entry, and what of another kind stands in its place. */
export interface Swap {
  readonly name: string
  /** Where it is staged. */
  readonly fresh: Place
  /** The directory of dest. */
  readonly dest: Place
  /** Where what it replaces goes. */
  readonly replaced: Place
  /** The staged entry is a directory. */
  readonly isDirectory: boolean
  /** May a directory give way to what is none? */
  readonly mayGo: (place: Place) => Promise<boolean>
  /** Is what stands at the name in `fresh` the staged entry? */
  readonly isStaged: () => Promise<boolean>
}

/**
 * `again`: something else stands there by now. `unsupported`: names cannot be swapped there. Otherwise it is done: the kind
 * of what gave way.
 */
export type Swapped = number | 'again' | 'unsupported'

export const cannotSwap: ReadonlySet<number> = new Set([
  errno.EINVAL, // FUSE, NFS, and other file systems without it
  errno.ENOSYS, // kernels before 3.15, sandboxes, `node:fs`
  errno.EOPNOTSUPP,
  errno.ENOTSUP,
  errno.EXDEV, // overlayfs: directories of the lower layer
])

/**
 * What swapping two names never fails with (man 2 rename): a driver has ignored the flag and tried to replace one with the
 * other, as exfat-fuse 1.4 does.
 */
export const flagIgnored: ReadonlySet<number> = new Set([
  errno.ENOTDIR,
  errno.EISDIR,
  errno.EEXIST,
  errno.ENOTEMPTY,
])

/**
 * Puts a staged entry in the place of one of another kind in one step, so that its path is never empty. A directory
 * that may not go stays, also where somebody has put it there in the last moment. `notAborted`: a host that goes
 * on after an abort.
 */
export async function swapIn(host: Host, notAborted: Host, swap: Swap): Promise<Swapped> {
  const { name, fresh, dest, replaced } = swap
  if ((await yieldingAt(host, dest, swap)) === undefined) return 'again'
  // It lies where the other one is to lie, so that undo finds that there whenever this is cut off.
  await move(host, fresh, replaced, [name])
  const job = { from: replaced, to: dest, names: [name] }
  const { errnos, syscall } = await host.exchange([job])
  const number = errnos[0] ?? 0
  const isUnsupported =
    cannotSwap.has(number) || (syscall(0) === 'rename' && flagIgnored.has(number))
  if (isUnsupported || collisions.has(number)) {
    await move(notAborted, replaced, fresh, [name])
    return isUnsupported ? 'unsupported' : 'again'
  }
  if (number !== 0) throw swapError(job, number, syscall(0))
  await touch(notAborted, fresh)
  const out = await yieldingAt(notAborted, replaced, swap)
  if (out !== undefined) return out
  await swapBack(notAborted, job)
  await move(notAborted, replaced, fresh, [name])
  if (await swap.isStaged()) return 'again'
  throw swapError(job, errno.EBUSY, 'rename')
}

/** The kind of what stands there, if it may give way. */
async function yieldingAt(
  host: Host,
  place: Place,
  { name, isDirectory, mayGo }: Swap,
): Promise<number | undefined> {
  const job = { to: place, names: [name] }
  const { kinds, errnos, syscall } = await host.stat([job])
  if (!collisions.has(errnos[0] ?? 0)) throwIfFailed([job], { errnos, syscall })
  const [kind = Kind.Missing] = kinds
  if (kind === Kind.Missing) return undefined
  if (kind !== Kind.Directory) return kind
  return !isDirectory && (await mayGo(below(place, name))) ? kind : undefined
}

/** Between directories of the staging directory, where nothing stands in the way. */
export async function move(
  host: Host,
  from: Place,
  to: Place,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return
  const job = { from, to, names }
  throwIfFailed([job], await host.rename([job], false))
}

/** Undo tells by the ctime of the directory in which entries were staged when the last one was published. */
export async function touch(host: Host, fresh: Place): Promise<void> {
  const { directory, name } = entryOf(fresh)
  const job = { from: directory, to: directory, names: [name] }
  throwIfFailed([job], await host.copyTimes([job]))
}

/** Somebody has put another entry there right before. */
async function swapBack(host: Host, job: PairJob): Promise<void> {
  const outcomes = await host.exchange([job])
  if (outcomes.errnos[0] !== errno.ENOENT) throwIfFailed([job], outcomes)
  // The staged entry is gone from there.
  else throwIfFailed([job], await host.rename([job], false))
}

function swapError({ from, to, names }: PairJob, number: number, syscall: string): SystemError {
  const hint = renameHint(number)
  const [path, dest] = [pathOf(from, names[0]), pathOf(to, names[0])]
  return new SystemError(number, { syscall, path, dest, hint })
}
