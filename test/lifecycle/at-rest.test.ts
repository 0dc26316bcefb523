import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { merge, sync, verify, type Source } from '../../lib/index'
import { withDate } from '../support/clock'
import { freshDir } from '../support/fresh'
import { writeTree } from '../support/tree'

// What was made before is at rest by then, so it is looked at once and not again under the lock.
const later = (): number => Date.now() + 60_000

describe('a dest that was filled without a manifest, and has not changed since', () => {
  let dest: string
  let sources: Source[]

  beforeEach(async () => {
    const dir = freshDir()
    dest = path.join(dir, 'dest')
    sources = [{ name: 'a', dir: writeTree(path.join(dir, 'a'), { x: 'x', 'd/y': 'y' }), to: 'p' }]
    await merge(sources, dest)
  })

  it('is recorded by the first sync, as found, and never removed', async () => {
    await withDate(later(), () => sync(sources, dest))
    assert.equal((await verify(dest)).entries, 2)
    const { removed, modified } = await sync([], dest)
    const left = modified.map(({ path: at, how }) => `${at} ${how}`)
    assert.deepEqual([removed, left], [0, ['p/d/y found', 'p/x found']])
    assert.deepEqual(fs.readdirSync(path.join(dest, 'p')).sort(), ['d', 'x'])
  })

  it('becomes part of what later syncs may remove with adopt', async () => {
    await withDate(later(), () => sync(sources, dest, { adopt: true }))
    const { removed } = await sync([], dest)
    assert.equal(removed, 2)
    assert.deepEqual(fs.readdirSync(dest), ['.reflink-merge-manifest'])
  })
})
