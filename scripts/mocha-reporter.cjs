'use strict'
// mocha's spec reporter, which also writes the outcome of a run as JSON to the file named by MOCHA_COUNTS: its counts, what
// failed and why, and how long each test took.

const { writeFileSync } = require('node:fs')
const path = require('node:path')
const { inspect } = require('node:util')
const { reporters, Runner } = require('mocha')

module.exports = class CountingReporter extends reporters.Spec {
  /**
   * @param {Mocha.Runner} runner
   * @param {Mocha.MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options)
    /** @type {import('./mocha.mjs').Timed[]} */
    const times = []
    runner.on(Runner.constants.EVENT_TEST_END, (test) => {
      times.push({ seconds: (test.duration ?? 0) / 1000, ...nameOf(test) })
    })
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      const failed = this.failures.map((test) => ({ ...nameOf(test), error: inspect(test.err) }))
      const counts = { passed: passes, failed: failures, skipped: pending, failures: failed }
      const all = { ...counts, unsteady: [], times }
      if (process.env.MOCHA_COUNTS) writeFileSync(process.env.MOCHA_COUNTS, JSON.stringify(all))
    })
  }
}

/** @param {Mocha.Test} test */
function nameOf(test) {
  return { file: path.relative(process.cwd(), test.file ?? ''), title: test.fullTitle() }
}
