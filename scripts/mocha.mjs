import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './run.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * Runs mocha in a process of its own.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env added to this process's
 * @param {string} [node] default: this process's
 * @returns {Counts} A run that ended badly has at least one failure, whatever it reported.
 */
export function runMocha(args, env, node = process.execPath) {
  const dir = mkdtempSync(join(tmpdir(), 'reflink-merge-counts-'))
  const file = join(dir, 'counts.json')
  const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter=scripts/mocha-reporter.cjs']
  try {
    const { status, signal } = spawnSync(node, [...mocha, ...args], {
      cwd: root,
      env: { ...process.env, ...env, MOCHA_COUNTS: file },
      stdio: 'inherit',
    })
    const counts = readCounts(file)
    if (counts !== undefined && (status === 0 || counts.failed > 0)) return counts
    const end = signal ?? `exit code ${String(status)}`
    console.error(
      `The test process ended with ${end}${counts ? '' : ' before mocha could report'}.`,
    )
    return { passed: 0, skipped: 0, ...counts, failed: 1 }
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
