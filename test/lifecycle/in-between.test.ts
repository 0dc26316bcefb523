import assert from 'node:assert/strict'
import fs from 'node:fs'

import type { Host } from '../../lib/host/host'
import { Session } from '../../lib/session'
import type { DirectorySource } from '../../lib/types'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { editUnseen } from '../support/restore-mtime'
import { scriptedHost } from '../support/scripted-host'
import { Scene } from './scene'

describe('what is changed while a sync runs, with its size and mtime as they were', () => {
  describeOn(['btrfs', 'ext4'], (volume) => {
    onBothHosts((system) => {
      /** Does something to a file of dest once it is published, before the sync looks at it. */
      async function published(change: (file: string) => void): Promise<Scene> {
        const scene = new Scene(volume.fresh(), system)
        await scene.install({ 'top.js': 'one', own: 'own' })
        let isPublished = false
        let isDone = false
        const host: Host = scriptedHost(system, ({ operation, path: at }) => {
          if (at !== scene.at('top.js')) return undefined
          if (operation === 'rename') isPublished = true
          else if (isPublished && !isDone) {
            isDone = true
            change(at)
          }
          return undefined
        })
        const next = scene.version('pkg', { 'top.js': 'two', own: 'own' })
        const { replaced } = await scene.through(host).sync([next])
        assert.equal(replaced, 1)
        assert.ok(isDone)
        return scene
      }

      it('in dest, before it is recorded: it is found later', async () => {
        const scene = await published((file) => {
          editUnseen(file)
        })
        assert.equal(scene.read('top.js'), '!!!')
        const changed = [{ path: 'top.js', source: 'pkg', how: 'content', kept: true }]
        assert.deepEqual((await scene.verify()).modified, changed)
        const { modified } = await scene.install(
          { 'top.js': 'two', own: 'own' },
          { modified: 'replace' },
        )
        assert.deepEqual(modified, [{ ...changed[0], kept: false }])
        assert.equal(scene.read('top.js'), 'two')
      })

      it('in dest, by its mode alone: it is found later', async () => {
        const scene = await published((file) => {
          fs.chmodSync(file, 0o600)
        })
        const changed = [{ path: 'top.js', source: 'pkg', how: 'mode', kept: true }]
        assert.deepEqual((await scene.verify()).modified, changed)
      })

      it('in a source that a session has staged: the next sync has the new version', async () => {
        const scene = new Scene(volume.fresh(), system)
        const spec = { 'lib/a': 'aaa', b: 'bbb' }
        const source = scene.version('pkg', spec) as DirectorySource
        const session = await Session.open(system, scene.dest, { manifest: true })
        await session.add(source)
        editUnseen(`${source.dir}/lib/a`)
        await session.commit()
        const { replaced } = await scene.sync([source])
        const isStaged = replaced === 1
        assert.equal(scene.read('lib/a'), '!!!')
        assert.ok(isStaged, 'it was staged before')
      })
    })
  })
})
