import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { Modified } from '../../lib/index'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { writeTree, type TreeSpec } from '../support/tree'
import { Scene, stateOf } from './scene'

const pkg: TreeSpec = {
  'top.js': 'top',
  'lib/one.js': 'one',
  'lib/deep/two.js': { data: 'two', mode: 0o755 },
  'bin/run': { symlink: '../top.js' },
}

/** A package, and one other beside it that stays. */
const other: TreeSpec = { 'lib/other.js': 'other' }
const othersAlone = ['lib/', 'lib/other.js']

describe('remove(), by what has become of an entry', () => {
  describeOn(['btrfs', 'xfs', 'ext4'], (volume) => {
    onBothHosts((host) => {
      let scene: Scene
      beforeEach(async () => {
        scene = new Scene(volume.fresh(), host)
        await scene.sync([scene.version('pkg', pkg), scene.version('other', other)])
      })

      /** Removes the package; the other one must be as it was. */
      async function removed(): Promise<{
        removed: number
        directories: number
        kept: Modified[]
      }> {
        const { removed, directories, kept } = await scene.remove(['pkg'])
        const { modified, sources } = await scene.verify()
        assert.deepEqual(modified, [])
        assert.deepEqual(
          sources.map(({ name }) => name),
          ['other'],
        )
        assert.equal(scene.read('lib/other.js'), 'other')
        assert.deepEqual(scene.staging(), [])
        return { removed, directories, kept }
      }

      /** Must fail, and change nothing. */
      async function refused(): Promise<void> {
        const before = stateOf(scene.base)
        const error = await failureOf(scene.remove(['pkg']))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.deepEqual(stateOf(scene.base), before)
      }

      it('1: as recorded: it is removed', async () => {
        assert.deepEqual(await removed(), { removed: 4, directories: 2, kept: [] })
        assert.deepEqual(scene.held(), othersAlone)
      })

      it('2: touched, with the bytes that were recorded: it is removed', async () => {
        fs.utimesSync(scene.at('top.js'), 1, 1)
        fs.writeFileSync(scene.at('lib/one.js'), 'one')
        assert.deepEqual(await removed(), { removed: 4, directories: 2, kept: [] })
        assert.deepEqual(scene.held(), othersAlone)
      })

      it('3: other bytes: it stays, and is told', async () => {
        fs.writeFileSync(scene.at('lib/deep/two.js'), 'TWO')
        const kept = [{ path: 'lib/deep/two.js', source: 'pkg', how: 'content', kept: true }]
        assert.deepEqual(await removed(), { removed: 3, directories: 1, kept })
        assert.deepEqual(scene.held(), ['lib/', 'lib/deep/', 'lib/deep/two.js', 'lib/other.js'])
        assert.equal(scene.read('lib/deep/two.js'), 'TWO')
      })

      it('4: another mode alone: it is removed, and told', async () => {
        fs.chmodSync(scene.at('top.js'), 0o600)
        const kept = [{ path: 'top.js', source: 'pkg', how: 'mode', kept: false }]
        assert.deepEqual(await removed(), { removed: 4, directories: 2, kept })
        assert.deepEqual(scene.held(), othersAlone)
      })

      it('5: missing: it is told', async () => {
        fs.unlinkSync(scene.at('top.js'))
        fs.rmSync(scene.at('lib/deep'), { recursive: true })
        const kept = ['lib/deep/two.js', 'top.js'].map((name) => {
          return { path: name, source: 'pkg', how: 'missing', kept: false }
        })
        assert.deepEqual(await removed(), { removed: 2, directories: 1, kept })
        assert.deepEqual(scene.held(), othersAlone)
      })

      it('6: became a directory: it is not gone into, it stays, and is told', async () => {
        fs.unlinkSync(scene.at('top.js'))
        writeTree(scene.at('top.js'), { mine: 'mine' })
        const kept = [{ path: 'top.js', source: 'pkg', how: 'type', kept: true }]
        assert.deepEqual(await removed(), { removed: 3, directories: 2, kept })
        assert.equal(scene.read('top.js/mine'), 'mine')
      })

      it('6: became a symlink: it is not followed, it stays, and is told', async () => {
        const mine = path.join(scene.base, 'mine')
        fs.writeFileSync(mine, 'top')
        fs.unlinkSync(scene.at('top.js'))
        fs.symlinkSync(mine, scene.at('top.js'))
        const kept = [{ path: 'top.js', source: 'pkg', how: 'type', kept: true }]
        assert.deepEqual(await removed(), { removed: 3, directories: 2, kept })
        assert.equal(fs.readlinkSync(scene.at('top.js')), mine)
        assert.equal(fs.readFileSync(mine, 'utf8'), 'top')
      })

      it('6: its directory became a file: that stays, and what was in it is told', async () => {
        fs.rmSync(scene.at('lib/deep'), { recursive: true })
        fs.writeFileSync(scene.at('lib/deep'), 'mine')
        const kept = [{ path: 'lib/deep/two.js', source: 'pkg', how: 'missing', kept: false }]
        assert.deepEqual(await removed(), { removed: 3, directories: 1, kept })
        assert.equal(scene.read('lib/deep'), 'mine')
      })

      it('7: a directory with something of others in it stays', async () => {
        writeTree(scene.at('lib/deep'), { mine: 'mine', 'empty/': {} })
        assert.deepEqual(await removed(), { removed: 4, directories: 1, kept: [] })
        const left = ['lib/deep/', 'lib/deep/empty/', 'lib/deep/mine']
        assert.deepEqual(scene.held(), ['lib/', ...left, 'lib/other.js'])
      })

      it('8: a directory that was there before stays, even empty', async () => {
        scene = new Scene(volume.fresh(), host)
        writeTree(scene.dest, { 'lib/deep/': {}, 'bin/': {} })
        await scene.sync([scene.version('pkg', pkg), scene.version('other', other)])
        assert.deepEqual(await removed(), { removed: 4, directories: 0, kept: [] })
        assert.deepEqual(scene.held(), ['bin/', 'lib/', 'lib/deep/', 'lib/other.js'])
      })

      it('9: directories that were made, empty now, are removed, the deepest first', async () => {
        fs.unlinkSync(scene.at('lib/deep/two.js'))
        fs.unlinkSync(scene.at('bin/run'))
        const { directories } = await removed()
        assert.equal(directories, 2)
        assert.deepEqual(scene.held(), othersAlone)
      })

      it('9: directories that a source has empty are removed with it', async () => {
        await scene.sync([scene.version('pkg', { 'a/b/c/': {} }), scene.version('other', other)])
        assert.deepEqual(await removed(), { removed: 0, directories: 3, kept: [] })
        assert.deepEqual(scene.held(), othersAlone)
      })

      it('10: what another source has alike stays until its last owner goes', async () => {
        const both = { 'lib/both.js': 'both', 'shared/empty/': {} }
        await scene.sync([
          scene.version('pkg', { ...pkg, ...both }),
          scene.version('other', { ...other, ...both }),
        ])
        assert.deepEqual(await removed(), { removed: 4, directories: 2, kept: [] })
        assert.deepEqual(scene.held(), [
          ...['lib/', 'lib/both.js', 'lib/other.js', 'shared/', 'shared/empty/'],
        ])
        assert.deepEqual((await scene.remove(['other'])).removed, 2)
        assert.deepEqual(scene.held(), [])
      })

      it('11: the winner of a conflict goes: who else had the path is told', async () => {
        const loser = scene.version('loser', { 'top.js': 'another top', bin: 'a file' })
        const sources = [loser, scene.version('pkg', pkg), scene.version('other', other)]
        await scene.sync(sources, { conflicts: 'last' })
        const { uncovered, kept } = await scene.remove(['pkg'])
        assert.deepEqual(uncovered, [
          { path: 'bin', source: 'loser' },
          { path: 'top.js', source: 'loser' },
        ])
        assert.deepEqual(kept, [])
        assert.deepEqual(scene.held(), othersAlone)
      })

      it('12: another inode, with other bytes: it stays, and is told', async () => {
        const twin = path.join(scene.base, 'twin')
        fs.writeFileSync(twin, 'ONE')
        fs.renameSync(twin, scene.at('lib/one.js'))
        const kept = [{ path: 'lib/one.js', source: 'pkg', how: 'content', kept: true }]
        assert.deepEqual(await removed(), { removed: 3, directories: 2, kept })
        assert.equal(scene.read('lib/one.js'), 'ONE')
      })

      it('12: another inode, with the bytes that were recorded: it is removed', async () => {
        const twin = path.join(scene.base, 'twin')
        fs.writeFileSync(twin, 'one')
        fs.renameSync(twin, scene.at('lib/one.js'))
        assert.deepEqual(await removed(), { removed: 4, directories: 2, kept: [] })
      })

      it('13: a hard link into a store is unlinked, and its inode is left alone', async () => {
        const source = scene.version('pkg', { 'linked.js': { data: 'linked', mode: 0o444 } })
        await scene.sync([source, scene.version('other', other)], { linkModes: 'hardlink' })
        const inStore = path.join(source.dir ?? '', 'linked.js')
        assert.equal(fs.statSync(inStore).ino, fs.statSync(scene.at('linked.js')).ino)
        const { mtimeNs, ino } = fs.statSync(inStore, { bigint: true })
        assert.deepEqual(await removed(), { removed: 1, directories: 0, kept: [] })
        const now = fs.statSync(inStore, { bigint: true })
        assert.deepEqual([now.mtimeNs, now.ino, now.nlink], [mtimeNs, ino, 1n])
        assert.equal(now.mode & 0o777n, 0o444n)
        assert.equal(fs.readFileSync(inStore, 'utf8'), 'linked')
      })

      for (const text of ['../lib/one.js', Buffer.from([0x66, 0xff])])
        it(`14: a symlink with another text, ${String(text)}, stays, and is told`, async () => {
          fs.unlinkSync(scene.at('bin/run'))
          fs.symlinkSync(text, scene.at('bin/run'))
          const kept = [{ path: 'bin/run', source: 'pkg', how: 'content', kept: true }]
          assert.deepEqual(await removed(), { removed: 3, directories: 1, kept })
          const now = fs.readlinkSync(scene.at('bin/run'), { encoding: 'buffer' })
          assert.deepEqual(now, Buffer.from(text))
        })

      for (const at of ['lib', 'lib/deep', 'bin'])
        it(`15: a symlink where the directory ${at} was: error, nothing is done`, async () => {
          const away = path.join(scene.base, 'away')
          fs.renameSync(scene.at(at), away)
          fs.symlinkSync(away, scene.at(at))
          await refused()
        })

      it('19: called twice: the second has nothing to do', async () => {
        await removed()
        const before = stateOf(scene.dest)
        assert.deepEqual(await removed(), { removed: 0, directories: 0, kept: [] })
        assert.deepEqual(stateOf(scene.dest), before)
      })

      it('19: two at once: one after the other, each takes what is left', async () => {
        const results = await Promise.all([
          scene.remove(['pkg']),
          scene.remove(['other']),
          scene.remove(['pkg', 'other']),
        ])
        assert.equal(
          results.reduce((sum, { removed }) => sum + removed, 0),
          5,
        )
        assert.deepEqual(scene.held(), [])
        assert.deepEqual((await scene.verify()).sources, [])
        assert.deepEqual(scene.staging(), [])
      })

      it('20: identical, and there before: it stays, and is told', async () => {
        scene = new Scene(volume.fresh(), host)
        writeTree(scene.dest, { 'lib/one.js': 'one' })
        await scene.sync([scene.version('pkg', pkg), scene.version('other', other)])
        const kept = [{ path: 'lib/one.js', source: 'pkg', how: 'found', kept: true }]
        assert.deepEqual(await removed(), { removed: 3, directories: 2, kept })
        assert.deepEqual(scene.held(), ['lib/', 'lib/one.js', 'lib/other.js'])
      })

      it('20: identical, there before, and adopted: it is removed', async () => {
        scene = new Scene(volume.fresh(), host)
        writeTree(scene.dest, { 'lib/one.js': 'one' })
        const sources = [scene.version('pkg', pkg), scene.version('other', other)]
        await scene.sync(sources, { adopt: true })
        assert.deepEqual(await removed(), { removed: 4, directories: 2, kept: [] })
        assert.deepEqual(scene.held(), othersAlone)
      })
    })
  })
})
