// npm run test:torture: the long versions of the loops that npm test runs briefly, one after the other.
// npm run test:torture -- [--list] [--runs=N] [--seed=N] [--grep='on xfs'] [loop...]
// Every seed is printed; --seed gives one again. The exit code is 1 if any loop failed.

import { parseArgs } from 'node:util'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { runMocha } from './mocha.mjs'
import { ensureBuilt, ensureDependencies, ensureSystemTools } from './setup.mjs'
import { loops } from './torture/loops.mjs'

/**
 * @typedef {import('./torture/loops.mjs').Loop} Loop
 * @typedef {{ loop: Loop, counts: import('./mocha.mjs').Counts, figures: Map<string, number>, seconds: number }} Outcome
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean' },
    runs: { type: 'string' },
    seed: { type: 'string' },
    grep: { type: 'string' },
  },
})
// REFLINK_MERGE_RUNS, unless --runs says otherwise; npm test has 200.
const mostRuns = '25000'
const unknown = positionals.filter((name) => !loops.some((loop) => loop.name === name))
if (unknown.length > 0) fail(`No such loop: ${unknown.join(', ')}; --list tells their names.`)
for (const option of /** @type {const} */ (['runs', 'seed']))
  if (!/^\d+$/.test(values[option] ?? '1')) fail(`--${option}: a number, not ${values[option]}`)

if (values.list) for (const { name, what } of loops) console.log(`${name.padEnd(12)} ${what}`)
else await run(loops.filter(({ name }) => positionals.length === 0 || positionals.includes(name)))

/** @param {readonly Loop[]} chosen */
async function run(chosen) {
  ensureDependencies()
  ensureBuilt()
  ensureSystemTools({
    btrfs: true,
    xfs: true,
    exfat: true,
    exfatFuse: true,
    bindfs: true,
    strace: true,
  })
  const seed = values.seed ?? String(Date.now() % 2 ** 32)
  /** @type {Outcome[]} */
  const outcomes = []
  for (const loop of chosen) outcomes.push(await torture(loop, seed))
  console.log(`\n${summary(outcomes)}\nSeed: ${seed}`)
  // What was skipped was not shown.
  if (outcomes.some(({ counts }) => !isFine(counts))) process.exitCode = 1
}

/**
 * @param {Loop} loop
 * @param {string} seed
 * @returns {Promise<Outcome>}
 */
async function torture(loop, seed) {
  const runs = values.runs ?? mostRuns
  console.log(`\n${loop.name}: ${loop.what} (--seed=${seed} --runs=${runs})`)
  const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-figures-'))
  const file = join(dir, 'figures')
  const start = performance.now()
  try {
    const some = values.grep === undefined ? [] : [`--grep=${values.grep}`]
    const counts = await runMocha([...some, ...loop.mocha], {
      REFLINK_MERGE_LONG: '1',
      REFLINK_MERGE_RUNS: runs,
      REFLINK_MERGE_SEED: seed,
      REFLINK_MERGE_FIGURES: file,
    })
    return { loop, counts, figures: readFigures(file), seconds: (performance.now() - start) / 1000 }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/**
 * What the tests told with `tell()` of test/support/figures.ts, added up.
 * @param {string} file
 */
function readFigures(file) {
  /** @type {Map<string, number>} */
  const figures = new Map()
  for (const line of readText(file).split('\n').filter(Boolean)) {
    /** @type {unknown} */
    const told = JSON.parse(line)
    const [what, count] = /** @type {[string, number]} */ (told)
    figures.set(what, (figures.get(what) ?? 0) + count)
  }
  return figures
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // nothing was reported
  }
}

/** @param {readonly Outcome[]} outcomes */
function summary(outcomes) {
  const table = new Table({
    head: ['loop', 'tests', 'figures', 'minutes', ''],
    colAligns: ['left', 'right', 'left', 'right', 'left'],
    style: { head: [], border: [] },
  })
  for (const { loop, counts, figures, seconds } of outcomes) {
    const told = [...figures].map(([what, count]) => `${count.toLocaleString('en')} ${what}`)
    const tests = counts.passed + counts.failed + counts.skipped
    table.push([
      ...[loop.name, String(tests), told.join('\n'), (seconds / 60).toFixed(1)],
      isFine(counts) ? 'passed' : `${counts.failed} failed, ${counts.skipped} skipped`,
    ])
  }
  return table.toString()
}

/** @param {import('./mocha.mjs').Counts} counts */
function isFine({ passed, failed, skipped }) {
  return passed > 0 && failed + skipped === 0
}

/** @param {string} message */
function fail(message) {
  console.error(message)
  process.exit(2)
}
