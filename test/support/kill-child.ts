// A merge, a session, remove() or recover() in a process of its own, which ends itself by SIGKILL at a step that is asked for.

import fs from 'node:fs'

import { defaultHost } from '../../lib/host'
import { nodeHost } from '../../lib/host/node'
import type { Host } from '../../lib/host/host'
import type { MergeResult, RecoverResult, RemoveResult } from '../../lib/index'
import { mergeOn, recoverOn } from '../../lib/merge'
import { removeOn } from '../../lib/remove'
import { Session } from '../../lib/session'
import { failpoints, type Failpoints } from './failpoints'
import type { Failure } from './failure'
import type { Finished, KillOrder } from './killed'

async function run(
  host: Host,
  { what, sources, dest, options }: KillOrder,
): Promise<MergeResult | RecoverResult | RemoveResult> {
  if (what === 'recover') return recoverOn(host, dest)
  if (what === 'remove') {
    return removeOn(
      host,
      dest,
      sources.map(({ name }) => name),
    )
  }
  if (what === 'merge') return mergeOn(host, sources, dest, options)
  const session = await Session.open(host, dest, options)
  await Promise.all([...sources.entries()].map(([rank, source]) => session.add(source, { rank })))
  return session.commit()
}

/** Kills at a step, and tells of each where that is asked for. */
function watched(order: KillOrder): Failpoints {
  const points = failpoints(
    order.onNode === true ? nodeHost : defaultHost,
    1,
    ({ operation }) => {
      if (order.marks === true) fs.existsSync(`/failpoint/${operation}`)
      if (points.count() === order.at) process.kill(process.pid, 'SIGKILL')
      return undefined
    },
    { onwards: true },
  )
  return points
}

async function main(): Promise<void> {
  const order = JSON.parse(fs.readFileSync(0, 'utf8')) as KillOrder
  const points = watched(order)
  const finished = await run(points.host, order).then(
    (result): Finished => ({ steps: points.count(), result }),
    (error: unknown): Finished => ({ steps: points.count(), error: { ...(error as Failure) } }),
  )
  process.stdout.write(JSON.stringify(finished))
}

void main()
