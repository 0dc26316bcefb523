import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { mergeOn, recoverOn } from '../../lib/merge'
import { describeOn } from '../support/describe-on'
import { writeTree } from '../support/tree'

/** A host on which nothing works any more once a merge has been settled: its staging directory is no longer `-begun`. */
function failingAfterCommit(): { host: Host; failed: () => number } {
  let isSettled = false
  let failed = 0
  const failing =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (!isSettled) return work(...args)
      failed++
      throw Object.assign(new Error('after the commit point'), { errno: -errno.EIO, code: 'EIO' })
    }
  const host: Host = {
    ...defaultHost,
    rename: failing(async (jobs, replace) => {
      const outcomes = await defaultHost.rename(jobs, replace)
      isSettled = jobs.some(({ names: [from = ''], toNames: [to = ''] = [] }) => {
        return from.endsWith('-begun') && !to.endsWith('-begun')
      })
      return outcomes
    }),
    list: failing((places) => defaultHost.list(places)),
    stat: failing((jobs) => defaultHost.stat(jobs)),
    identify: failing((jobs) => defaultHost.identify(jobs)),
    unlink: failing((jobs) => defaultHost.unlink(jobs)),
    rmdir: failing((jobs) => defaultHost.rmdir(jobs)),
    close: async (directory) => {
      await defaultHost.close(directory)
      if (isSettled) throw new Error('a close after the commit point')
    },
  }
  return { host, failed: () => failed }
}

describe('a merge after its commit point', () => {
  describeOn(['btrfs', 'ext4'], (volume) => {
    it('resolves whatever fails then, and says what was left behind', async () => {
      const base = volume.fresh()
      const dir = writeTree(path.join(base, 'a'), { one: 'new', 'two/three': 'new', new: 'new' })
      const dest = writeTree(path.join(base, 'dest'), { one: 'old', 'two/own': 'own' })
      const { host, failed } = failingAfterCommit()
      const result = await mergeOn(host, [{ name: 'a', dir }], dest, {
        existing: 'replace',
      })
      assert.ok(failed() > 0, 'something was tried after the commit point')
      assert.deepEqual([result.created, result.replaced], [2, 1])
      assert.equal(fs.readFileSync(path.join(dest, 'one'), 'utf8'), 'new')
      assert.ok(result.leftover !== undefined)
      assert.ok(fs.existsSync(result.leftover.path))
      const { undone, removed } = await recoverOn(defaultHost, dest)
      assert.deepEqual([undone, removed], [0, 1])
      assert.equal(fs.readFileSync(path.join(dest, 'two/three'), 'utf8'), 'new')
      assert.deepEqual(fs.readdirSync(dest).sort(), ['new', 'one', 'two'])
    })
  })
})
