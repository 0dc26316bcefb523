import assert from 'node:assert/strict'
import fs from 'node:fs'

import type { MergeOptions } from '../../lib/index'
import { describeOn } from '../support/describe-on'
import { onBothHosts } from '../support/both-hosts'
import { scriptedHost } from '../support/scripted-host'
import { Scene } from './scene'

describe('a sync that somebody gets in the way of, so that it looks at dest again', () => {
  describeOn(['btrfs', 'ext4', 'exfat'], (volume) => {
    onBothHosts((system) => {
      /** Puts something where `new.js` is to go, right before it is renamed there. */
      function interrupted(base: string): Scene {
        let isFirst = true
        const scene: Scene = new Scene(
          base,
          scriptedHost(system, ({ operation, path }) => {
            if (operation === 'rename' && path === scene.at('new.js') && isFirst) {
              isFirst = false
              fs.writeFileSync(scene.at('new.js'), 'in the way')
            }
            return undefined
          }),
        )
        return scene
      }
      const replacing: MergeOptions = { existing: 'replace' }

      it('takes out what goes, and tells it, once', async () => {
        const scene = interrupted(volume.fresh())
        await scene.install({ 'lib/one': '1', 'lib/two': '2', 'own/x': 'x', 'own/y': 'y' })
        const spec = { 'lib/one': '1', 'new.js': 'new' }
        const { created, replaced, removed, modified } = await scene.install(spec, replacing)
        // What was in the way is replaced.
        const counts = { created: 0, replaced: 1, removed: 3 }
        assert.deepEqual({ created, replaced, removed, modified }, { ...counts, modified: [] })
        assert.deepEqual(scene.held(), ['lib/', 'lib/one', 'new.js'])
        assert.equal(scene.read('new.js'), 'new')
        assert.deepEqual((await scene.verify()).modified, [])
      })

      it('does not take what it has put in the place of a directory for missing', async () => {
        const scene = interrupted(volume.fresh())
        await scene.install({ 'lib/one': '1', 'lib/deep/two': '2' })
        const { removed, modified } = await scene.install({ lib: 'file', 'new.js': '' }, replacing)
        assert.deepEqual({ removed, modified }, { removed: 2, modified: [] })
        assert.deepEqual(scene.held(), ['lib', 'new.js'])
        assert.deepEqual((await scene.verify()).modified, [])
      })

      if (volume.kind === 'exfat')
        it('does not take what it has published under a new spelling for the old entry', async () => {
          const scene = interrupted(volume.fresh())
          await scene.install({ 'Lib/one': '1', File: 'file' })
          const spec = { 'lib/one': '1', file: 'file', 'new.js': 'new' }
          const { removed, modified } = await scene.install(spec, replacing)
          assert.deepEqual({ removed, modified }, { removed: 1, modified: [] })
          assert.deepEqual(scene.held(), ['file', 'lib/', 'lib/one', 'new.js'])
        })
    })
  })
})
