// The steps of .ci/run, each timed; at the end the slowest tests, the time of each step, and in the last line the counts of
// all tests. A failed step stops no other but the first, without which there is nothing to run.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countsLine, total } from './mocha.mjs'
import { root } from './run.mjs'

const slowest = 20
const steps = [
  ['npm', 'ci'],
  ['npm', 'run', 'check'],
  ['npm', 'test'],
  ['npm', 'run', 'test:asan'],
  ['npm', 'run', 'fuzz', '--', '--seconds', '5'],
]

const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-ci-'))
/** @type {{ name: string, seconds: number, passed: boolean, counts: import('./mocha.mjs').Counts }[]} */
const done = []
try {
  for (const [index, [command = '', ...args]] of steps.entries()) {
    done.push(run(command, args, join(dir, String(index))))
    if (index === 0 && !done[0]?.passed) break
  }
} finally {
  rmSync(dir, { recursive: true })
}

const all = total(done.map(({ counts }) => counts))
if (!done.every(({ passed }) => passed)) process.exitCode = 1
console.log(report())

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} file where a run of tests leaves its counts
 */
function run(command, args, file) {
  const name = [command, ...args].join(' ')
  console.log(`\n=== ${name}`)
  const start = performance.now()
  const env = { ...process.env, REFLINK_MERGE_COUNTS: file }
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' })
  const seconds = (performance.now() - start) / 1000
  return { name, seconds, passed: status === 0, counts: countsIn(file) }
}

/**
 * @param {string} file
 * @returns {import('./mocha.mjs').Counts} none where the step ran no tests
 */
function countsIn(file) {
  try {
    /** @type {unknown} */
    const counts = JSON.parse(readFileSync(file, 'utf8'))
    return /** @type {import('./mocha.mjs').Counts} */ (counts)
  } catch {
    return total([])
  }
}

function report() {
  const times = done.flatMap(({ name, counts }) => counts.times.map((time) => ({ name, ...time })))
  times.sort((a, b) => b.seconds - a.seconds)
  return [
    `\nThe ${String(slowest)} slowest tests:`,
    ...times
      .slice(0, slowest)
      .map(({ name, seconds, file, title }) => `${inSeconds(seconds)}  ${name}: ${file}: ${title}`),
    '\nThe steps:',
    ...done.map(
      ({ name, seconds, passed }) => `${inSeconds(seconds)}  ${name}${passed ? '' : ': FAILED'}`,
    ),
    `${inSeconds(done.reduce((sum, { seconds }) => sum + seconds, 0))}  all of them`,
    countsLine(all),
  ].join('\n')
}

/** @param {number} seconds */
function inSeconds(seconds) {
  return `${seconds.toFixed(1).padStart(8)} s`
}
