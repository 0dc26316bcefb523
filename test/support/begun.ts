import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { killed, type KillOrder } from './killed'

// By order: a merge takes the same steps each time.
const steps = new Map<string, number>()

/**
 * Kills a merge into `dest` once it has published something, and answers its staging directory. `isFar`: tells by what dest
 * holds; each try starts anew, in a copy of dest.
 */
export async function begunMerge(
  { dest, ...order }: Omit<KillOrder, 'what' | 'at'>,
  isFar: (dest: string) => boolean,
): Promise<string> {
  const before = `${dest}.before`
  fs.cpSync(dest, before, { recursive: true, preserveTimestamps: true })
  const key = JSON.stringify([order.sources.map(({ name }) => name), order.onNode])
  for (let at = steps.get(key) ?? 12; ; at++) {
    const finished = await killed({ what: 'merge', dest, ...order, at })
    assert.equal(finished, undefined, 'it never came so far')
    const begun = fs.readdirSync(dest).find((name) => /^\.reflink-merge-.*-begun$/.test(name))
    if (begun !== undefined && isFar(dest)) {
      fs.rmSync(before, { recursive: true })
      steps.set(key, at)
      return path.join(dest, begun)
    }
    fs.rmSync(dest, { recursive: true })
    fs.cpSync(before, dest, { recursive: true, preserveTimestamps: true })
  }
}
