// node run-subject.mjs <job>: one subject does its work once, in a process of its own, and prints what that took as JSON.

import { parseJson } from './json.mjs'

/** @typedef {import('./options.mjs').Mode} Mode */
/** @typedef {import('./corpus/corpus.mjs').StoreSource} StoreSource */

/**
 * @typedef {object} Job
 * @property {string} program a file of subjects/
 * @property {Mode} mode
 * @property {string} sources a JSON file with a `StoreSource[]`; `as` store: with a `StoredSource[]`
 * @property {string} tree all sources laid out, for those who copy one tree
 * @property {string} dest
 * @property {string} [as] how, where a program has several ways
 */

/**
 * @typedef {object} Work what each file of subjects/ exports
 * @property {(job: Job) => Promise<() => Promise<unknown>>} prepare what is not measured, such as reading the list; gives
 *   what is
 */

/**
 * @typedef {object} Told
 * @property {number} ms
 * @property {number} user CPU time in ms, of all threads
 * @property {number} system
 * @property {number} peak the most memory that the process ever had, bytes
 * @property {number} loaded what it had when the subject's code was loaded, and no list of sources yet
 */

const job = /** @type {Job} */ (parseJson(process.argv[2] ?? ''))
const module = /** @type {unknown} */ (await import(`./subjects/${job.program}.mjs`))
const { prepare } = /** @type {Work} */ (module)
const loaded = process.memoryUsage.rss()
const work = await prepare(job)

const before = process.resourceUsage()
const start = performance.now()
await work()
const ms = performance.now() - start
const after = process.resourceUsage()

/** @type {Told} */
const told = {
  ms,
  user: (after.userCPUTime - before.userCPUTime) / 1000,
  system: (after.systemCPUTime - before.systemCPUTime) / 1000,
  peak: after.maxRSS * 1024,
  loaded,
}
console.log(JSON.stringify(told))
