'use strict'
// mocha's spec reporter, which also writes its counts, and the titles of what failed, as JSON to the file that MOCHA_COUNTS names.

const { writeFileSync } = require('node:fs')
const { reporters, Runner } = require('mocha')

module.exports = class CountingReporter extends reporters.Spec {
  /**
   * @param {Mocha.Runner} runner
   * @param {Mocha.MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options)
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      const titles = this.failures.map((test) => test.fullTitle())
      const counts = { passed: passes, failed: failures, skipped: pending, titles }
      if (process.env.MOCHA_COUNTS) writeFileSync(process.env.MOCHA_COUNTS, JSON.stringify(counts))
    })
  }
}
