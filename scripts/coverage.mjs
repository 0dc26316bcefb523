import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

const collected = join(root, 'coverage/tmp') // .c8rc.json reads it from there

/**
 * @returns {NodeJS.ProcessEnv} makes node and the node processes it starts write down what they ran
 */
export function collectCoverage() {
  rmSync(collected, { recursive: true, force: true })
  return { NODE_V8_COVERAGE: collected }
}

/**
 * Prints the coverage of lib/.
 * @param {{ enforce: boolean }} options enforce: the limit in .c8rc.json counts
 * @returns {boolean} whether it suffices
 */
export function reportCoverage({ enforce }) {
  const args = ['node_modules/c8/bin/c8.js', 'report', `--check-coverage=${String(enforce)}`]
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0
}
