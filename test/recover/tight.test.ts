import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { mergeOn, recoverOn } from '../../lib/merge'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { asNobody, giveToNobody } from '../support/nobody'
import { mutating, scriptedHost } from '../support/scripted-host'
import { failWith } from '../support/scripts'
import { stagingIn, stored } from '../support/session'
import { snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'

describeWith('locks', 'a merge of a user without any rights', () => {
  it('that was killed when directories had become read-only is undone, and nothing of it is left', async () => {
    const base = freshDir()
    const sources = stored(base, {
      pkg: {
        'lib/shut/in/deep': 'deep',
        'lib/shut/in/': { dir: true, mode: 0o555 },
        'lib/shut/file': 'file',
        'lib/shut/': { dir: true, mode: 0o555 },
        'lib/bare/in/file': 'file',
        'lib/bare/': { dir: true, mode: 0o500 },
      },
    })
    const dest = writeTree(path.join(base, 'dest'), { own: 'own' })
    giveToNobody(base)
    const before = snapshot(dest)
    // A process that does nothing more once it has given all directories their own mode.
    let tight = 0
    const host = scriptedHost(defaultHost, ({ operation }) => {
      if (operation === 'chmod' && tight < 3) tight++
      else if (tight === 3 && mutating.has(operation)) return failWith('EIO', operation)
      return undefined
    })
    await asNobody(async () => {
      assert.equal((await failureOf(mergeOn(host, sources, dest))).code, 'EIO')
      assert.equal(fs.statSync(path.join(dest, 'lib/shut')).mode & 0o777, 0o555)
      assert.equal(stagingIn(dest).length, 1)
      const { undone, removed, left } = await recoverOn(defaultHost, dest)
      assert.deepEqual([undone, removed, left], [1, 1, []])
    })
    assert.deepEqual(snapshot(dest), before)
  })
})
