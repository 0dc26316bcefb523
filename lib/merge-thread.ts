// The thread that mergeSync() waits for: one merge after the other.

import { workerData, type MessagePort } from 'node:worker_threads'
import { merge } from './index'
import { errorAnswer, resultAnswer, type Answer, type Job } from './thread-words'

const { port, state } = workerData as { port: MessagePort; state: Int32Array }

function tell(answer: Answer): void {
  port.postMessage(answer)
  Atomics.store(state, 0, 1)
  Atomics.notify(state, 0)
}

// A defect: anyone who waits must not wait for ever.
process.on('uncaughtException', (error) => {
  tell(errorAnswer(error))
})

port.on('message', ({ sources, dest, options }: Job) => {
  void merge(sources, dest, options).then(resultAnswer, errorAnswer).then(tell)
})
