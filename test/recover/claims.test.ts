import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { recover } from '../../lib/index'
import { currentOwner, stagingNameOf } from '../../lib/records'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { stagingIn } from '../support/session'

describeWith('locks', 'a staging directory whose mark is gone', () => {
  const made = (files: readonly string[]): string => {
    const dest = freshDir()
    const at = path.join(dest, stagingNameOf('0123456789abcdef', ''))
    fs.mkdirSync(at, { mode: 0o700 })
    const gone = { ...currentOwner(false), start: '1', version: 2, dest: '' }
    for (const name of files) fs.writeFileSync(path.join(at, name), JSON.stringify(gone))
    return dest
  }

  for (const files of [[], ['claim-0'], ['claim-0', 'claim-1']])
    it(`is removed where recoveries that were killed have left ${files.join(' and ') || 'nothing'} in it`, async () => {
      const dest = made(files)
      const { removed, foreign } = await recover(dest)
      assert.deepEqual([removed, foreign, stagingIn(dest)], [1, undefined, []])
    })

  it('is not touched where there is anything else in it', async () => {
    const dest = made(['claim-0', 'claim'])
    const { removed, foreign } = await recover(dest)
    assert.deepEqual([removed, foreign?.length, stagingIn(dest).length], [0, 1, 1])
  })
})
