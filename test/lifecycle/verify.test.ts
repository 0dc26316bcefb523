import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { asNobody, giveToNobody } from '../support/nobody'
import { writeTree } from '../support/tree'
import { Scene, stateOf } from './scene'

describe('verify()', () => {
  describeOn(['btrfs'], (volume) => {
    onBothHosts((host) => {
      let scene: Scene
      beforeEach(async () => {
        scene = new Scene(volume.fresh(), host)
        await scene.install({
          ...{ 'top.js': 'top', 'lib/one.js': 'one', 'lib/deep/two.js': 'two' },
          ...{ 'bin/run': { symlink: '../top.js' }, 'empty/': {} },
        })
      })

      const modified = async (): Promise<unknown[]> =>
        (await scene.verify()).modified.map(({ path: at, how, kept }) => [at, how, kept])

      it('finds all as recorded, and changes nothing', async () => {
        const before = stateOf(scene.base)
        for (const bytes of [false, true]) {
          const sources = [{ name: 'pkg', to: '' }]
          assert.deepEqual(await scene.verify({ bytes, foreign: true }), {
            ...{ entries: 4, unchanged: 4, modified: [], foreign: [], sources },
          })
        }
        assert.deepEqual(stateOf(scene.base), before)
      })

      it('tells what was changed, and how', async () => {
        fs.writeFileSync(scene.at('lib/one.js'), 'ONE')
        fs.chmodSync(scene.at('lib/deep/two.js'), 0o600)
        fs.unlinkSync(scene.at('top.js'))
        fs.unlinkSync(scene.at('bin/run'))
        fs.mkdirSync(scene.at('bin/run'))
        assert.deepEqual(await modified(), [
          ['bin/run', 'type', true],
          ['lib/deep/two.js', 'mode', true],
          ['lib/one.js', 'content', true],
          ['top.js', 'missing', false],
        ])
      })

      it('follows no symlink that stands where a directory was', async () => {
        const away = path.join(scene.base, 'away')
        fs.renameSync(scene.at('lib'), away)
        fs.symlinkSync(away, scene.at('lib'))
        assert.deepEqual(await modified(), [
          ['lib/deep/two.js', 'type', false],
          ['lib/one.js', 'type', false],
        ])
        assert.deepEqual((await scene.verify({ foreign: true })).foreign, [])
      })

      it('tells what was in a directory that is missing, or a file by now', async () => {
        fs.rmSync(scene.at('lib/deep'), { recursive: true })
        fs.rmSync(scene.at('bin'), { recursive: true })
        fs.writeFileSync(scene.at('bin'), 'mine')
        assert.deepEqual(await modified(), [
          ['bin/run', 'type', false],
          ['lib/deep/two.js', 'missing', false],
        ])
      })

      it('lists what others have put into our directories', async () => {
        writeTree(scene.dest, { mine: 'mine', 'lib/deep/mine/below': 'mine', 'empty/mine': 'mine' })
        const { foreign } = await scene.verify({ foreign: true })
        assert.deepEqual(foreign, ['empty/mine', 'lib/deep/mine', 'mine'])
      })

      it('fails where a directory cannot be looked into', async () => {
        giveToNobody(scene.base)
        const before = await modified()
        fs.chmodSync(scene.at('lib'), 0o000)
        try {
          const error = await asNobody(() => failureOf(scene.verify()))
          assert.equal(error.code, 'EACCES')
          const removal = await asNobody(() => failureOf(scene.remove(['pkg'])))
          assert.equal(removal.code, 'EACCES')
        } finally {
          fs.chmodSync(scene.at('lib'), 0o755)
        }
        assert.deepEqual(await modified(), before)
        assert.deepEqual(before, [])
      })
    })
  })
})
