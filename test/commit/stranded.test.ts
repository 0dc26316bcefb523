import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import { mergeOn } from '../../lib/merge'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { scriptedHost } from '../support/scripted-host'
import { withoutSwaps } from '../support/scripts'
import { snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'

describe('a file that was moved aside and cannot be moved back', () => {
  it('is kept in the staging directory, and told', async () => {
    const base = freshDir()
    const dir = writeTree(path.join(base, 'source'), { 'pkg/index.js': 'new' })
    const dest = writeTree(path.join(base, 'dest'), { pkg: 'the only copy' })
    // Only moving fails, and only once the file is out of dest: removing would work.
    let isOut = false
    const host = scriptedHost(withoutSwaps(defaultHost), ({ operation, from }) => {
      if (operation !== 'rename') return undefined
      if (isOut) return { errno: errno.EIO, syscall: 'rename' }
      isOut = from === path.join(dest, 'pkg')
      return undefined
    })
    const error = await failureOf(
      mergeOn(host, [{ name: 'one', dir }], dest, { existing: 'replace' }),
    )
    assert.equal(error.code, 'EIO')
    assert.equal(error.path?.endsWith('/new/pkg'), true)
    assert.equal(error.errors?.length, 2)
    const kept = snapshot(dest).find((entry) => entry.path.endsWith('/old/pkg'))
    assert.ok(kept)
    assert.equal(fs.readFileSync(path.join(dest, kept.path), 'utf8'), 'the only copy')
  })
})
