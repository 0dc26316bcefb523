import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { Counts } from '../scripts/mocha.mjs'
import { runNode } from './support/child'
import { freshDir } from './support/fresh'

const root = path.join(__dirname, '..')
const none: Counts = { passed: 0, failed: 0, skipped: 0, failures: [], unsteady: [], times: [] }

const failing = `
it('passes', () => {})
describe('sums', () => {
  it('add up', () => { throw new Error('one line\\nand another') })
  it('have a limit', () => { throw new Error('a line\\n'.repeat(50)) })
})`

const reporting = `
import { runMochaPieces } from './scripts/mocha.mjs'
import { report } from './scripts/ci-report.mjs'
const counts = await runMochaPieces([process.argv.slice(1)], [], {}, { retries: true })
console.log(report([{ name: 'npm test', seconds: 1, passed: false, counts, output: '' }]))
`

// By a file, since what runs it again is another process.
const unsteady = `
const fs = require('node:fs')
it('passes', () => {})
it('passes the second time', () => {
  if (fs.existsSync(__filename + '.ran')) return
  fs.writeFileSync(__filename + '.ran', '')
  throw new Error('the first time')
})`

describe('the report at the end of .ci/run', () => {
  it('shows each failed test with its step, file, title and the beginning of its error', async () => {
    const file = path.join(freshDir(), 'failing.test.cjs')
    fs.writeFileSync(file, failing)
    // In a process of its own: what fails there is printed, and has not failed here.
    const { stdout } = await runNode(['--input-type=module', '-e', reporting, file], { cwd: root })
    const lines = stdout.trimEnd().split('\n')

    const named = path.relative(root, file)
    const first = lines.indexOf(`npm test: ${named}: sums add up`)
    assert.deepEqual(lines.slice(first - 3, first + 3), [
      '',
      'What failed (2):',
      '',
      `npm test: ${named}: sums add up`,
      '    Error: one line',
      '    and another',
    ])
    const second = lines.indexOf(`npm test: ${named}: sums have a limit`)
    const end = lines.indexOf('', second)
    assert.equal(end - second - 1, 30)
    assert.equal(lines[end + 1], 'The 20 slowest tests:')
    assert.equal(lines.at(-1), '1 passed, 2 failed, 0 skipped')
  })

  it('lists what failed, and passed when it was run again', async () => {
    const file = path.join(freshDir(), 'unsteady.test.cjs')
    fs.writeFileSync(file, unsteady)
    const { stdout } = await runNode(['--input-type=module', '-e', reporting, file], { cwd: root })
    const lines = stdout.trimEnd().split('\n')

    const heading = 'What failed, and passed when it was run again (1):'
    assert.deepEqual(lines.slice(lines.indexOf(heading), lines.indexOf(heading) + 4), [
      heading,
      '',
      `npm test: ${path.relative(root, file)}: passes the second time`,
      '    Error: the first time',
    ])
    assert.equal(lines.at(-1), '2 passed, 0 failed, 0 skipped')
  })

  it('fits into the end of a log, however many tests failed', async () => {
    const failures = Array.from({ length: 25 }, (_, index) => ({
      file: 'a.test.ts',
      title: `number ${String(index)}`,
      error: 'a line\n'.repeat(100),
    }))
    const lines = await linesOf({ ...none, failed: 25, failures }, '')
    assert.ok(lines.includes('npm test: a.test.ts: number 0'))
    assert.ok(lines.length < 180, String(lines.length))
  })

  it('shows the end of the output of a step that failed without a failed test', async () => {
    const output = `${'before\n'.repeat(50)}ERROR: Coverage for lines (94%) is too low\n`
    const lines = await linesOf(none, output)
    assert.ok(lines.includes('    ERROR: Coverage for lines (94%) is too low'))
    assert.equal(lines.filter((line) => line === '    before').length, 29)
  })
})

/** What is printed where the only step failed. */
async function linesOf(counts: Counts, output: string): Promise<string[]> {
  const { report } = await import('../scripts/ci-report.mjs')
  return report([{ name: 'npm test', seconds: 1, passed: false, counts, output }]).split('\n')
}
