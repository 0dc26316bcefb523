import assert from 'node:assert/strict'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { describeOn, type DescribedVolume } from '../support/describe-on'
import { onBothHosts } from '../support/both-hosts'
import { rounds } from '../support/long'
import type { Host } from '../../lib/host/host'
import { randomFrom, type Random } from '../support/random'
import { scriptedHost } from '../support/scripted-host'
import type { TreeSpec } from '../support/tree'
import { Scene } from './scene'

const seed = Number(process.env['REFLINK_MERGE_SEED'] ?? Date.now() % 2 ** 32)

const one: TreeSpec = {
  'top.js': 'top',
  'lib/one.js': 'one',
  'lib/deep/two.js': { data: 'two', mode: 0o755 },
  'bin/run': { symlink: '../top.js' },
}
/** What was a directory is a symlink, and what was a file is a directory. */
const two: TreeSpec = { 'top.js/in': 'in', 'lib/one.js': 'ONE', bin: { symlink: 'lib' } }
const three: TreeSpec = { 'lib/three.js': 'three', x: 'x' }

/** Some calls come late, so that each round is interleaved otherwise. */
function slowed(host: Host, random: Random): Host {
  return scriptedHost(host, async () => {
    if (random.below(10) === 0) await sleep(random.below(5))
    return undefined
  })
}

async function heldAlone(volume: DescribedVolume, host: Host, spec: TreeSpec): Promise<string> {
  const scene = new Scene(volume.fresh(), host)
  await scene.install(spec)
  return scene.held().join()
}

describe(`19: syncs and removals at once (seed ${String(seed)})`, function () {
  this.timeout(600_000)

  describeOn(['btrfs', 'xfs'], (volume) => {
    onBothHosts((host) => {
      it('end as if one came after another: nobody fails, nothing is left behind', async () => {
        const random = randomFrom(seed)
        const states = [
          ...(await Promise.all([one, two, three].map((s) => heldAlone(volume, host, s)))),
          '',
        ]
        const slow = slowed(host, random)
        for (let round = 0; round < rounds(12, 1000); round++) {
          const scene = new Scene(volume.fresh(), host)
          await scene.install(one)
          // What goes into a directory with rules of its own is staged inside it.
          fs.chmodSync(scene.at('lib'), 0o2775)
          const late = scene.through(slow)
          const versions = [one, two, three].map((spec) => scene.version('pkg', spec))
          const removal = round % 2 === 0 ? [late.remove(['pkg'])] : []
          await Promise.all([...versions.map((each) => late.sync([each])), ...removal])
          assert.ok(
            states.includes(scene.held().join()),
            `${String(round)}: ${scene.held().join()}`,
          )
          assert.deepEqual((await scene.verify()).modified, [])
          assert.deepEqual(scene.staging(), [])
          fs.rmSync(scene.base, { recursive: true })
        }
      })
    })
  })
})
