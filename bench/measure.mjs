import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { settle } from '../scripts/demo/measured-merge.mjs'
import { parseJson } from './json.mjs'
import { commandOf } from './subjects.mjs'
import { runTimed } from './timed.mjs'

/** @typedef {import('./subjects.mjs').Run} Run */
/** @typedef {import('./run-subject.mjs').Told} Told */

/**
 * @typedef {object} Measured
 * @property {number} ms of what counts: the work of a library, the whole process of a command
 * @property {number} user CPU time of the same, ms
 * @property {number} system
 * @property {number} peak most resident memory of the process, bytes
 * @property {number | null} loaded what it had with its code loaded and nothing done; null for commands
 * @property {number} processMs wall time of the whole process
 * @property {number} syncMs how long it took afterwards until all was on disk
 */

/**
 * Removes dest, does what comes before, settles the file system, and measures a run; dest stays.
 * @param {string} dest
 * @param {Run} run
 * @param {Run} [first]
 * @returns {Promise<Measured>}
 */
export async function measure(dest, run, first) {
  const parent = dirname(dest)
  mkdirSync(parent, { recursive: true })
  await clear(dest)
  if (first !== undefined) await runTimed(commandOf(first))
  settle(parent)

  const { usage, stdout } = await runTimed(commandOf(run))
  const start = performance.now()
  settle(parent)
  const syncMs = performance.now() - start

  if (run.counts === 'process') return { ...usage, loaded: null, processMs: usage.ms, syncMs }
  const told = /** @type {Told} */ (parseJson(stdout))
  return { ...told, processMs: usage.ms, syncMs }
}

/** @param {string} dest */
export async function clear(dest) {
  await runTimed({ command: 'rm', args: ['-rf', dest] })
}
