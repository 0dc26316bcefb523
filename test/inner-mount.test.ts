import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { merge, openMerge } from '../lib/index'
import { describeOn } from './support/describe-on'
import { stagingBelow } from './support/kill-check'
import { snapshot } from './support/snapshot'
import { runTool, runToolSync } from './support/tool'
import { writeTree } from './support/tree'

const source = { 'a/new': 'a', 'inner/new': 'b', 'inner/dir/new': 'c', 'inner/same': 'same' }

describe('a dest with another file system inside', () => {
  describeOn(['btrfs'], (volume) => {
    for (const way of ['merge', 'session'] as const)
      it(`is merged into, where that is a subvolume: ${way}`, async () => {
        const dir = volume.fresh()
        const sources = [{ name: 'one', dir: writeTree(path.join(dir, 'source'), source) }]
        const dest = writeTree(path.join(dir, 'dest'), { 'a/old': 'mine' })
        await runTool('btrfs', ['subvolume', 'create', path.join(dest, 'inner')])
        writeTree(dest, { 'inner/same': 'same' })
        if (way === 'merge') await merge(sources, dest)
        else {
          const session = await openMerge(dest)
          for (const each of sources) await session.add(each)
          await session.commit()
        }
        assert.equal(fs.readFileSync(path.join(dest, 'inner/dir/new'), 'utf8'), 'c')
        assert.deepEqual(stagingBelow(dir), [])
      })

    it('is as before where that cannot be written, and the error tells so', async () => {
      const dir = volume.fresh()
      const sources = [{ name: 'one', dir: writeTree(path.join(dir, 'source'), source) }]
      const dest = writeTree(path.join(dir, 'dest'), { 'a/old': 'mine' })
      const inner = path.join(dest, 'inner')
      await runTool('btrfs', ['subvolume', 'create', inner])
      await runTool('btrfs', ['property', 'set', '-ts', inner, 'ro', 'true'])
      const before = snapshot(dir)
      await assert.rejects(merge(sources, dest), { code: 'EROFS', syscall: 'mkdir' })
      assert.deepEqual(snapshot(dir), before)
    })
  })

  describeOn(['ext4', 'xfs'], (volume) => {
    for (const kind of ['bind', 'tmpfs'] as const)
      for (const durability of ['none', 'full'] as const)
        it(`is merged into, where that is a mount (${kind}), with durability: '${durability}'`, async () => {
          const dir = volume.fresh()
          const sources = [{ name: 'one', dir: writeTree(path.join(dir, 'source'), source) }]
          const dest = writeTree(path.join(dir, 'dest'), { 'a/old': 'mine', 'inner/': {} })
          const inner = path.join(dest, 'inner')
          const mounted = writeTree(path.join(dir, 'mounted'), { same: 'other' })
          await (kind === 'bind'
            ? runTool('mount', ['--bind', mounted, inner])
            : runTool('mount', ['-t', 'tmpfs', 'tmpfs', inner]))
          try {
            const options = { existing: 'replace', durability } as const
            if (kind === 'tmpfs') fs.writeFileSync(path.join(inner, 'same'), 'other')
            const { replaced } = await merge(sources, dest, options)
            assert.equal(replaced, 1)
            assert.equal(fs.readFileSync(path.join(inner, 'same'), 'utf8'), 'same')
            assert.equal(fs.readFileSync(path.join(inner, 'dir/new'), 'utf8'), 'c')
            const { unchanged } = await merge(sources, dest, options)
            assert.equal(unchanged, 4)
            assert.deepEqual(stagingBelow(dir), [])
          } finally {
            assert.equal(runToolSync('umount', [inner]), null)
          }
        })
  })
})
