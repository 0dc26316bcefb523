import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from '../support/child'
import { describeOn } from '../support/describe-on'
import { rounds, tellFigures } from '../support/long'
import { stored } from '../support/session'
import { packageTree } from '../support/store'
import { MiB } from '../support/volumes'

const repeated = rounds(36, 250)
// What a round does: merges and sessions, a plan, a recovery, a probe, an abort and five failures.
const perRound = 14

interface Held {
  descriptors: number
  rss: number
}

describe('merges and failures of all kinds, over and over', function () {
  this.timeout(1_800_000)

  describeOn(['btrfs'], (volume) => {
    it('leave no descriptor open, and memory as it was', async () => {
      const base = volume.fresh()
      const sources = stored(base, { a: packageTree(1), b: { 'b/only': 'b' } })
      const others = stored(path.join(base, 'others'), {
        a: packageTree(2),
        b: { 'b/only': 'other' },
      })
      const input = JSON.stringify({ base, sources, others, rounds: repeated })
      const script = require.resolve('../support/soak-child.cjs')
      const env = {
        NODE_V8_COVERAGE: undefined,
        LD_PRELOAD: undefined,
        REFLINK_MERGE_ADDON: undefined,
      }
      const command = [process.execPath, '--expose-gc', script]
      const { code, stdout, stderr } = await startCommand(command, {
        env,
        input,
        timeout: 1_700_000,
      }).done
      assert.equal(code, 0, stderr)
      const [before, after] = JSON.parse(stdout) as [Held, Held]
      const grown = (after.rss - before.rss) / MiB
      tellFigures({
        ...{
          calls: repeated * perRound,
          descriptors: `${String(before.descriptors)} → ${String(after.descriptors)}`,
        },
        'MiB more': grown.toFixed(1),
      })
      assert.equal(after.descriptors, before.descriptors)
      assert.ok(grown < 24, `${grown.toFixed(1)} MiB more`)
      assert.deepEqual(
        fs.readdirSync(base).filter((name) => name.startsWith('.')),
        [],
      )
      assert.deepEqual(
        fs.readdirSync(path.join(base, 'dest')).filter((name) => name.startsWith('.reflink')),
        [],
      )
    })
  })
})
