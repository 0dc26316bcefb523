import { setTimeout as sleep } from 'node:timers/promises'
import { debug } from '../debug'
import { errno, errnoName } from '../errno'
import { SystemError } from '../errors'
import type { Directory, Host } from '../host/host'
import { MergeError } from '../merge-error'

export interface LockOptions {
  /** ms; undefined: without end. */
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
}

export interface Lock {
  /** `degraded`: this file system or system has no locks; only this process's merges queue. */
  readonly locking: 'exclusive' | 'degraded'
  release(): void
}

// The file system or the system has no locks: go on, and say so.
const noLocksHere: ReadonlySet<number> = new Set([
  errno.EBADF, // NFS: an exclusive lock needs a descriptor open for writing
  errno.ENOLCK, // NFS without a lock daemon
  errno.ENOSYS,
  errno.EOPNOTSUPP,
  errno.ENOTSUP,
  errno.EINVAL,
])

// More than this setTimeout takes for 1 ms.
const longestTimer = 2 ** 31 - 1

/** By directory: the promise that the last one in this process's queue settles when it is done. */
const queues = new Map<string, Promise<void>>()

// Polling, since a blocking flock would hold a pool thread. Short at first: most merges are.
const firstPause = 1
const longestPause = 50

/**
 * Takes the lock on a directory: `flock` on the directory itself, which the kernel frees when its
 * holder dies. Within a process first come, first served. Closing the directory gives the lock back.
 */
export async function lockDirectory(
  host: Host,
  directory: Directory,
  options: LockOptions,
): Promise<Lock> {
  const { identity } = directory
  const before = queues.get(identity)
  let leave = (): void => undefined
  const mine = new Promise<void>((resolve) => (leave = resolve))
  const tail = (before ?? Promise.resolve()).then(() => mine)
  queues.set(identity, tail)
  // Not before all in line are done: anyone who gives up as the last one leaves others before it.
  void tail.then(() => {
    if (queues.get(identity) === tail) queues.delete(identity)
  })
  const patience = new Patience(directory.path, options)
  try {
    if (before !== undefined) {
      debug('waiting for a merge of this process into %s', directory.path)
      await patience.until(before)
    }
    const locking = await poll(host, directory, patience)
    return { locking, release: leave }
  } catch (error) {
    // Those behind still wait for the ones before.
    leave()
    throw error
  } finally {
    patience.end()
  }
}

async function poll(
  host: Host,
  directory: Directory,
  patience: Patience,
): Promise<Lock['locking']> {
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    const number = host.tryLock(directory)
    if (number === 0) {
      debug('locked %s', directory.path)
      return 'exclusive'
    }
    if (noLocksHere.has(number)) {
      debug('no locks on %s: %s', directory.path, errnoName(number))
      return 'degraded'
    }
    if (number !== errno.EWOULDBLOCK && number !== errno.EINTR) {
      throw new SystemError(number, { syscall: 'flock', path: directory.path })
    }
    if (pause === firstPause) debug('waiting for the lock on %s', directory.path)
    await patience.until(sleep(pause))
  }
}

/** How long to wait: until the caller's signal or the timeout ends it. */
class Patience {
  private readonly ended = new AbortController()
  private readonly timer: NodeJS.Timeout | undefined
  private readonly onAbort = (): void => {
    this.ended.abort(this.signal?.reason)
  }
  private readonly signal: AbortSignal | undefined

  constructor(path: string, { timeout, signal }: LockOptions) {
    this.signal = signal
    if (signal?.aborted === true) this.onAbort()
    signal?.addEventListener('abort', this.onAbort)
    if (timeout === undefined || timeout > longestTimer) return
    this.timer = setTimeout(() => {
      const message =
        `another merge has held the lock on ${path} for ${String(timeout)} ms; ` +
        'raise the option `lock.timeout` to wait longer'
      this.ended.abort(new MergeError('ERR_MERGE_LOCK_TIMEOUT', message, { path }))
    }, timeout)
  }

  /** Waits for a promise, unless patience ends first. */
  async until(promise: Promise<void>): Promise<void> {
    const { signal } = this.ended
    let stop = (): void => undefined
    const stopped = new Promise<void>((resolve) => (stop = resolve))
    signal.throwIfAborted()
    signal.addEventListener('abort', stop)
    try {
      await Promise.race([promise, stopped])
      signal.throwIfAborted()
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  end(): void {
    clearTimeout(this.timer)
    this.signal?.removeEventListener('abort', this.onAbort)
  }
}
