import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { nodeHost } from '../../lib/host/node'
import { recover, type Source } from '../../lib/index'
import { mergeOn, recoverOn } from '../../lib/merge'
import { begunMerge } from '../support/begun'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { stagingBelow, visible } from '../support/kill-check'
import { describeWith } from '../support/needs'
import { asNobody, giveToNobody } from '../support/nobody'
import { stored } from '../support/session'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'

const packages = { one: { a: 'a', 'pkg/f': 'f', 'pkg/deep/g': 'g' } }
const others = { two: { b: 'b', 'pkg/f': 'f', 'pkg/deep/h': 'h' } }

describeWith('locks', 'a merge that was killed while it changed dest', function () {
  this.timeout(120_000)

  describeOn(['ext4', 'xfs'], (volume) => {
    let base: string
    let dest: string
    let staging: string
    let one: Source[]
    let two: Source[]
    const begin = async (onNode: boolean): Promise<string> => {
      const order = { sources: one, dest, options: { concurrency: 1 }, onNode }
      return begunMerge(order, (at) => fs.existsSync(path.join(at, 'pkg')))
    }
    beforeEach(() => {
      base = volume.fresh()
      dest = writeTree(path.join(base, 'dest'), { own: 'own' })
      one = stored(base, packages)
      two = stored(base, others)
    })

    for (const onNode of [false, true])
      for (const lock of [true, false])
        for (const [name, host] of Object.entries({ addon: defaultHost, node: nodeHost }))
          it(`${onNode ? 'without' : 'with'} the addon is undone by a merge of the ${name} host${lock ? '' : ' without a lock'}, which keeps all its files`, async () => {
            await begin(onNode)
            await mergeOn(host, two, dest, lock ? {} : { lock })
            const expected = { own: 'own', ...others.two }
            assertTree(dest, writeTree(path.join(base, 'expected'), expected))
            for (const each of [defaultHost, nodeHost]) {
              assert.equal((await recoverOn(each, dest)).undone, 0)
              assertTree(dest, path.join(base, 'expected'))
            }
          })

    it('keeps another user from merging, and is left as it is', async function () {
      if (process.getuid?.() !== 0) this.skip()
      staging = await begin(false)
      fs.chownSync(dest, 65534, 65534)
      fs.chmodSync(base, 0o777)
      const before = snapshot(dest)
      for (const lock of [undefined, false] as const) {
        const error = await failureOf(
          asNobody(() => mergeOn(defaultHost, two, dest, lock === false ? { lock } : {})),
        )
        assert.equal(error.code, 'ERR_MERGE_UNRECOVERED')
        assert.match(error.message, /uid 0\)/)
        assert.deepEqual(error.paths, [staging])
        assertTree(dest, before)
      }
      await mergeOn(defaultHost, two, dest)
      assert.deepEqual(stagingBelow(dest), [])
      giveToNobody(dest)
    })

    const damages: Record<string, (record: string) => string> = {
      'a newer version': (record) => record.replace(/"version":\d+/, '"version":99'),
      'half a record': (record) => record.slice(0, record.length / 2),
      'no record': () => '',
      'a path that leads elsewhere': (record) => record.replace('"prefix":""', '"prefix":"../x"'),
    }
    for (const [what, damage] of Object.entries(damages))
      it(`with ${what} keeps others from merging, and is left as it is`, async () => {
        staging = await begin(false)
        const record = path.join(staging, 'journal/0')
        fs.writeFileSync(record, damage(fs.readFileSync(record, 'utf8')))
        const before = snapshot(dest)
        const error = await failureOf(mergeOn(defaultHost, two, dest))
        assert.equal(error.code, 'ERR_MERGE_UNRECOVERED')
        assert.deepEqual(error.paths, [staging])
        const { left } = await recover(dest)
        assert.deepEqual(
          left.map((each) => each.path),
          [staging],
        )
        assertTree(dest, before)
      })

    it('that another tool copied somewhere else is nothing there, and stays', async () => {
      const again = await begin(false)
      const kept = path.join(base, path.basename(again))
      fs.cpSync(again, kept, { recursive: true })
      await recover(dest)
      fs.mkdirSync(path.join(dest, 'pkg'))
      const inDest = path.join(dest, path.basename(again))
      const deep = path.join(dest, 'pkg', path.basename(again))
      for (const at of [inDest, deep]) fs.cpSync(kept, at, { recursive: true })
      const before = [inDest, deep].map((at) => snapshot(at))
      const seen = visible(dest).length
      await mergeOn(defaultHost, two, dest)
      await mergeOn(
        defaultHost,
        [{ name: 'x', dir: path.join(base, 'store/two'), to: 'pkg' }],
        dest,
      )
      const { foreign, left, undone, removed } = await recover(path.join(dest, 'pkg'))
      assert.deepEqual([foreign, left, undone, removed], [[deep], [], 0, 0])
      for (const [index, at] of [inDest, deep].entries()) assertTree(at, before[index] ?? [])
      assert.ok(visible(dest).length > seen)
    })
  })
})
