import assert from 'node:assert/strict'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import { merge, openMerge, type Source } from '../lib/index'
import { planOn } from '../lib/merge'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { scriptedHost } from './support/scripted-host'
import { failWith } from './support/scripts'
import { writeTree } from './support/tree'

describe('arguments of a merge', () => {
  let base: string
  let dest: string
  beforeEach(() => {
    base = freshDir()
    dest = path.join(base, 'dest')
  })

  it('are refused where the sources have a hole', async () => {
    const sources: Source[] = []
    sources[1] = { name: 'a', dir: writeTree(path.join(base, 'a'), { a: 'a' }) }
    await assert.rejects(merge(sources, dest), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /sources\[0\]/,
    })
  })

  it('are taken as they were at the call: a map of files that is emptied later is merged whole', async () => {
    const file = path.join(writeTree(path.join(base, 'a'), { a: 'a' }), 'a')
    const files = new Map([['a', file]])
    const merging = merge([{ name: 'a', files }], dest)
    files.clear()
    assert.equal((await merging).files, 1)

    files.set('b', file)
    const session = await openMerge(dest)
    const adding = session.add({ name: 'b', files })
    files.clear()
    await adding
    assert.equal((await session.commit()).created, 1)
  })

  it('of a plan that fails are told what failed first, not how the cleaning went', async () => {
    writeTree(dest, {})
    const spec = { 'a\u0301': '1', 'A\u0301': '2' }
    const sources = [{ name: 'a', dir: writeTree(path.join(base, 'a'), spec) }]
    // The directory in which the two names are tried cannot be made, and what holds it cannot be removed.
    const host = scriptedHost(defaultHost, ({ operation, path: at }) => {
      if (operation === 'mkdir' && at.endsWith('/0-0')) return failWith('EIO', 'mkdirat')
      return operation === 'rmdir' ? failWith('EBUSY', 'unlinkat') : undefined
    })
    const error = await failureOf(planOn(host, sources, dest))
    assert.deepEqual([error.code, error.errors?.length], ['EIO', 2])
  })
})
