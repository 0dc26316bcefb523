import { errno } from '../errno'
import { firstOf, SystemError } from '../errors'
import { Kind, pathOf, type Host, type PairJob, type Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import { renameHint } from './rename-hint'
import { cannotSwap, flagIgnored, move, touch } from './swap'

/** Staged files and symlinks, and where others of the same names stand. */
export interface FileSwap {
  readonly names: readonly string[]
  /** Where they are staged. */
  readonly fresh: Place
  /** The directory of dest. */
  readonly dest: Place
  /** Where what they replace goes. */
  readonly replaced: Place
}

export interface SwappedFiles {
  readonly done: string[]
  /** Nothing stands there any more. */
  readonly gone: string[]
  /** The first failure; what was swapped before it is in `done`. */
  readonly failure: Error | undefined
}

/**
 * Puts staged entries in the place of others that are no directories, each in one step, so that its path is never empty; what
 * stands there in that very moment comes to lie in `replaced`, also where somebody has just put it there. Names in neither list
 * of the result cannot be swapped, or are those of directories. `notAborted`: a host that goes on after an abort.
 */
export async function swapFiles(
  host: Host,
  notAborted: Host,
  swap: FileSwap,
): Promise<SwappedFiles> {
  const { fresh, dest, replaced } = swap
  const done: string[] = []
  const gone: string[] = []
  const names = await withoutDirectories(host, swap)
  if (names.length === 0) return { done, gone, failure: undefined }
  // They lie where the others are to lie, so that undo finds these there whenever this is cut off.
  await move(host, fresh, replaced, names)
  const job = { from: replaced, to: dest, names }
  const { errnos, syscall } = await host.exchange([job])
  const back: string[] = []
  let failure: SystemError | undefined
  for (const [index, name] of names.entries()) {
    const number = errnos[index] ?? 0
    if (number === 0) {
      done.push(name)
      continue
    }
    back.push(name)
    if (number === errno.ENOENT) gone.push(name)
    else if (!cannotSwap.has(number) && !flagIgnored.has(number))
      failure ??= swapError(job, name, number, syscall(index))
  }
  try {
    await move(notAborted, replaced, fresh, back)
  } catch (error) {
    // The first error stays the cause; undo looks at what has been swapped.
    if (failure === undefined) throw error
    return { done, gone, failure: firstOf([failure, error]) as Error }
  }
  if (done.length === 0) return { done, gone, failure }
  await touch(notAborted, fresh)
  return { done: await withoutLateDirectories(notAborted, swap, done), gone, failure }
}

async function withoutDirectories(
  host: Host,
  { dest, names }: FileSwap,
): Promise<readonly string[]> {
  const { kinds } = await host.stat([{ to: dest, names }])
  return names.filter((_, index) => kinds[index] !== Kind.Directory)
}

/** Somebody has put a directory there right before: it goes back. */
async function withoutLateDirectories(
  notAborted: Host,
  swap: FileSwap,
  done: readonly string[],
): Promise<string[]> {
  const { dest, fresh, replaced } = swap
  const { kinds } = await notAborted.stat([{ to: replaced, names: done }])
  const late = done.filter((_, index) => kinds[index] === Kind.Directory)
  if (late.length > 0) {
    const job = { from: replaced, to: dest, names: late }
    throwIfFailed([job], await notAborted.exchange([job]))
    await move(notAborted, replaced, fresh, late)
  }
  return done.filter((_, index) => kinds[index] !== Kind.Directory)
}

function swapError(
  { from, to }: PairJob,
  name: string,
  number: number,
  syscall: string,
): SystemError {
  const hint = renameHint(number)
  // What stands in dest is in the way of both.
  const [path, dest] = [pathOf(to, name), pathOf(from, name)]
  return new SystemError(number, { syscall, path, dest, hint })
}
