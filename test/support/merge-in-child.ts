import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { merge } from '../../lib/index'
import type { MergeOptions, MergeResult, DirectorySource } from '../../lib/index'
import { runScript } from './child'
import type { ChildOptions } from './child'

/** One merge for another process: what JSON can hold. */
export interface MergeJob {
  sources: readonly DirectorySource[]
  dest: string
  options?: Omit<MergeOptions, 'conflicts' | 'mutable' | 'signal' | 'onProgress'>
}

/** How it ended; the error's own fields, with its message. */
export type MergeOutcome =
  | { result: MergeResult; error?: undefined }
  | { result?: undefined; error: Record<string, unknown> & { message: string } }

interface ChildMergeOptions extends ChildOptions {
  umask?: number
  /** All jobs at once instead of one after the other. */
  atOnce?: boolean
  /** A directory in which this child says that it is ready, then waits for the file `go`. */
  barrier?: string
}

interface Order {
  jobs: readonly MergeJob[]
  umask: number | undefined
  atOnce: boolean
  barrier: string | undefined
}

/** Runs merges in another process; how each of them ended. */
export async function mergeInChild(
  jobs: readonly MergeJob[],
  { umask, atOnce = false, barrier, ...options }: ChildMergeOptions = {},
): Promise<MergeOutcome[]> {
  const order: Order = { jobs, umask, atOnce, barrier }
  const input = JSON.stringify(order)
  const { code, stdout, stderr } = await runScript(__filename, [], { ...options, input })
  if (code !== 0) throw new Error(`the child that merges ended with ${String(code)}: ${stderr}`)
  return JSON.parse(stdout) as MergeOutcome[]
}

/**
 * A process for each list of jobs. They start to merge together, each with all of its jobs at once, when every one of
 * them has loaded the library.
 */
export async function mergeInChildren(
  lists: readonly (readonly MergeJob[])[],
  barrier: string,
): Promise<MergeOutcome[]> {
  const children = lists.map((jobs) => mergeInChild(jobs, { atOnce: true, barrier }))
  const allReady = async (): Promise<void> => {
    while (fs.readdirSync(barrier).length < lists.length) await sleep(5)
    fs.writeFileSync(path.join(barrier, 'go'), '')
  }
  // A child that dies before it is ready would never be waited for in vain.
  const [outcomes] = await Promise.all([
    Promise.all(children),
    Promise.race([allReady(), Promise.all(children)]),
  ])
  return outcomes.flat()
}

/** What a merge answered; fails the test if it failed. */
export function resultOf(outcome: MergeOutcome | undefined): MergeResult {
  if (outcome?.result) return outcome.result
  throw new Error(outcome?.error.message ?? 'no outcome')
}

async function run({ sources, dest, options }: MergeJob): Promise<MergeOutcome> {
  try {
    return { result: await merge(sources, dest, options) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { error: { ...Object.fromEntries(Object.entries(error)), message: error.message } }
  }
}

async function main(): Promise<void> {
  const { jobs, umask, atOnce, barrier } = JSON.parse(fs.readFileSync(0, 'utf8')) as Order
  if (umask !== undefined) process.umask(umask)
  if (barrier !== undefined) {
    fs.writeFileSync(path.join(barrier, String(process.pid)), '')
    while (!fs.existsSync(path.join(barrier, 'go'))) await sleep(1)
  }
  const outcomes: MergeOutcome[] = []
  if (atOnce) outcomes.push(...(await Promise.all(jobs.map(run))))
  else for (const job of jobs) outcomes.push(await run(job))
  process.stdout.write(JSON.stringify(outcomes))
}

if (require.main === module) void main()
