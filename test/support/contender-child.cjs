// Random merges into one dest that many processes share, one after the other; tells on a line when each of them has
// dest's lock, and how it ended. May kill itself on the way. Plain JavaScript.

/* eslint-disable @typescript-eslint/no-unsafe-assignment -- what is required and parsed has the type that its comment tells */
/* eslint-disable @typescript-eslint/unbound-method -- a host's functions need no `this` */

const fs = require('node:fs')

/**
 * @typedef {import('./contenders').Contest} Contest
 * @typedef {import('./contenders').Event} Event
 * @typedef {import('../../lib/host/host').Host} Host
 */

/** @type {Contest} */
const { dest, log, merges, internals } = JSON.parse(fs.readFileSync(0, 'utf8'))
/** @type {typeof import('./internals')} */
const { defaultHost, mergeOn, Session } = require(internals)
const out = fs.openSync(log, 'a')
const die = () => process.kill(process.pid, 'SIGKILL')

/** @param {Event} event */
function tell(event) {
  // In one write, so that lines of many processes do not mix; and at once, since a kill may follow.
  fs.writeSync(out, `${JSON.stringify(event)}\n`)
}

/**
 * The host of one merge: tells when it gets dest's lock, and may end the process before its n-th change.
 * @param {number} id
 * @param {number | undefined} killAt
 * @returns {Host}
 */
function hostOf(id, killAt) {
  let changes = 0
  /**
   * @template {unknown[]} A
   * @template R
   * @param {(...args: A) => R} call
   */
  const changing =
    (call) =>
    (/** @type {A} */ ...args) => {
      if (++changes === killAt) die()
      return call(...args)
    }
  return {
    ...defaultHost,
    tryLock(directory) {
      const errno = defaultHost.tryLock(directory)
      // The clock is one for all processes. The last such line of a merge is of its commit.
      if (errno === 0 && directory.path === dest)
        tell({ id, what: 'locked', at: process.hrtime.bigint().toString() })
      return errno
    },
    mkdir: changing(defaultHost.mkdir),
    clone: changing(defaultHost.clone),
    rename: changing(defaultHost.rename),
    hardlink: changing(defaultHost.hardlink),
    unlink: changing(defaultHost.unlink),
    rmdir: changing(defaultHost.rmdir),
    writeRecord: changing(defaultHost.writeRecord),
  }
}

/** @param {Contest['merges'][number]} order */
async function run({ id, sources, options, inSession, killAt, killAfter }) {
  const host = hostOf(id, killAt)
  tell({ id, what: 'began' })
  const timer = killAfter === undefined ? undefined : setTimeout(die, killAfter)
  try {
    const result = inSession
      ? await session(host, sources, options)
      : await mergeOn(host, sources, dest, options)
    const { created, replaced, kept, unchanged } = result
    tell({ id, what: 'done', counts: { created, replaced, kept, unchanged } })
  } catch (error) {
    const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error)
    tell({ id, what: 'failed', code, message })
  }
  clearTimeout(timer)
}

/**
 * @param {Host} host
 * @param {Contest['merges'][number]['sources']} sources
 * @param {Contest['merges'][number]['options']} options
 */
async function session(host, sources, options) {
  const opened = await Session.open(host, dest, options)
  for (const source of sources) void opened.add(source)
  return opened.commit()
}

async function main() {
  for (const order of merges) await run(order)
}

void main()
