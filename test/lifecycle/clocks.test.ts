import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { clockOf, decode, recordLength } from '../../lib/manifest'
import { describeOnBindfs } from '../support/bindfs'
import { describeOn } from '../support/describe-on'
import { Scene } from './scene'

describe('what a ctime is worth', () => {
  for (const [type, [before, since]] of Object.entries({
    ...{ btrfs: ['coarse', 'fine'], xfs: ['coarse', 'fine'], ext4: ['coarse', 'fine'] },
    ...{ tmpfs: ['coarse', 'fine'], ext3: ['coarse', 'coarse'], overlay: ['coarse', 'coarse'] },
    ...{ exfat: ['none', 'none'], vfat: ['none', 'none'], nfs4: ['none', 'none'] },
    ...{ fuseblk: ['none', 'none'], 'fuse.sshfs': ['none', 'none'], '9p': ['none', 'none'] },
    ...{ cifs: ['none', 'none'], smb3: ['none', 'none'], zfs: ['coarse', 'coarse'] },
  } as const))
    it(`on ${type}: ${before}, from Linux 6.13 on ${since}`, () => {
      assert.deepEqual([clockOf(type, false), clockOf(type, true)], [before, since])
    })
})

/** How many of the records that a first sync takes can tell later that nothing has changed: of dest, and of sources. */
async function recordsIn(base: string, store: string): Promise<[dest: number, source: number]> {
  const scene = new Scene(base, defaultHost)
  const source = new Scene(store, defaultHost).version('pkg', { 'lib/a': 'a', b: 'b', c: 'c' })
  await scene.sync([source])
  const { rows } = decode(fs.readFileSync(path.join(scene.dest, '.reflink-merge-manifest')))
  const isKept = (_: bigint, index: number): boolean => index % recordLength === 2
  const count = (column: BigUint64Array): number =>
    column.filter(isKept).filter((ctime) => ctime !== 0n).length
  return [count(rows.dest), count(rows.source)]
}

describe('the records of a first sync', () => {
  describeOn(['btrfs', 'xfs', 'ext4', 'tmpfs'], (volume) => {
    it('are kept of both sides, where the clock tells', async () => {
      const isFine = clockOf(volume.kind) === 'fine'
      const [dest] = await recordsIn(volume.fresh(), volume.fresh())
      assert.equal(dest, isFine ? 3 : 0)
    })
  })

  describeOn(['exfat'], (volume) => {
    it('are kept of neither side: it stores no ctime', async () => {
      assert.deepEqual(await recordsIn(volume.fresh(), volume.fresh()), [0, 0])
    })
  })

  describeOnBindfs('where whoever serves it tells the ctime', [], (mount) => {
    it('are kept of neither side', async () => {
      assert.deepEqual(await recordsIn(mount.fresh(), mount.fresh()), [0, 0])
    })
  })
})
