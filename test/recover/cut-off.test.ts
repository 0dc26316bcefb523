import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { nodeHost } from '../../lib/host/node'
import { mergeOn, recoverOn } from '../../lib/merge'
import { failpoints, type Failpoints } from '../support/failpoints'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { failWith } from '../support/scripts'
import { stagingIn } from '../support/session'
import { snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const before: TreeSpec = {
  'lib/x': 'old x',
  'lib/kept': 'kept',
  top: 'old top',
  way: 'a file in the way',
  'mine/f': 'mine',
}
const source: TreeSpec = {
  'lib/x': 'new x',
  'lib/sub/y': 'y',
  'lib/z': 'z',
  top: { symlink: 'lib/x' },
  'way/in': 'now a directory',
  'fresh/a/b': 'b',
  'tight/': { mode: 0o555 },
}

/**
 * A host that fails for good from the n-th change on: a process that does nothing more, as after a kill, though it gives
 * back its locks in an orderly way. That a real kill does the same is shown beside this.
 */
const cutOff = (n: number): Failpoints =>
  failpoints(defaultHost, n, ({ operation }) => failWith('EIO', operation), { onwards: true })

function contents(dir: string): object[] {
  return snapshot(dir).filter((entry) => !JSON.stringify(entry).includes('.reflink-merge-'))
}

describeWith('locks', 'a merge that is cut off at any change', function () {
  for (const again of ['recover()', 'the same merge again'] as const)
    it(`is undone by ${again}`, async () => {
      const base = freshDir()
      const dir = writeTree(path.join(base, 'source'), source)
      const merge = (host: Host, dest: string): Promise<unknown> =>
        mergeOn(host, [{ name: 'a', dir }], dest, { existing: 'replace' })
      const untouched = contents(writeTree(path.join(base, 'untouched'), before))
      const whole = writeTree(path.join(base, 'whole'), before)
      await merge(defaultHost, whole)
      const merged = contents(whole)
      let undone = 0
      for (let n = 1; ; n++) {
        const dest = writeTree(path.join(base, String(n)), before)
        const { host, hit } = cutOff(n)
        await merge(host, dest).catch(() => undefined)
        if (hit.length === 0) break
        if (again === 'recover()') {
          const result = await recoverOn(defaultHost, dest)
          assert.deepEqual(result.left, [], `${n}`)
          undone += result.undone
          // Past the commit point dest stays as it is to be.
          const expected = fs.existsSync(path.join(dest, 'fresh')) ? merged : untouched
          assert.deepEqual(contents(dest), expected, `${n}`)
        } else {
          await merge(defaultHost, dest)
          assert.deepEqual(contents(dest), merged, `${n}`)
        }
        assert.deepEqual(stagingIn(dest), [], `${n}`)
      }
      if (again === 'recover()') assert.ok(undone > 10, `${undone} merges had begun to change dest`)
    })
})

describe('recover() without locks', () => {
  it('leaves staging directories alone, since nobody can tell whether their merges run', async () => {
    const dest = writeTree(path.join(freshDir(), 'dest'), { mine: 'mine' })
    const staging = path.join(dest, '.reflink-merge-0123456789abcdef')
    fs.mkdirSync(staging, { mode: 0o700 })
    assert.deepEqual(await recoverOn(nodeHost, dest), {
      ...{ undone: 0, removed: 0, running: 1, left: [] },
    })
    assert.ok(fs.existsSync(staging))
  })
})
