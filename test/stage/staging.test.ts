import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import { mergeOn } from '../../lib/merge'
import { freshDir } from '../support/fresh'
import { scriptedHost, type Script } from '../support/scripted-host'
import { stagingIn, stored } from '../support/session'

const isStaging = (path: string): boolean => /\/\.reflink-merge-[0-9a-f]{16}$/.test(path)

/** Merges with a script; answers the staging directories that were made. */
async function mergeWith(script: (made: string[]) => Script): Promise<string[]> {
  const base = freshDir()
  const dest = path.join(base, 'dest')
  const made: string[] = []
  const act = script(made)
  const host = scriptedHost(defaultHost, (call) => {
    if (call.operation === 'mkdir' && isStaging(call.path)) made.push(call.path)
    return act(call)
  })
  await mergeOn(host, stored(base, { a: { f: 'f' } }), dest)
  assert.equal(fs.readFileSync(path.join(dest, 'f'), 'utf8'), 'f')
  assert.deepEqual(stagingIn(base, dest), [])
  return made
}

describe('a staging directory that another process takes for abandoned, and removes,', () => {
  it('before it has its mode is made anew', async () => {
    const made = await mergeWith((all) => ({ operation }) => {
      // What mkdir in the addon meets then: the name is gone when it is opened for its mode.
      const isFirst = operation === 'mkdir' && all.length === 1
      return isFirst ? { errno: errno.ENOENT, syscall: 'open' } : undefined
    })
    assert.equal(made.length, 2)
  })

  it('before it is opened is made anew', async () => {
    const made = await mergeWith((all) => ({ operation, path: opened }) => {
      // The next one may have the same name.
      if (operation === 'open' && opened === all[0] && all.length === 1) fs.rmdirSync(opened)
      return undefined
    })
    assert.equal(made.length, 2)
  })

  it('is no reason to try again where it could not be made', async () => {
    const gone = mergeWith(
      () =>
        ({ operation, path: asked }) =>
          operation === 'mkdir' && isStaging(asked)
            ? { errno: errno.ENOENT, syscall: 'mkdir' }
            : undefined,
    )
    await assert.rejects(gone, { code: 'ENOENT', syscall: 'mkdir' })
  })
})
