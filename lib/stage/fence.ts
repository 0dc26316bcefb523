import { setTimeout as sleep } from 'node:timers/promises'
import { identityLength, ownerAccess, type Host, type Place } from '../host/host'
import { makeDirectories, throwIfFailed } from '../host/trees'

// ms. Kernels without finer time stamps stamp changes with a clock that ticks every 1 to 10 ms.
const longestTick = 50

// ns. A file system that keeps no finer times has a clock that would take too long to wait for.
const coarsestTick = 10_000_000n

const names = ['fence-0', 'fence-1'] as const

/**
 * A time by the clock of the file system that is later than the ctime of all that was done before, and not later than that
 * of anything that comes: a directory is renamed until its ctime has moved. 0 where that cannot be had: times are too
 * coarse, or a rename leaves the ctime as it is.
 */
export async function fence(host: Host, at: Place): Promise<bigint> {
  const [first, second] = names
  await makeDirectories(host, at, [{ path: first, mode: ownerAccess }])
  let name: string = first
  const before = await ctimeOf(host, at, name)
  let after = before
  const end = performance.now() + longestTick
  while (after <= before && before % coarsestTick !== 0n && performance.now() < end) {
    if (name === second) await sleep(1)
    const next = name === first ? second : first
    const job = { from: at, to: at, names: [name], toNames: [next] }
    throwIfFailed([job], await host.rename([job], true))
    name = next
    after = await ctimeOf(host, at, name)
  }
  const jobs = [{ to: at, names: [name] }]
  throwIfFailed(jobs, await host.rmdir(jobs))
  return after > before ? after : 0n
}

async function ctimeOf(host: Host, to: Place, name: string): Promise<bigint> {
  const jobs = [{ to, names: [name] }]
  const stats = await host.stat(jobs)
  throwIfFailed(jobs, stats)
  return stats.identities[identityLength - 1] ?? 0n
}
