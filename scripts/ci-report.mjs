import { countsLine, total } from './mocha.mjs'

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {number} seconds
 * @property {boolean} passed
 * @property {import('./mocha.mjs').Counts} counts
 * @property {string} output the last lines that it printed
 */

const slowest = 20
/** Only the end of a log is shown where CI runs: all failures together get about so many lines. */
const linesOfFailures = 120
const widest = 400

/**
 * The end of .ci/run: what failed and why, the slowest tests, the time of each step, and in the last line the counts.
 * @param {readonly Step[]} steps
 */
export function report(steps) {
  return [
    ...unsteadyTests(steps),
    ...failures(steps),
    ...slowestTests(steps),
    '\nThe steps:',
    ...steps.map(
      ({ name, seconds, passed }) => `${inSeconds(seconds)}  ${name}${passed ? '' : ': FAILED'}`,
    ),
    `${inSeconds(steps.reduce((sum, { seconds }) => sum + seconds, 0))}  all of them`,
    countsLine(total(steps.map(({ counts }) => counts))),
  ].join('\n')
}

/**
 * Each of them is a fault, of the product or of the test, though CI passes.
 * @param {readonly Step[]} steps
 */
function unsteadyTests(steps) {
  const all = steps.flatMap(({ name, counts }) => counts.unsteady.map((each) => toItem(name, each)))
  return all.length === 0 ? [] : listing('What failed, and passed when it was run again', all, 40)
}

/** @param {readonly Step[]} steps */
function failures(steps) {
  const all = steps.flatMap(failuresOf)
  return all.length === 0 ? [] : listing('What failed', all, linesOfFailures)
}

/**
 * @param {string} name of the step
 * @param {import('./mocha.mjs').Failure} failure
 */
function toItem(name, { file, title, error }) {
  return { heading: `${name}: ${file}: ${title}`, error, isTail: false }
}

/**
 * @param {string} title
 * @param {readonly { heading: string, error: string, isTail: boolean }[]} all
 * @param {number} room lines
 */
function listing(title, all, room) {
  const lines = Math.min(30, Math.max(3, Math.floor(room / all.length) - 2))
  return [
    `\n${title} (${String(all.length)}):`,
    ...all.flatMap(({ heading, error, isTail }) => {
      const own = error.trimEnd().split('\n')
      const shown = isTail ? own.slice(-lines) : own.slice(0, lines)
      return ['', heading, ...shown.map((line) => `    ${line.slice(0, widest)}`)]
    }),
  ]
}

/**
 * A step may fail for another reason than its tests, its coverage for example: then the end of its output says why.
 * @param {Step} step
 */
function failuresOf({ name, passed, counts, output }) {
  const tests = counts.failures.map((failure) => toItem(name, failure))
  if (passed || tests.length > 0) return tests
  return [{ heading: `${name}: its output ended with`, error: output, isTail: true }]
}

/** @param {readonly Step[]} steps */
function slowestTests(steps) {
  const times = steps.flatMap(({ name, counts }) => counts.times.map((time) => ({ name, ...time })))
  times.sort((a, b) => b.seconds - a.seconds)
  return [
    `\nThe ${String(slowest)} slowest tests:`,
    ...times
      .slice(0, slowest)
      .map(({ name, seconds, file, title }) => `${inSeconds(seconds)}  ${name}: ${file}: ${title}`),
  ]
}

/** @param {number} seconds */
function inSeconds(seconds) {
  return `${seconds.toFixed(1).padStart(8)} s`
}
