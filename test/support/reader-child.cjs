// Reads a tree over and over while others change it, and tells everything that is no whole entry.
// Plain JavaScript: it has to read as often as it can.

/* eslint-disable @typescript-eslint/no-unsafe-assignment -- what is parsed has the type that its comment tells */

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

/**
 * @typedef {import('./readers').ReaderOrder} ReaderOrder
 * @typedef {import('./readers').ReaderReport} ReaderReport
 */

/** @type {ReaderOrder} */
const order = JSON.parse(fs.readFileSync(0, 'utf8'))
/** @type {ReaderReport} */
const report = { opens: 0, missing: 0, listings: 0, short: 0, faults: [] }
const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW
const faultsTold = 20

/** @param {string} fault */
function tell(fault) {
  if (report.faults.length < faultsTold) report.faults.push(fault)
}

/**
 * @template T
 * @param {() => T} call
 * @returns {T | undefined} nothing where there is nothing
 */
function unlessMissing(call) {
  try {
    return call()
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
    return undefined
  }
}

/**
 * @param {string} name
 * @param {ReaderOrder['files'][string]} expected
 */
function readFile(name, expected) {
  const fd = unlessMissing(() => fs.openSync(path.join(order.dest, name), flags))
  if (fd === undefined) {
    report.missing++
    if (expected.always) tell(`${name}: nothing`)
    return
  }
  report.opens++
  try {
    const { mode, size } = fs.fstatSync(fd)
    const hash = createHash('sha256').update(fs.readFileSync(fd)).digest('hex')
    const seen = `${(mode & 0o7777).toString(8)} ${size} ${hash}`
    if (expected.whole.includes(seen)) return
    if (expected.least > size) report.short++
    tell(`${name}: ${seen}`)
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * @param {string} directory
 * @param {readonly string[]} expected
 */
function readNames(directory, expected) {
  const names = unlessMissing(() => fs.readdirSync(path.join(order.dest, directory)))
  if (names === undefined) return
  report.listings++
  for (const name of names)
    if (
      !expected.includes(name) &&
      !(directory === '' && order.hidden && name.startsWith(order.hidden))
    )
      tell(`${directory}: holds ${name}`)
}

process.stdout.write('reading\n')
do {
  for (const [name, expected] of Object.entries(order.files)) readFile(name, expected)
  for (const [name, expected] of Object.entries(order.directories)) readNames(name, expected)
} while (!fs.existsSync(order.stop))
process.stdout.write(JSON.stringify(report))
