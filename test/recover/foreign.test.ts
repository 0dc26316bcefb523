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
    it(`${at} outlives the merges and recoveries that follow, until it is taken away`, async () => {
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
      assert.match(String(error.errors?.at(-1)?.message), /foreign\.js/)
      const found = (): string[] =>
        snapshot(parent).flatMap((entry) => (/foreign\.js$/.test(entry.path) ? [entry.path] : []))
      const [kept = ''] = found()
      assert.ok(kept.startsWith('.reflink-merge-'))

      const { undone, removed, running, left } = await recover(dest)
      assert.deepEqual([undone, removed, running], [0, 0, 0])
      assert.deepEqual(
        left.map((each) => path.relative(parent, each.path)),
        [kept.split('/')[0]],
      )
      await merge(sources, dest)
      assert.deepEqual(found(), [kept])

      fs.rmSync(path.join(parent, kept))
      assert.equal((await recover(dest)).removed, 1)
      assert.deepEqual(stagingIn(parent, dest), [])
      assert.equal(fs.readFileSync(path.join(dest, 'pkg/a'), 'utf8'), 'a')
    })
})
