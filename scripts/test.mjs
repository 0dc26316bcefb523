// npm test: the whole suite, with coverage.
// npm test -- <file, directory or mocha option>...: a part of it.
// npm run test:asan, npm run test:tsan: the same with the addon built under sanitizers, less what says nothing about the
// addon; `npm run test:asan -- <file or directory>...` runs whatever is named.
// The last line has the counts. With CI=true a skipped test fails the run. REFLINK_MERGE_COUNTS names the file to which the
// counts, the failures and the time of each test are written.

import { writeFileSync } from 'node:fs'
import { collectCoverage, reportCoverage } from './coverage.mjs'
import { countsLine, runMocha, runMochaPieces } from './mocha.mjs'
import { inPieces, testFiles } from './pieces.mjs'
import { buildSanitized } from './sanitizers.mjs'
import { ensureBuilt, ensureDependencies, ensureSystemTools } from './setup.mjs'

const flag = '--sanitizer='
const [first = '', ...rest] = process.argv.slice(2)
const sanitizer = first.startsWith(flag) ? first.slice(flag.length) : undefined
const chosen = sanitizer === undefined ? process.argv.slice(2) : rest
const inCI = process.env.CI === 'true'
const measured = sanitizer === undefined && chosen.length === 0

/** What drives the addon in ways that nothing else here does; the rest calls the same native code, many times. */
const sanitized = [
  ...['test/host/', 'test/addon.test.ts', 'test/binding.test.ts', 'test/clone.test.ts'],
  ...['test/attributes.test.ts', 'test/file-maps.test.ts', 'test/specials.test.ts'],
  ...['test/source-changed.test.ts', 'test/durability.test.ts', 'test/inner-mount.test.ts'],
  ...['test/stage/', 'test/scale/', 'test/faults/whole-trees.test.ts'],
  ...['test/commit/undo.test.ts', 'test/commit/made-dest.test.ts', 'test/lifecycle/exact.test.ts'],
  ...['test/races/adversary.test.ts', 'test/races/swapped-way.test.ts'],
  ...['test/bounds/descriptors.test.ts', 'test/plan/settled.test.ts', 'test/probe.test.ts'],
]

ensureDependencies()
ensureBuilt()
// What stays missing makes tests pending, and they are listed with their reason at the end.
ensureSystemTools({
  ...{ btrfs: true, xfs: true, exfat: true, exfatFuse: true, bindfs: true, strace: true },
  ...{ acl: true, chattr: true },
  chromium: true, // for the page of `reflink-merge bench --html`
  ...{ zsh: true, fish: true }, // for `reflink-merge completion`
})

const env = {
  ...(sanitizer === undefined ? {} : buildSanitized(sanitizer)),
  ...(measured ? collectCoverage() : {}),
}
const args = inCI ? ['--forbid-only'] : []
const counts = await runChosen()
const resultFile = process.env.REFLINK_MERGE_COUNTS
if (resultFile !== undefined) writeFileSync(resultFile, JSON.stringify(counts))

// Without all volumes a part of the suite did not run, and its coverage says nothing.
const covered = !measured || reportCoverage({ enforce: counts.skipped === 0 })
const complete = !inCI || counts.skipped === 0
if (counts.failed > 0 || !covered || !complete) process.exitCode = 1
if (!complete) console.error('CI=true: nothing may be skipped.')
console.log(countsLine(counts))

function runChosen() {
  if (chosen.length === 0) {
    const files = testFiles(['test']).filter(
      (file) => sanitizer === undefined || sanitized.some((path) => file.startsWith(path)),
    )
    return runMochaPieces(inPieces(files), args, env, { retries: inCI })
  }
  const options = chosen.filter((each) => !/^(?:\.\/)?test(?:\/|$)/.test(each))
  const files = testFiles(options.length < chosen.length ? pathsIn(chosen) : ['test'])
  // A pattern for titles may match in one file only, and mocha takes a run without any test for a failure.
  if (options.length > 0 || files.length === 1)
    return runMocha([...args, ...options, ...files], env)
  return runMochaPieces(inPieces(files), args, env)
}

/** @param {readonly string[]} args */
function pathsIn(args) {
  return args
    .filter((arg) => /^(?:\.\/)?test(?:\/|$)/.test(arg))
    .map((arg) => arg.replace(/^\.\//, '').replace(/\/$/, ''))
}
