import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './run.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number, titles: string[] }} Counts `titles`: of what failed */

/**
 * Runs mocha in a process of its own.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env added to this process's
 * @param {string} [node] default: this process's
 * @returns {Promise<Counts>} A run that ended badly has at least one failure, whatever it reported.
 */
export function runMocha(args, env, node = process.execPath) {
  return run(args, env, node, 'inherit')
}

/**
 * Runs shares of the tests side by side, each in a process of its own. What the first one prints is seen at once, what
 * the others print when it is through.
 * @param {readonly (readonly string[])[]} shares files
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Counts>} of all together
 */
export async function runMochaShares(shares, args, env) {
  const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-shares-'))
  try {
    const runs = shares.map((files, index) => {
      const log = join(dir, String(index))
      const output = index === 0 ? 'inherit' : openSync(log, 'a')
      const counts = run([...args, ...files], env, process.execPath, output)
      return { counts, log, output }
    })
    /** @type {Counts} */
    const all = { passed: 0, failed: 0, skipped: 0, titles: [] }
    for (const { counts, log, output } of runs) {
      const { passed, failed, skipped, titles } = await counts
      all.passed += passed
      all.failed += failed
      all.skipped += skipped
      all.titles.push(...titles)
      if (typeof output !== 'number') continue
      closeSync(output)
      process.stdout.write(readFileSync(log))
    }
    return all
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/**
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} node
 * @param {'inherit' | number} output where stdout and stderr go
 * @returns {Promise<Counts>}
 */
async function run(args, env, node, output) {
  const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-counts-'))
  const file = join(dir, 'counts.json')
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
    console.error(`The test process ended with ${end}${when}.`)
    return { passed: 0, skipped: 0, titles: [], ...counts, failed: 1 }
  } finally {
    rmSync(dir, { recursive: true })
  }
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
