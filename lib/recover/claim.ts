import { setTimeout as sleep } from 'node:timers/promises'
import { errno } from '../errno'
import { SystemError } from '../errors'
import { pathOf, type Directory, type Host } from '../host/host'
import { currentOwner, fromMarkText, isAlive } from '../records'
import { claimName } from './claim-names'
import { readRecord } from './mark'

/** Keeps other recoveries from a staging directory, also where there are no locks. */
export interface Claim {
  release(): Promise<void>
}

/** Undefined where another recovery is at it. Those that were killed count no more; each has a number of its own. */
export async function claim(host: Host, directory: Directory): Promise<Claim | undefined> {
  const place = { base: directory, path: '' }
  for (let number = 0; ; number++) {
    const name = claimName(number)
    const owner = { version: 2, ...currentOwner(false), dest: '' }
    const { errno: failed, syscall } = await host.writeRecord(place, name, JSON.stringify(owner))
    if (failed === 0) {
      return {
        release: async () => {
          await host.unlink([{ to: place, names: [name] }])
        },
      }
    }
    if (failed !== errno.EEXIST)
      throw new SystemError(failed, { syscall, path: pathOf(place, name) })
    if (await isHeld(host, directory, name)) return undefined
  }
}

// ms. To write a claim takes less than one.
const longestWrite = 200
const pause = 10

async function isHeld(host: Host, directory: Directory, name: string): Promise<boolean> {
  for (const end = performance.now() + longestWrite; ;) {
    const text = await readRecord(host, { base: directory, path: '' }, name)
    if (text === undefined) return false
    try {
      return isAlive(fromMarkText(text)) !== false
    } catch {
      // It is being written, or its owner was killed while it was.
      if (performance.now() >= end) return false
      await sleep(pause)
    }
  }
}
