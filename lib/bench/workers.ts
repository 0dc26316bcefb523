import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { poolSize } from '../host/descriptors'
import type { Job, Told } from './worker'

// ms
const patience = 3000

/**
 * One process a method and number of threads: each is warm after its first round, and what one method leaves in
 * memory slows no other.
 */
export class Workers {
  private readonly running = new Map<string, ChildProcess>()

  /** Runs a job in its method's process. Rejects with the reason of an abort, at once. */
  async run(job: Job, signal: AbortSignal | undefined): Promise<Told> {
    signal?.throwIfAborted()
    const child = this.processFor(job)
    const ended = new AbortController()
    const either = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])])
    const onExit = (code: number | null, by: string | null): void => {
      ended.abort(new Error(`The process for ${job.method} ended (${by ?? String(code)})`))
    }
    const onError = (error: Error): void => {
      ended.abort(error)
    }
    child.once('exit', onExit).once('error', onError)
    child.send(job)
    try {
      const [told] = (await once(child, 'message', { signal: either })) as [Told]
      return told
    } catch (error) {
      // Node wraps the reason.
      throw either.aborted ? either.reason : error
    } finally {
      child.removeListener('exit', onExit).removeListener('error', onError)
    }
  }

  /** Ends them, also in the middle of a job. */
  async end(): Promise<void> {
    const children = [...this.running.values()]
    this.running.clear()
    await Promise.all(
      children.map(async (child) => {
        if (hasEnded(child)) return
        const exit = new Promise<void>((resolve) =>
          child.once('exit', () => {
            resolve()
          }),
        )
        // It ends itself when it notices, and its threads with it; if it does not, it is ended.
        if (child.connected) child.disconnect()
        const timer = setTimeout(() => child.kill('SIGKILL'), patience)
        await exit
        clearTimeout(timer)
      }),
    )
  }

  private processFor(job: Job): ChildProcess {
    // More threads only where the job needs them, as they are what users get by default.
    const threads = Math.max(poolSize(), (job.work === 'tree' ? job.workers : null) ?? 1)
    const key = `${job.method} ${String(threads)}`
    const running = this.running.get(key)
    if (running !== undefined) return running
    const child = fork(require.resolve('./worker'), {
      env: { ...process.env, UV_THREADPOOL_SIZE: String(threads) },
      // In a session of its own: Ctrl-C reaches all processes of a terminal, but only this one is to decide what it means.
      detached: true,
      // Nothing but the result may come out of this command.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.running.set(key, child)
    return child
  }
}

/** Or was never started. */
function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null
}
