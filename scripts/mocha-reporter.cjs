'use strict'
// mocha's spec reporter, which also writes what a run came to as JSON to the file that MOCHA_COUNTS names: its counts, the
// titles of what failed, and how long each test took.

const { writeFileSync } = require('node:fs')
const path = require('node:path')
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
      const file = path.relative(process.cwd(), test.file ?? '')
      times.push({ seconds: (test.duration ?? 0) / 1000, file, title: test.fullTitle() })
    })
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      const titles = this.failures.map((test) => test.fullTitle())
      const counts = { passed: passes, failed: failures, skipped: pending, titles, times }
      if (process.env.MOCHA_COUNTS) writeFileSync(process.env.MOCHA_COUNTS, JSON.stringify(counts))
    })
  }
}
