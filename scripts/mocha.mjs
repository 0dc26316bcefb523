import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { inTurn } from './in-turn.mjs'
import { root } from './run.mjs'

/**
 * @typedef {{ seconds: number, file: string, title: string }} Timed a test
 * @typedef {{ file: string, title: string, error: string, isCrash?: boolean }} Failure a test, or a whole process
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {Failure[]} failures
 * @property {Failure[]} unsteady what failed, and passed when it was run again
 * @property {Timed[]} times
 */

/**
 * Runs mocha in a process of its own.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env added to this process's
 * @param {string} [node] default: this process's
 * @returns {Promise<Counts>} A run that ended badly has at least one failure, whatever it reported.
 */
export function runMocha(args, env, node = process.execPath) {
  return run(args, env, node)
}

/**
 * Runs pieces of the tests, two at a time, each in a process of its own, since many tests wait for processes and disks.
 * What a piece prints is shown when it is through.
 * @param {readonly (readonly string[])[]} pieces files; the ones that take long first
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {{ retries?: boolean }} [options] with `retries` the files in which a test failed run once more when all others are
 *   through, with nothing beside them; what passes then is listed as unsteady
 * @returns {Promise<Counts>} of all together
 */
export async function runMochaPieces(pieces, args, env, { retries = false } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-pieces-'))
  try {
    const width = Math.min(2, availableParallelism())
    const each = await inTurn([...pieces.entries()], width, async ([index, files]) => {
      const log = join(dir, String(index))
      const counts = await run([...args, ...files], env, process.execPath, log)
      process.stdout.write(readFileSync(log))
      return { files, counts }
    })
    if (!retries) return total(each.map(({ counts }) => counts))
    const settled = await inTurn(each, 1, ({ files, counts }) =>
      counts.failed === 0 ? Promise.resolve(counts) : runAgain(files, counts, args, env),
    )
    return total(settled)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/**
 * @param {readonly string[]} files
 * @param {Counts} first what came of them
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Counts>} `first` as it is where anything fails again
 */
async function runAgain(files, first, args, env) {
  const hasCrashed = first.failures.some(({ isCrash }) => isCrash)
  const failed = new Set(first.failures.map(({ file }) => file))
  const again = files.filter(
    (file) => hasCrashed || failed.has(relative(root, resolve(root, file))),
  )
  console.log(`\nOnce more, since something failed: ${again.join(' ')}`)
  const second = await run([...args, ...again], env, process.execPath)
  if (second.failed > 0) return first
  const { passed, failures } = first
  const counts = hasCrashed ? second : { ...first, passed: passed + first.failed, failed: 0 }
  return { ...counts, failures: [], unsteady: failures }
}

/**
 * @param {readonly Counts[]} each
 * @returns {Counts}
 */
export function total(each) {
  /** @type {Counts} */
  const all = { passed: 0, failed: 0, skipped: 0, failures: [], unsteady: [], times: [] }
  for (const { passed, failed, skipped, failures, unsteady, times } of each) {
    all.passed += passed
    all.failed += failed
    all.skipped += skipped
    all.failures = all.failures.concat(failures)
    all.unsteady = all.unsteady.concat(unsteady)
    all.times = all.times.concat(times)
  }
  return all
}

/**
 * The last line of a run.
 * @param {Counts} counts
 */
export function countsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/**
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} node
 * @param {string} [log] the file that stdout and stderr go to; default: those of this process
 * @returns {Promise<Counts>}
 */
async function run(args, env, node, log) {
  const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-counts-'))
  const file = join(dir, 'counts.json')
  const output = log === undefined ? 'inherit' : openSync(log, 'a')
  const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter=scripts/mocha-reporter.cjs']
  try {
    const child = spawn(node, [...mocha, ...args], {
      cwd: root,
      env: { ...process.env, ...env, MOCHA_COUNTS: file },
      stdio: ['inherit', output, output],
    })
    /** @type {string} */
    const end = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status, signal) => {
        resolve(signal ?? `exit code ${String(status)}`)
      })
    })
    const counts = readCounts(file)
    if (counts !== undefined && (end === 'exit code 0' || counts.failed > 0)) return counts
    const when = counts ? '' : ' before mocha could report'
    const title = `The test process ended with ${end}${when}.`
    console.error(title)
    const error = log === undefined ? '' : lastLines(readFileSync(log, 'utf8').trimEnd(), 30)
    const failed = args.filter((arg) => arg.endsWith('.ts')).join(' ')
    const failure = { file: failed, title, error, isCrash: true }
    const nothing = { passed: 0, skipped: 0, unsteady: [], times: [] }
    return { ...nothing, ...counts, failed: 1, failures: [failure] }
  } finally {
    if (output !== 'inherit') closeSync(output)
    rmSync(dir, { recursive: true })
  }
}

/**
 * @param {string} text
 * @param {number} count
 */
export function lastLines(text, count) {
  return text.split('\n').slice(-count).join('\n')
}

/**
 * @param {string} file
 * @returns {Counts | undefined} nothing if mocha ended before it could report
 */
function readCounts(file) {
  try {
    /** @type {unknown} */
    const counts = JSON.parse(readFileSync(file, 'utf8'))
    return /** @type {Counts} */ (counts)
  } catch {
    return undefined
  }
}
