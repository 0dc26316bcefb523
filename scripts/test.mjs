// npm test: the whole suite, with coverage.
// npm test -- <file, directory or mocha option>...: a part of it.
// npm run test:asan, npm run test:tsan: the same with the addon built under sanitizers.
// The last line tells the counts. With CI=true a skipped test fails the run.

import { statSync } from 'node:fs'
import { collectCoverage, reportCoverage } from './coverage.mjs'
import { runMocha } from './mocha.mjs'
import { buildSanitized } from './sanitizers.mjs'
import { ensureBuilt, ensureDependencies, ensureSystemTools } from './setup.mjs'

const flag = '--sanitizer='
const [first = '', ...rest] = process.argv.slice(2)
const sanitizer = first.startsWith(flag) ? first.slice(flag.length) : undefined
const chosen = sanitizer === undefined ? process.argv.slice(2) : rest
const inCI = process.env.CI === 'true'
const measured = sanitizer === undefined && chosen.length === 0

ensureDependencies()
ensureBuilt()
// What stays missing makes tests pending, and they are listed with their reason at the end.
ensureSystemTools({
  ...{ btrfs: true, xfs: true, exfat: true, exfatFuse: true, strace: true },
  chromium: true, // for the page of `reflink-merge bench --html`
})

const env = {
  ...(sanitizer === undefined ? {} : buildSanitized(sanitizer)),
  ...(measured ? collectCoverage() : {}),
}
const counts = runMocha([...(inCI ? ['--forbid-only'] : []), ...specs(chosen)], env)

// Without all volumes a part of the suite did not run, and its coverage says nothing.
const covered = !measured || reportCoverage({ enforce: counts.skipped === 0 })
const complete = !inCI || counts.skipped === 0
if (counts.failed > 0 || !covered || !complete) process.exitCode = 1
if (!complete) console.error('CI=true: nothing may be skipped.')
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)

/**
 * The arguments for mocha: a directory stands for the tests in it, and none at all for every test.
 * @param {readonly string[]} args
 */
function specs(args) {
  const named = args.some((arg) => /^(?:\.\/)?test(?:\/|$)/.test(arg))
  const all = named ? args : [...args, 'test']
  return all.map((arg) => (isDirectory(arg) ? `${arg}/**/*.test.ts` : arg))
}

/** @param {string} path */
function isDirectory(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
