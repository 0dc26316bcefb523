import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import { invalidArgument } from './errors'
import { readOptions, readPath, readSources } from './options'
import { readAnswer, type Answer, type Job } from './thread-words'
import type { MergeOptions, MergeResult, Source } from './types'

/** merge() in a thread of its own, which this one waits for. */
export function mergeSync(
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): MergeResult {
  readOptions(options)
  readSources(sources)
  refuseCallbacks('options', options)
  sources.forEach((source, index) => {
    refuseCallbacks(`sources[${String(index)}]`, source)
  })
  thread ??= new MergeThread()
  return thread.run({ sources, dest: readPath('dest', dest), options })
}

/** Nothing of this thread can be called while it waits. */
function refuseCallbacks(what: string, given: object | undefined): void {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (typeof value !== 'function' && (name !== 'signal' || value === undefined)) continue
    const message = `${what}.${name} cannot be used by mergeSync(), which calls nothing of the waiting thread; use merge()`
    throw invalidArgument('VALUE', message)
  }
}

let thread: MergeThread | undefined

/** Its start takes longer than a small merge: it stays for the next one, and keeps no process alive. */
class MergeThread {
  /** 1 once there is an answer. */
  private readonly state = new Int32Array(new SharedArrayBuffer(4))
  private readonly port: MessagePort

  constructor() {
    const file = threadFile()
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    const worker = new Worker(`require(require('node:worker_threads').workerData.file)`, {
      eval: true,
      env: process.env,
      workerData: { file, state: this.state, port: port2 },
      transferList: [port2],
    })
    worker.unref()
    port1.unref()
  }

  run(job: Job): MergeResult {
    // Of a defect that nobody waited for.
    while (receiveMessageOnPort(this.port) !== undefined);
    Atomics.store(this.state, 0, 0)
    this.port.postMessage(job)
    Atomics.wait(this.state, 0, 0)
    const { message } = receiveMessageOnPort(this.port) as { message: Answer }
    return readAnswer(message)
  }
}

/** Were it missing, the thread would end at once, and nobody would ever answer. */
function threadFile(): string {
  const file = join(__dirname, 'merge-thread')
  if (existsSync(`${file}.js`) || existsSync(`${file}.ts`)) return file
  const message = `mergeSync() needs ${file}.js, which is missing: do not bundle reflink-merge, or put that file beside the bundle`
  throw Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' })
}
