import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { mock } from 'node:test'

import { errno } from '../../lib/errno'
import type { Host, NamesJob, Outcomes, PairJob } from '../../lib/host/host'
import { nodeHost } from '../../lib/host/node'
import { retrying } from '../../lib/host/retrying'
import { codeOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { scriptedHost } from '../support/scripted-host'
import { writeTree } from '../support/tree'

const codes = ['EPERM', 'EBUSY', 'EACCES'] as const
const operations = ['rename', 'unlink', 'rmdir'] as const

/** A host on which an operation fails so often, and then succeeds. */
function failing(
  platform: NodeJS.Platform,
  failed: string,
  code: keyof typeof errno,
  times: number,
): { host: Host; calls: () => number } {
  let calls = 0
  const scripted = scriptedHost(nodeHost, ({ operation }) => {
    if (operation !== failed) return undefined
    return calls++ < times ? { errno: errno[code], syscall: operation } : undefined
  })
  return { host: { ...scripted, platform }, calls: () => calls }
}

describe('what somebody else has open', () => {
  let dir = ''
  let run: Record<(typeof operations)[number], (host: Host) => Promise<Outcomes>>

  beforeEach(() => {
    dir = writeTree(freshDir(), { file: 'f', 'empty/': {}, 'full/x': 'x' })
    const at = { base: dir, path: '' }
    const moves: PairJob[] = [{ from: at, to: at, names: ['full'], toNames: ['moved'] }]
    const job = (name: string): NamesJob[] => [{ to: at, names: [name] }]
    run = {
      rename: (host) => host.rename(moves, false),
      unlink: (host) => host.unlink(job('file')),
      rmdir: (host) => host.rmdir(job('empty')),
    }
  })

  for (const operation of operations) {
    for (const code of codes) {
      it(`is tried again on Windows: ${operation} after ${code}`, async () => {
        const { host, calls } = failing('win32', operation, code, 3)
        const outcomes = await run[operation](retrying(host, undefined))
        assert.deepEqual([...outcomes.errnos], [0])
        assert.equal(calls(), 4)
      })

      it(`is a real error elsewhere: ${operation} with ${code}`, async () => {
        const { host, calls } = failing('linux', operation, code, 3)
        const outcomes = await run[operation](retrying(host, undefined))
        assert.equal(codeOf(outcomes.errnos[0] ?? 0), code)
        assert.equal(calls(), 1)
      })
    }
  }

  it('is a real error in the end, after ten seconds for all names of a batch', async () => {
    const { host } = failing('win32', 'unlink', 'EPERM', Infinity)
    const names = ['a', 'b', 'c']
    mock.timers.enable({ apis: ['setTimeout'] })
    const clock = mock.method(performance, 'now', () => now)
    let now = 0
    try {
      const progress = { isDone: false }
      const unlinking = retrying(host, undefined)
        .unlink([{ to: { base: dir, path: '' }, names }])
        .finally(() => (progress.isDone = true))
      while (!progress.isDone && now < 60_000) {
        await new Promise((resolve) => setImmediate(resolve))
        now += 200
        mock.timers.tick(200)
      }
      const { errnos, syscall } = await unlinking
      assert.deepEqual([...errnos].map(codeOf), ['EPERM', 'EPERM', 'EPERM'])
      assert.equal(syscall(2), 'unlink')
      assert.ok(now >= 10_000 && now < 15_000, `${String(now)} ms`)
    } finally {
      clock.mock.restore()
      mock.timers.reset()
    }
  })

  it('is not waited for after an abort', async () => {
    const { host } = failing('win32', 'rename', 'EBUSY', Infinity)
    const stop = new AbortController()
    const renaming = run.rename(retrying(host, stop.signal))
    setTimeout(() => {
      stop.abort(new Error('enough'))
    }, 20)
    await assert.rejects(renaming, { message: 'enough' })
    assert.ok(fs.existsSync(path.join(dir, 'full/x')))
  })
})
