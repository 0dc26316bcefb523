// A merge, a session or recover() in a process of its own, which ends itself by SIGKILL at a step that is asked
// for. Plain JavaScript on dist/: a child that has to compile what it runs takes three times as long.

/* eslint-disable @typescript-eslint/no-unsafe-assignment -- what is required and parsed has the type that its comment tells */

const fs = require('node:fs')
const path = require('node:path')

const dist = path.resolve(__dirname, '../../dist')
/** @type {typeof import('../../lib/host')} */
const { defaultHost } = require(path.join(dist, 'host'))
/** @type {typeof import('../../lib/host/singles')} */
const { singles } = require(path.join(dist, 'host/singles'))
/** @type {typeof import('../../lib/merge')} */
const { mergeOn, recoverOn } = require(path.join(dist, 'merge'))
/** @type {typeof import('../../lib/session')} */
const { Session } = require(path.join(dist, 'session'))

/**
 * @typedef {import('../../lib/host/host').Host} Host
 * @typedef {import('../../lib/host/host').Outcomes} Outcomes
 * @typedef {import('../../lib/host/singles').Job} Job
 * @typedef {import('./killed').KillOrder} KillOrder
 */

/**
 * One name at a time, and before each one a step.
 * @param {Host} host
 * @param {() => void} step
 * @returns {Host}
 */
function stepwise(host, step) {
  /**
   * @template {Job} J
   * @template {unknown[]} A
   * @param {(jobs: readonly J[], ...rest: A) => Promise<Outcomes>} operation
   * @returns {(jobs: readonly J[], ...rest: A) => Promise<Outcomes>}
   */
  const writing =
    (operation) =>
    async (jobs, ...rest) => {
      /** @type {Outcomes[]} */
      const outcomes = []
      for (const job of singles(jobs)) {
        step()
        outcomes.push(await operation([job], ...rest))
      }
      return {
        errnos: Int32Array.from(outcomes.map(({ errnos }) => errnos[0] ?? 0)),
        syscall: (index) => outcomes[index]?.syscall(0) ?? '',
      }
    }

  return {
    ...host,
    async writeRecord(place, name, text) {
      step()
      return host.writeRecord(place, name, text)
    },
    clone: writing((jobs, options) => host.clone(jobs, options)),
    hardlink: writing((jobs) => host.hardlink(jobs)),
    copy: writing((jobs, options) => host.copy(jobs, options)),
    symlink: writing((jobs) => host.symlink(jobs)),
    mkdir: writing((jobs, exact) => host.mkdir(jobs, exact)),
    chmod: writing((jobs) => host.chmod(jobs)),
    copyTimes: writing((jobs) => host.copyTimes(jobs)),
    rename: writing((jobs, replace) => host.rename(jobs, replace)),
    unlink: writing((jobs) => host.unlink(jobs)),
    rmdir: writing((jobs) => host.rmdir(jobs)),
  }
}

/**
 * @param {Host} host
 * @param {KillOrder} order
 */
async function run(host, { what, sources, dest, options }) {
  if (what === 'recover') return recoverOn(host, dest)
  if (what === 'merge') return mergeOn(host, sources, dest, options)
  const session = await Session.open(host, dest, options)
  await Promise.all([...sources.entries()].map(([rank, source]) => session.add(source, { rank })))
  return session.commit()
}

async function main() {
  /** @type {KillOrder} */
  const order = JSON.parse(fs.readFileSync(0, 'utf8'))
  let steps = 0
  const host = stepwise(defaultHost, () => {
    steps++
    if (order.at === steps) process.kill(process.pid, 'SIGKILL')
  })
  const result = await run(host, order)
  process.stdout.write(JSON.stringify({ steps, result }))
}

void main()
