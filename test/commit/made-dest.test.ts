import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { mergeOn, recoverOn } from '../../lib/merge'
import type { MergeOptions, MergeResult } from '../../lib/types'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { itWith } from '../support/needs'
import { scriptedHost, type Verdict } from '../support/scripted-host'
import { failWith } from '../support/scripts'
import { openIn, stagingIn } from '../support/session'
import { writeTree } from '../support/tree'

/** Longer than a small merge takes. */
const longEnough = 200

describe('a dest that one merge has made, and may still take back', () => {
  let base: string
  let dest: string

  beforeEach(() => {
    base = freshDir()
    dest = path.join(base, 'dest')
    writeTree(base, { 'one/shut/a': 'a', 'one/shut/': { dir: true, mode: 0o555 }, 'two/b': 'b' })
  })

  const merge = (host: Host, name: string, options?: MergeOptions): Promise<MergeResult> =>
    mergeOn(host, [{ name, dir: path.join(base, name) }], dest, options)

  /** Begins another merge into dest as soon as one merge has made it; how that one goes on is `verdict`. */
  function meeting(verdict: Verdict): { host: Host; other: Promise<MergeResult>[] } {
    const other: Promise<MergeResult>[] = []
    const host = scriptedHost(defaultHost, async ({ operation }) => {
      if (operation !== 'chmod') return undefined
      assert.ok(fs.existsSync(path.join(dest, 'shut')))
      const second = merge(defaultHost, 'two')
      second.catch(() => undefined)
      other.push(second)
      await sleep(longEnough)
      return verdict
    })
    return { host, other }
  }

  it('is merged into by another one that came meanwhile, once it is sure to stay', async () => {
    const { host, other } = meeting(undefined)
    const first = await merge(host, 'one')
    const [second] = await Promise.all(other)
    assert.deepEqual([first.created, second?.created], [1, 1])
    assert.deepEqual(fs.readdirSync(dest).sort(), ['b', 'shut'])
  })

  itWith(
    'locks',
    'keeps what another one that came meanwhile has put into it, where the rest is taken back',
    async () => {
      const { host, other } = meeting(failWith('EIO', 'chmod'))
      const error = await failureOf(merge(host, 'one'))
      assert.deepEqual([error.code, error.syscall], ['EIO', 'chmod'])
      const [second] = other
      assert.ok(second)
      // What the other one has in it by then is not taken away: it stays, and dest with it.
      const { created } = await second
      assert.equal(created, 1)
      assert.deepEqual(fs.readdirSync(dest), ['b'])
      assert.equal(error.errors?.at(-1)?.code, 'ERR_MERGE_UNRECOVERED')
      assert.deepEqual((await recoverOn(defaultHost, dest)).left, [])
      assert.deepEqual([stagingIn(base, dest), openIn(base)], [[], []])
    },
  )

  it('is told as not locked with lock: false', async () => {
    assert.equal((await merge(defaultHost, 'two', { lock: false })).locking, 'none')
  })
})
