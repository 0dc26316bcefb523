import assert from 'node:assert/strict'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { Scene } from './scene'

// It is the one file system here that folds case. It has neither hard links nor permission bits.
describe('16: a name that changes in case only', () => {
  describeOn(['exfat'], (volume) => {
    onBothHosts((host) => {
      let scene: Scene
      beforeEach(() => {
        scene = new Scene(volume.fresh(), host)
      })

      async function heldAfter(): Promise<string[]> {
        assert.deepEqual((await scene.verify()).modified, [])
        assert.deepEqual(scene.staging(), [])
        return scene.held()
      }

      /**
       * FUSE shows under a spelling, for a second, what it led to before that was replaced under another one; and for ever, where
       * size and mtime are the same.
       */
      async function shown(name: string, text: string): Promise<void> {
        for (let tries = 0; tries < 250; tries++) {
          if (scene.read(name) === text) return
          await sleep(20)
        }
        assert.equal(scene.read(name), text)
      }

      for (const text of ['one', 'two', 'three']) {
        it(`of a file with ${text === 'one' ? 'the same' : 'other'} bytes (${text}) is published under the new spelling`, async () => {
          await scene.install({ 'lib/Readme.md': 'one', 'lib/x': 'x' })
          const { removed, modified } = await scene.install({ 'lib/README.md': text, 'lib/x': 'x' })
          assert.deepEqual({ removed, modified }, { removed: 0, modified: [] })
          assert.deepEqual(await heldAfter(), ['lib/', 'lib/README.md', 'lib/x'])
          assert.equal(scene.read('lib/README.md'), text)
        })

        it(`of a directory is published under the new spelling (${text})`, async () => {
          await scene.install({ 'Lib/deep/file': 'one', 'Lib/gone': 'gone', x: 'x' })
          const { created, removed, modified } = await scene.install({
            ...{ 'lib/deep/file': text, x: 'x' },
          })
          // All of it is put there anew.
          assert.deepEqual({ created, removed, modified }, { created: 1, removed: 2, modified: [] })
          assert.deepEqual(await heldAfter(), ['lib/', 'lib/deep/', 'lib/deep/file', 'x'])
          assert.equal(scene.read('lib/deep/file'), text)
        })
      }

      it('of a directory that holds something of others: it is merged into, and keeps its name', async () => {
        await scene.install({ 'Lib/deep/file': 'one', 'Lib/same': 'same', 'Lib/gone': 'gone' })
        fs.writeFileSync(scene.at('Lib/mine'), 'mine')
        const result = await scene.install({ 'lib/deep/file': 'second', 'lib/same': 'same' })
        const { replaced, unchanged, removed, modified } = result
        assert.deepEqual(
          { replaced, unchanged, removed },
          { replaced: 1, unchanged: 1, removed: 1 },
        )
        assert.deepEqual(modified, [])
        await shown('Lib/deep/file', 'second')
        const held = ['Lib/', 'Lib/deep/', 'Lib/deep/file', 'Lib/mine', 'Lib/same']
        assert.deepEqual(await heldAfter(), held)
        assert.equal(scene.read('Lib/deep/file'), 'second')
        const { removed: taken } = await scene.remove(['pkg'])
        assert.equal(taken, 2)
        assert.deepEqual(scene.held(), ['Lib/', 'Lib/mine'])
      })

      it('of a directory, without prune: it is merged into, and keeps its name', async () => {
        await scene.install({ 'Lib/file': 'one', 'Lib/gone': 'gone' })
        const { replaced, removed } = await scene.install(
          { 'lib/file': 'second' },
          { prune: false },
        )
        assert.deepEqual({ replaced, removed }, { replaced: 1, removed: 0 })
        await shown('Lib/file', 'second')
        assert.deepEqual(await heldAfter(), ['Lib/', 'Lib/file', 'Lib/gone'])
        assert.equal(scene.read('Lib/file'), 'second')
        await scene.install({ 'lib/file': 'second' })
        assert.deepEqual(await heldAfter(), ['lib/', 'lib/file'])
      })

      it('is removed with its source afterwards', async () => {
        await scene.install({ 'Lib/File': 'one', Top: 'top' })
        await scene.install({ 'lib/file': 'two', top: 'top' })
        const { removed, directories, kept } = await scene.remove(['pkg'])
        assert.deepEqual({ removed, directories, kept }, { removed: 2, directories: 1, kept: [] })
        assert.deepEqual(scene.held(), [])
      })

      it('of a file that somebody has changed is a conflict', async () => {
        await scene.install({ File: 'one' })
        fs.writeFileSync(scene.at('File'), 'mine')
        await assert.rejects(scene.install({ file: 'two' }), { code: 'ERR_MERGE_CONFLICT' })
        assert.deepEqual(scene.held(), ['File'])
        assert.equal(scene.read('File'), 'mine')
        await scene.install({ file: 'two' }, { modified: 'replace' })
        assert.deepEqual(await heldAfter(), ['file'])
      })

      it('by the hand of somebody else: sync gives it its own again, remove takes it', async () => {
        await scene.install({ 'lib/File': 'one' })
        fs.renameSync(scene.at('lib/File'), scene.at('lib/away'))
        fs.renameSync(scene.at('lib/away'), scene.at('lib/FILE'))
        await scene.install({ 'lib/File': 'one' })
        assert.deepEqual(await heldAfter(), ['lib/', 'lib/File'])
      })
    })
  })
})
