import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import type { Host } from '../../lib/host/host'
import { mergeOn } from '../../lib/merge'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { itWith } from '../support/needs'
import { defaultHost } from '../../lib/host'
import { stagingIn } from '../support/session'
import { digest } from '../support/snapshot'
import { writeTree } from '../support/tree'

describe('a merge that fails after its commit point', () => {
  itWith('syncfs', 'has its records count again before it takes anything back', async function () {
    const base = freshDir()
    const dir = writeTree(path.join(base, 'a'), { one: 'new', 'two/three': 'new' })
    const dest = writeTree(path.join(base, 'dest'), { one: 'old', two: 'old' })
    const before = digest(dest)
    let isFailed = false
    const seen: string[] = []
    const host: Host = {
      ...defaultHost,
      sync: (directory) => {
        if (fs.readFileSync(path.join(dest, 'one'), 'utf8') === 'old') {
          return defaultHost.sync(directory)
        }
        isFailed = true
        return Promise.resolve({ errno: errno.EIO, syscall: 'syncfs' })
      },
      rename: (jobs, replace) => {
        const [staging] = isFailed ? stagingIn(dest) : []
        if (staging !== undefined) seen.push(staging)
        return defaultHost.rename(jobs, replace)
      },
    }
    const merging = mergeOn(host, [{ name: 'a', dir }], dest, {
      durability: 'full',
      existing: 'replace',
    })
    const failure = (await failureOf(merging)) as NodeJS.ErrnoException
    assert.deepEqual([failure.code, failure.syscall], ['EIO', 'syncfs'])
    assert.equal(digest(dest), before)
    const [first, ...others] = seen
    assert.match(first ?? '', /-[0-9a-f]{16}$/, 'it had been settled')
    assert.ok(others.length >= 3, 'what was published was taken back')
    for (const name of others) assert.match(name, /-begun$/)
  })
})
