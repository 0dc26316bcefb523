import assert from 'node:assert/strict'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { recover } from '../../lib/index'
import type { RecoverResult, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { failpoints } from '../support/failpoints'
import { tell } from '../support/figures'
import { freshDir } from '../support/fresh'
import { killCases, makeKillScene, packagesOf } from '../support/kill-cases'
import { stagingBelow, visible } from '../support/kill-check'
import { killed } from '../support/killed'
import { describeWith } from '../support/needs'
import { assertTree } from '../support/snapshot'

describeWith('locks', 'recover() beside a live merge', function () {
  this.timeout(600_000)

  for (const what of ['into a dest that is there', 'into a dest that is missing'] as const)
    it(`${what}: leaves it alone at each of its steps`, async () => {
      const base = freshDir()
      const killCase = killCases[what]
      const sources = packagesOf(base, killCase)
      const { root, dest } = makeKillScene(path.join(base, 'live'), killCase)
      const found: RecoverResult[] = []
      const points = failpoints(
        defaultHost,
        1,
        async () => {
          found.push(await recover(dest))
          return undefined
        },
        { onwards: true },
      )
      await mergeOn(points.host, sources, dest, killCase.options)
      assert.ok(found.length >= killCase.steps)
      assert.equal(found.length, points.count())
      for (const { running, ...others } of found) {
        assert.deepEqual(others, { undone: 0, removed: 0, left: [] })
        assert.ok(running <= 1)
      }
      assert.ok(found.filter(({ running }) => running === 1).length >= killCase.steps - 3)
      assert.deepEqual(stagingBelow(root), [])
      const whole = makeKillScene(path.join(base, 'whole'), killCase)
      await mergeOn(defaultHost, sources, whole.dest, killCase.options)
      assertTree(root, visible(whole.root))
      tell('calls of recover() beside a live merge', found.length)
    })

  for (const who of ['recover()', 'the live merge itself'] as const)
    it(`undoes one that was killed, by ${who}, and the live one ends as if alone`, async () => {
      const base = freshDir()
      const killCase = killCases['into a dest that is there']
      const sources = packagesOf(base, killCase)
      const whole = makeKillScene(path.join(base, 'whole'), killCase)
      await mergeOn(defaultHost, sources, whole.dest, killCase.options)
      const other: Source[] = packagesOf(path.join(base, 'other'), {
        ...killCase,
        packages: {
          other: { 'top.txt': 'of the killed', 'shared/one.js': 'too', 'its/own': 'own' },
        },
      })
      let undone = 0
      for (let at = 12; ; at += 3) {
        const { root, dest } = makeKillScene(path.join(base, String(at)), killCase)
        const ends: boolean[] = []
        // Before it takes dest's lock: the other one gets it, and is killed.
        const { host } = failpoints(defaultHost, 10, async () => {
          const order = { what: 'merge', sources: other, dest, options: killCase.options } as const
          const ended = (await killed({ ...order, at })) !== undefined
          ends.push(ended)
          if (!ended && who === 'recover()') {
            const result = await recover(dest)
            assert.deepEqual([result.running, result.removed, result.left], [1, 1, []])
            undone += result.undone
          }
          return undefined
        })
        await mergeOn(host, sources, dest, killCase.options)
        assert.equal(ends.length, 1)
        if (ends[0] === true) break
        assert.deepEqual(stagingBelow(root), [])
        const isWhole = visible(root).some((entry) => entry.path === 'deep/dest/its/own')
        // Past its commit point it had put its own there.
        if (!isWhole) assertTree(root, visible(whole.root))
      }
      if (who === 'recover()') assert.ok(undone >= 3, `${undone} had begun to change dest`)
    })
})
