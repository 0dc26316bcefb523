import assert from 'node:assert/strict'
import path from 'node:path'

import type { MergeOptions, MergeResult, RecoverResult, Source } from '../../lib/index'
import { startCommand, type RunningChild } from './child'

/** What a child is to do, and when it ends. */
export interface KillOrder {
  what: 'merge' | 'session' | 'recover'
  sources: readonly Source[]
  dest: string
  options?: MergeOptions
  /** Before this step, counted from 1: a name that is made, moved, changed or removed, or a record that is written. */
  at: number
}

interface Finished {
  steps: number
  result: MergeResult | RecoverResult
}

const script = path.join(__dirname, 'kill-child.cjs')

function start(order: KillOrder): RunningChild {
  // What it runs is compiled otherwise than the tests are: coverage of both cannot be added up.
  // Nor does a sanitizer get to say anything about a child that is killed, but makes it start three times as slowly.
  const env = { NODE_V8_COVERAGE: undefined, LD_PRELOAD: undefined, REFLINK_MERGE_ADDON: undefined }
  return startCommand([process.execPath, script], { env, input: JSON.stringify(order) })
}

/** Runs it until it is killed; where it came to its end before: what it did. */
export async function killed(order: KillOrder): Promise<Finished | undefined> {
  const { code, signal, stdout, stderr, timedOut } = await start(order).done
  assert.equal(timedOut, false, 'the child takes too long')
  if (signal === 'SIGKILL') return undefined
  assert.equal(code, 0, `the child failed: ${stderr}`)
  return JSON.parse(stdout) as Finished
}
