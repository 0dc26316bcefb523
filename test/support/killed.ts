import assert from 'node:assert/strict'

import type {
  MergeOptions,
  MergeResult,
  RecoverResult,
  RemoveResult,
  Source,
} from '../../lib/index'
import { bundled, bundleEnv } from './bundle'
import { startCommand, type ChildOptions } from './child'
import type { Failure } from './failure'

/** What a child is to do, and when it ends. */
export interface KillOrder {
  /** `remove`: of these sources. */
  what: 'merge' | 'session' | 'recover' | 'remove'
  sources: readonly Source[]
  dest: string
  options?: MergeOptions
  /** Without the addon. */
  onNode?: boolean
  /** Before this step, counted from 1: a name that is made, moved, changed or removed, or a record that is written. */
  at: number
  /** Each step is announced by a system call that does nothing: a look at `/failpoint/<operation>`. */
  marks?: boolean
}

/** How it ended, where it was not killed. */
export interface Finished {
  steps: number
  result?: MergeResult | RecoverResult | RemoveResult
  /** What it rejected with. */
  error?: Failure
}

/** Runs it, behind a command line such as `strace -f`. */
export async function runOrder(
  order: KillOrder,
  options: ChildOptions = {},
): Promise<Finished | undefined> {
  const command = [process.execPath, await bundled('kill-child.ts')]
  const env = { ...bundleEnv, ...options.env }
  const child = startCommand(command, { ...options, env, input: JSON.stringify(order) })
  const { code, signal, stdout, stderr, timedOut } = await child.done
  assert.equal(timedOut, false, 'the child takes too long')
  if (signal === 'SIGKILL') return undefined
  assert.equal(code, 0, `the child failed: ${stderr}`)
  return JSON.parse(stdout) as Finished
}

/** Runs it until it is killed; where it came to its end before: what it did. */
export async function killed(order: KillOrder): Promise<Finished | undefined> {
  const finished = await runOrder(order)
  assert.equal(finished?.error, undefined)
  return finished
}
