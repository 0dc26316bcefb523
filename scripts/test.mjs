// npm test: the whole suite, with coverage.
// npm test -- <file, directory or mocha option>...: a part of it.
// npm run test:asan, npm run test:tsan: the same with the addon built under sanitizers.
// The last line tells the counts. With CI=true a skipped test fails the run.

import { readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { collectCoverage, reportCoverage } from './coverage.mjs'
import { runMocha, runMochaShares } from './mocha.mjs'
import { root } from './run.mjs'
import { buildSanitized } from './sanitizers.mjs'
import { ensureBuilt, ensureDependencies, ensureSystemTools } from './setup.mjs'

const flag = '--sanitizer='
const [first = '', ...rest] = process.argv.slice(2)
const sanitizer = first.startsWith(flag) ? first.slice(flag.length) : undefined
const chosen = sanitizer === undefined ? process.argv.slice(2) : rest
const inCI = process.env.CI === 'true'
const measured = sanitizer === undefined && chosen.length === 0

/** Browsers, compilers and npm do not take a preloaded sanitizer, and none of these tests is about native code. */
const notSanitized = ['bench', 'documents', 'figures', 'package'].map((name) => join('test', name))

ensureDependencies()
ensureBuilt()
// What stays missing makes tests pending, and they are listed with their reason at the end.
ensureSystemTools({
  ...{ btrfs: true, xfs: true, exfat: true, exfatFuse: true, bindfs: true, strace: true },
  chromium: true, // for the page of `reflink-merge bench --html`
})

const env = {
  ...(sanitizer === undefined ? {} : buildSanitized(sanitizer)),
  ...(measured ? collectCoverage() : {}),
}
const args = inCI ? ['--forbid-only'] : []
const counts =
  chosen.length === 0
    ? await runMochaShares(shares(), args, env)
    : await runMocha([...args, ...specs(chosen)], env)

// Without all volumes a part of the suite did not run, and its coverage says nothing.
const covered = !measured || reportCoverage({ enforce: counts.skipped === 0 })
const complete = !inCI || counts.skipped === 0
if (counts.failed > 0 || !covered || !complete) process.exitCode = 1
if (!complete) console.error('CI=true: nothing may be skipped.')
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)

/**
 * All tests in two halves, since many of them wait for processes and disks. Dealt out in turn: neighbours take alike long.
 */
function shares() {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .filter((name) => !sanitizer || !notSanitized.some((path) => name.startsWith(path)))
    .sort()
  const count = Math.min(2, availableParallelism())
  return Array.from({ length: count }, (_, share) =>
    files.filter((_file, index) => index % count === share),
  )
}

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
