// The steps of .ci/run, each timed, and a report at the end. If a step fails, the others still run, unless it was the first:
// without that one there is nothing to run.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { report } from './ci-report.mjs'
import { lastLines, total } from './mocha.mjs'
import { root } from './run.mjs'

const steps = [
  ['npm', 'ci'],
  ['npm', 'run', 'check'],
  ['npm', 'test'],
  ['npm', 'run', 'test:asan'],
  ['npm', 'run', 'fuzz', '--', '--seconds', '5'],
]
const linesKept = 100

const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-ci-'))
/** @type {import('./ci-report.mjs').Step[]} */
const done = []
try {
  for (const [index, [command = '', ...args]] of steps.entries()) {
    done.push(await run(command, args, join(dir, String(index))))
    if (index === 0 && !done[0]?.passed) break
  }
} finally {
  rmSync(dir, { recursive: true })
}

if (!done.every(({ passed }) => passed)) process.exitCode = 1
console.log(report(done))

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} file where a run of tests leaves its counts
 * @returns {Promise<import('./ci-report.mjs').Step>}
 */
async function run(command, args, file) {
  const name = [command, ...args].join(' ')
  console.log(`\n=== ${name}`)
  const start = performance.now()
  const env = { ...process.env, REFLINK_MERGE_COUNTS: file }
  const child = spawn(command, args, { cwd: root, env, stdio: ['inherit', 'pipe', 'pipe'] })
  let output = ''
  const pass = (/** @type {NodeJS.ReadableStream} */ from, /** @type {NodeJS.WriteStream} */ to) =>
    from.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      to.write(text)
      output = lastLines(output + text, linesKept)
    })
  pass(child.stdout, process.stdout)
  pass(child.stderr, process.stderr)
  await once(child, 'close')
  const seconds = (performance.now() - start) / 1000
  return { name, seconds, passed: child.exitCode === 0, counts: countsIn(file), output }
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
