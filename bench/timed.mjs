import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { parseJson } from './json.mjs'
import { timed } from './programs.mjs'

/**
 * @typedef {object} Command
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} [stdin] a file
 */

/**
 * @typedef {object} Usage
 * @property {number} ms wall time
 * @property {number} user CPU time in ms
 * @property {number} system CPU time in ms
 * @property {number} peak the most memory it had resident, bytes
 */

/**
 * Runs a command to its end.
 * @param {Command} command
 * @returns {Promise<{ usage: Usage, stdout: string }>} what the whole process took
 * @throws {Error} with what it complained of, if it failed
 */
export function runTimed({ command, args, stdin = '/dev/null' }) {
  const input = openSync(stdin, 'r')
  const child = spawn(timed, [command, ...args], { stdio: [input, 'pipe', 'pipe', 'pipe'] })
  closeSync(input)
  const [, stdout, stderr, report] = child.stdio.map(textOf)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) {
        const usage = /** @type {Usage} */ (parseJson(report?.() ?? ''))
        resolve({ usage, stdout: stdout?.() ?? '' })
      } else {
        const end = signal ?? `exit code ${String(code)}`
        reject(new Error(`${command} ${args.join(' ')}: ${end}\n${stderr?.() ?? ''}`))
      }
    })
  })
}

/** @param {import('node:stream').Readable | import('node:stream').Writable | null | undefined} stream */
function textOf(stream) {
  /** @type {unknown[]} */
  const chunks = []
  stream?.on('data', (chunk) => chunks.push(chunk))
  return () => chunks.map(String).join('')
}
