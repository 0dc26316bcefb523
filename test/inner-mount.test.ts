import assert from 'node:assert/strict'
import path from 'node:path'
import { merge } from '../lib/index'
import { describeOn } from './support/describe-on'
import { failureOf } from './support/failure'
import { snapshot } from './support/snapshot'
import { runTool } from './support/tool'
import { writeTree } from './support/tree'

describe('a dest with another file system inside', () => {
  describeOn(['btrfs'], (volume) => {
    it('is as before when something must be published there: EXDEV, and what to do', async () => {
      const dir = volume.fresh()
      const source = writeTree(path.join(dir, 'source'), { 'a/new': 'a', 'inner/new': 'b' })
      const dest = writeTree(path.join(dir, 'dest'), { 'a/old': 'mine' })
      await runTool('btrfs', ['subvolume', 'create', path.join(dest, 'inner')])
      const before = snapshot(dir)
      const error = await failureOf(merge([{ name: 'one', dir: source }], dest))
      assert.equal(error.code, 'EXDEV')
      assert.equal(error.syscall, 'rename')
      assert.equal(error.dest, path.join(dest, 'inner/new'))
      assert.match(error.message, /another file system than dest itself/)
      assert.deepEqual(snapshot(dir), before)
    })

    it('may be merged into where nothing of it is touched', async () => {
      const dir = volume.fresh()
      const source = writeTree(path.join(dir, 'source'), { 'a/new': 'a', 'inner/same': 'b' })
      const dest = writeTree(path.join(dir, 'dest'), { 'a/old': 'mine' })
      await runTool('btrfs', ['subvolume', 'create', path.join(dest, 'inner')])
      writeTree(dest, { 'inner/same': 'b' })
      const { created, unchanged } = await merge([{ name: 'one', dir: source }], dest)
      assert.deepEqual({ created, unchanged }, { created: 1, unchanged: 1 })
    })
  })
})
