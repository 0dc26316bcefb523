import assert from 'node:assert/strict'
import { once } from 'node:events'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import { mergeOn } from '../../lib/merge'
import { Session } from '../../lib/session'
import { bundled, bundleEnv } from '../support/bundle'
import { startCommand } from '../support/child'
import { describeOn } from '../support/describe-on'
import { stagingBelow } from '../support/kill-check'
import { describeWith } from '../support/needs'
import { mutating, scriptedHost } from '../support/scripted-host'
import { stored } from '../support/session'
import { assertTree } from '../support/snapshot'
import { writeTree } from '../support/tree'

/** Like a merge that is killed when all is published, and nothing settled. */
async function cutOffAtTheEnd(...args: [Parameters<typeof stored>[1], string]): Promise<void> {
  const [packages, dest] = args
  let over = false
  const host = scriptedHost(defaultHost, ({ operation, from }) => {
    over ||= operation === 'rename' && from?.endsWith('-begun') === true
    return over && mutating.has(operation) ? { errno: errno.EIO, syscall: operation } : undefined
  })
  await assert.rejects(mergeOn(host, stored(path.dirname(dest), packages), dest), { code: 'EIO' })
  // This one, and that of the merge that still runs.
  assert.equal(stagingBelow(dest).length, 2)
}

describeWith('locks', 'a recovery that waits for the lock on dest', () => {
  describeOn(['btrfs'], (volume) => {
    it('leaves what it found to the merge that has the lock, which would else build on what is undone', async () => {
      const base = volume.fresh()
      const dest = writeTree(path.join(base, 'dest'), { own: 'own' })
      const late = await Session.open(defaultHost, dest, undefined)
      await late.add({
        name: 'late',
        dir: writeTree(path.join(base, 'late'), { f: 'f', 'd/b': 'b' }),
      })
      await cutOffAtTheEnd({ killed: { f: 'f', 'd/a': 'a' } }, dest)

      const lock = await defaultHost.open({ base: dest, path: '' })
      assert.equal(defaultHost.tryLock(lock), 0)
      const script = await bundled('waiting-recovery.cjs')
      const recovery = startCommand([process.execPath, script, dest], { env: bundleEnv })
      const { process: child, done } = recovery
      assert.ok(child.stdout && child.pid !== undefined)
      await Promise.race([once(child.stdout, 'data'), done])
      process.kill(child.pid, 'SIGSTOP')

      const committing = late.commit()
      await defaultHost.close(lock)
      const { created, unchanged } = await committing
      assert.deepEqual([created, unchanged], [2, 0])
      process.kill(child.pid, 'SIGCONT')
      const { code, stderr } = await done
      assert.equal(code, 0, stderr)
      assertTree(dest, writeTreeOf(base))
      assert.deepEqual(stagingBelow(dest), [])
    })
  })
})

const writeTreeOf = (base: string): string =>
  writeTree(path.join(base, 'expected'), { own: 'own', f: 'f', 'd/b': 'b' })
