import { setTimeout as sleep } from 'node:timers/promises'
import { errno, errnoOf, heldOpen, outOfDescriptors } from '../errno'
import type { Failed, Host, Outcomes, Place } from './host'
import { singles, type Job } from './singles'
import { TreeProgress } from './tree-progress'

// Other parts of the process close descriptors in their own time; after this it is a real error.
const longestWait = 10_000
const firstPause = 5
const longestPause = 200

type PlaceTrees = NonNullable<Host['placeTrees']>

/** EINTR, EMFILE, ENFILE: the call has done nothing, and may succeed later. */
function isPassing(number: number): boolean {
  return number === errno.EINTR || outOfDescriptors.has(number)
}

/** Repeats a call while it fails only for now, with growing pauses. */
async function untilSettled<T>(
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
  passing: (result: T) => boolean,
  end = performance.now() + longestWait,
): Promise<T> {
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    // Asked before every call: after an abort nothing new starts.
    signal?.throwIfAborted()
    const result = await call()
    if (!passing(result) || performance.now() >= end) return result
    await sleep(pause)
  }
}

/** A call of node:fs beside the host, repeated like the host's own while it fails only for now. */
export async function withRetries<T>(
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  const outcome = await untilSettled(
    signal,
    () =>
      call().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    (result) => 'error' in result && isPassing(errnoOf(result.error) ?? 0),
  )
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

/**
 * A host that tries again what failed only for now, one name at a time, and starts nothing new once the
 * signal is aborted. Without a signal it is the one to put things back with.
 */
export function retrying(host: Host, signal: AbortSignal | undefined): Host {
  /** Reading changes nothing, so the whole call is repeated. */
  const reading =
    <J, O extends Outcomes>(operation: (jobs: readonly J[]) => Promise<O>) =>
    (jobs: readonly J[]): Promise<O> =>
      untilSettled(
        signal,
        () => operation(jobs),
        ({ errnos }) => errnos.some(isPassing),
      )

  /** One that failed has left nothing behind. */
  const single = <F extends Failed>(call: () => Promise<F>): Promise<F> =>
    untilSettled(signal, call, (result) => isPassing(result.errno))

  /** What succeeded must not be done twice: only the names that failed are repeated. */
  const writing =
    <J extends Job, A extends unknown[]>(
      operation: (jobs: readonly J[], ...rest: A) => Promise<Outcomes>,
      mayPass = isPassing,
    ) =>
    async (jobs: readonly J[], ...rest: A): Promise<Outcomes> => {
      signal?.throwIfAborted()
      const outcomes = await operation(jobs, ...rest)
      if (!outcomes.errnos.some(mayPass)) return outcomes
      const errnos = outcomes.errnos.slice()
      const bytes = outcomes.bytes?.slice()
      const late = new Map<number, Outcomes>()
      // One patience for all of them: what is refused for good is so for many.
      const end = performance.now() + longestWait
      for (const [index, job] of singles(jobs).entries()) {
        if (!mayPass(errnos[index] ?? 0)) continue
        const again = await untilSettled(
          signal,
          () => operation([job], ...rest),
          (result) => mayPass(result.errnos[0] ?? 0),
          end,
        )
        errnos[index] = again.errnos[0] ?? 0
        if (bytes !== undefined) bytes[index] = again.bytes?.[0] ?? 0
        late.set(index, again)
      }
      return {
        errnos,
        syscall: (index) => late.get(index)?.syscall(0) ?? outcomes.syscall(index),
        inDest: (index) =>
          (late.get(index) ?? outcomes).inDest?.(late.has(index) ? 0 : index) === true,
        ...(bytes && { bytes }),
      }
    }

  const once =
    <A extends unknown[], R>(operation: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      signal?.throwIfAborted()
      return operation(...args)
    }

  /** Of what was made nothing is repeated: only what failed, and what was not tried for that. */
  const placing =
    (place: PlaceTrees): PlaceTrees =>
    async (operation, jobs, options) => {
      signal?.throwIfAborted()
      let end = performance.now() + longestWait
      let before = Infinity
      const progress = new TreeProgress(jobs, await place(operation, jobs, options))
      for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
        const left = progress.repeated(isPassing)
        const waiting = progress.waiting
        // Each of many calls gets a part of what it needs. As long as it does, that is no reason to give up.
        if (waiting < before) end = performance.now() + longestWait
        if (left.length === 0 || performance.now() >= end) return progress.outcomes
        before = waiting
        await sleep(pause)
        signal?.throwIfAborted()
        progress.add(await place(operation, left, options))
      }
    }

  // Virus scanners and indexers open what is new, and on Windows what is open cannot be moved or removed.
  const isWindows = host.platform === 'win32'
  const mayClose = (number: number): boolean =>
    isPassing(number) || (isWindows && heldOpen.has(number))

  const { inheritance, cloneDirectory, scanTrees, matchTrees, placeTrees } = host
  return {
    ...host,
    open: (place) => withRetries(signal, () => host.open(place)),
    writeRecord: (place, name, text) => single(() => host.writeRecord(place, name, text)),
    readRecord: (place, name) => single(() => host.readRecord(place, name)),
    sync: (directory) => single(() => host.sync(directory)),
    list: (places) =>
      untilSettled(
        signal,
        () => host.list(places),
        (listings) => listings.some((listing) => isPassing(listing.errno)),
      ),
    stat: reading((jobs) => host.stat(jobs)),
    identify: reading((jobs) => host.identify(jobs)),
    ...(inheritance && {
      inheritance: (places: readonly Place[]) =>
        untilSettled(
          signal,
          () => inheritance(places),
          (answers) => answers.some((answer) => isPassing(answer.errno)),
        ),
    }),
    compare: reading((jobs) => host.compare(jobs)),
    compareContent: reading((jobs) => host.compareContent(jobs)),
    clone: writing((jobs, options) => host.clone(jobs, options)),
    // Not tried again: what they have not done, or left a part of, is done in another way.
    ...(cloneDirectory && { cloneDirectory: once(cloneDirectory) }),
    ...(scanTrees && { scanTrees: once(scanTrees) }),
    ...(matchTrees && { matchTrees: once(matchTrees) }),
    ...(placeTrees && { placeTrees: placing(placeTrees) }),
    hardlink: writing((jobs) => host.hardlink(jobs)),
    copy: writing((jobs, options) => host.copy(jobs, options)),
    symlink: writing((jobs) => host.symlink(jobs)),
    write: writing((jobs, options) => host.write(jobs, options)),
    mkdir: writing((jobs, exact) => host.mkdir(jobs, exact)),
    chmod: writing((jobs) => host.chmod(jobs)),
    copyTimes: writing((jobs) => host.copyTimes(jobs)),
    rename: writing((jobs, replace) => host.rename(jobs, replace), mayClose),
    exchange: writing((jobs) => host.exchange(jobs), mayClose),
    unlink: writing((jobs) => host.unlink(jobs), mayClose),
    rmdir: writing((jobs) => host.rmdir(jobs), mayClose),
  }
}
