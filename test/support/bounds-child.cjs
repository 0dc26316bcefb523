// One merge in a process of its own that watches itself: its event loop, and how long others wait for the thread
// pool meanwhile. Plain JavaScript on dist/, so that nothing but the merge is measured.

/* eslint-disable @typescript-eslint/no-unsafe-assignment -- what is required and parsed has the type that its comment tells */

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { monitorEventLoopDelay } = require('node:perf_hooks')

/** @type {typeof import('../../lib/index')} */
const { merge } = require(path.resolve(__dirname, '../../dist'))

/** @type {import('./bounds').BoundsOrder} */
const { sources, dest, options, crowd, watch } = JSON.parse(fs.readFileSync(0, 'utf8'))
const own = path.join(path.dirname(dest), 'read-meanwhile')

/**
 * Takes every descriptor that is left for so many ms, gives them back for as long, and so on.
 * @param {number} ms
 */
function crowdOut(ms) {
  let most = 0
  /** @type {number[]} */
  const taken = []
  const giveBack = () => {
    for (const fd of taken.splice(0)) fs.closeSync(fd)
  }
  const take = () => {
    try {
      for (;;) taken.push(fs.openSync('/dev/null', 'r'))
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EMFILE') throw error
    }
    most = Math.max(most, taken.length)
  }
  take()
  const timer = setInterval(() => {
    if (taken.length > 0) giveBack()
    else take()
  }, ms)
  return () => {
    clearInterval(timer)
    giveBack()
    return most
  }
}

/**
 * Runs a call over and over until told to end; how long each took, in ms, in ascending order.
 * @param {() => Promise<unknown>} call
 * @param {() => boolean} isOver
 */
async function timesOf(call, isOver) {
  const times = []
  while (!isOver()) {
    const begin = performance.now()
    await call()
    times.push(performance.now() - begin)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return times.sort((a, b) => a - b)
}

const hash = () =>
  new Promise((resolve, reject) => {
    crypto.pbkdf2('secret', 'salt', 1000, 32, 'sha256', (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })

async function main() {
  const stopCrowding = crowd === undefined ? () => 0 : crowdOut(crowd)
  const delays = monitorEventLoopDelay({ resolution: 1 })
  let isOver = false
  /** @type {Promise<number[]>[]} */
  const meanwhile = []
  if (watch === true) {
    fs.writeFileSync(own, 'read')
    meanwhile.push(
      timesOf(
        () => fs.promises.readFile(own),
        () => isOver,
      ),
    )
    meanwhile.push(timesOf(hash, () => isOver))
  }
  delays.enable()
  const result = await merge(sources, dest, options)
  delays.disable()
  const crowded = stopCrowding()
  isOver = true
  const [reads = [], hashes = []] = await Promise.all(meanwhile)
  /** @type {Omit<Awaited<ReturnType<typeof import('./bounds').bounded>>, 'descriptors'>} */
  const report = {
    files: result.files,
    containment: result.containment,
    crowded,
    total: result.duration.total,
    // The timer that measures has a resolution of one ms, which is no delay.
    loop: { p99: delays.percentile(99) / 1e6 - 1, max: delays.max / 1e6 - 1 },
    reads,
    hashes,
    rss: process.memoryUsage.rss(),
  }
  process.stdout.write(JSON.stringify(report))
}

void main()
