import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from '../support/child'
import { freshDir } from '../support/fresh'

describe('npm run prebuild right after a clone', () => {
  it('lists the eight addons for a name that is none, before anything is installed', async () => {
    const clone = freshDir()
    fs.cpSync('scripts', path.join(clone, 'scripts'), { recursive: true })
    const command = [process.execPath, 'scripts/prebuild.mjs', 'amiga']
    const { code, stderr } = await startCommand(command, { cwd: clone }).done
    const [told, ...names] = stderr.trimEnd().split('\n')
    assert.equal(told, 'No such prebuild: amiga. There are:')
    assert.deepEqual([code, names.length], [1, 8])
  })
})
