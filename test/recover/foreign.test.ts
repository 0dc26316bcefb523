import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { merge, recover } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { scriptedHost } from '../support/scripted-host'
import { failWith } from '../support/scripts'
import { stagingIn, stored } from '../support/session'
import { snapshot } from '../support/snapshot'

describeWith('locks', 'what others put into a dest that is taken back', () => {
  for (const at of ['x/foreign.js', 'x/y/foreign.js', 'x/y/dest/pkg/foreign.js'])
    it(`${at} stays where it is, and is told by merge()`, async () => {
      const base = freshDir()
      const parent = path.join(base, 'parent')
      fs.mkdirSync(parent)
      const dest = path.join(parent, 'x/y/dest')
      const sources = stored(base, { one: { 'pkg/a': 'a', 'tight/': { mode: 0o555 } } })
      const host = scriptedHost(defaultHost, ({ operation, path: place }) => {
        if (operation !== 'chmod' || place !== path.join(dest, 'tight')) return undefined
        fs.writeFileSync(path.join(parent, at), 'foreign')
        return failWith('EIO', 'chmod')
      })
      const error = await failureOf(mergeOn(host, sources, dest))
      assert.equal(error.code, 'EIO')
      const told = error.errors?.at(-1)
      assert.equal(told?.code, 'ERR_MERGE_UNRECOVERED')
      assert.deepEqual(told.paths, [path.join(parent, at)])
      const files = (): string[] =>
        snapshot(parent).flatMap(({ path: each, type }) => (type === 'file' ? [each] : []))
      assert.deepEqual(files(), [at])
      assert.deepEqual(stagingIn(parent, path.join(parent, 'x')), [])

      assert.deepEqual(await recover(dest), { undone: 0, removed: 0, running: 0, left: [] })
      await merge(sources, dest)
      assert.deepEqual(files(), [at, 'x/y/dest/pkg/a'].sort())
    })
})
