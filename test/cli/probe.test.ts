import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { ProbeReport } from '../../lib/cli/probe/report'
import { cli } from '../support/cli'
import { describeOn } from '../support/describe-on'
import { itWith } from '../support/needs'
import { assertTree, snapshot } from '../support/snapshot'
import { runTool, runToolSync } from '../support/tool'
import { writeTree } from '../support/tree'
import { orSkip } from '../support/unrunnable'
import { makeVolume, volumeOf, type Volume } from '../support/volumes'

const size = 40_000
const store = { 'a/small': 'x', 'a/big': Buffer.alloc(size, 'b') }

/** The report in both forms; neither side is any different afterwards. */
async function probed(from: string, dest: string): Promise<{ report: ProbeReport; text: string }> {
  const before = snapshot(from)
  const text = await cli('probe', from, dest)
  const json = await cli('probe', '--json', from, dest)
  assert.deepEqual([text.code, text.stderr, json.code, json.stderr], [0, '', 0, ''])
  assertTree(from, before)
  assert.ok(!fs.existsSync(dest))
  const parent = fs.readdirSync(path.dirname(dest))
  assert.deepEqual(
    parent.filter((name) => name.startsWith('.reflink-merge-')),
    [],
  )
  return { report: JSON.parse(json.stdout) as ProbeReport, text: text.stdout }
}

/** A median of measured times: more than nothing, less than a tenth of a second. */
function assertCost(cost: number | null): void {
  assert.ok(cost !== null && cost > 0.1 && cost < 100_000, String(cost))
}

describe('reflink-merge probe', () => {
  describeOn(['btrfs', 'xfs'], (volume) => {
    itWith(
      'extents',
      'recommends to clone, having seen shared extents and what each mode costs',
      async () => {
        const dir = volume.fresh()
        const from = writeTree(path.join(dir, 'store'), store)
        const { report, text } = await probed(from, path.join(dir, 'dest'))
        const { store: on, dest } = report.volumes
        assert.deepEqual([on.type, on.mount], [volume.kind, volume.path])
        assert.match(on.device ?? '', /^\/dev\/loop/)
        assert.deepEqual(dest, on)
        assert.equal(report.sharedBytes, size)
        assert.equal(report.bytes, size)
        assert.equal(report.copyUp, null)
        for (const cost of Object.values(report.cost)) assertCost(cost)
        assert.deepEqual(report.recommended.linkModes, ['clone', 'copy'])
        assert.match(report.recommended.reason, /40\.0 kB of 40\.0 kB are stored only once/)
        assert.match(text, /^clone {5}yes {4}[\d.]+ µs +shares 40\.0 kB$/m)
        assert.match(text, /^recommended: --link-mode clone,copy$/m)
        for (const line of text.split('\n'))
          assert.ok(line.length <= 80 || line.includes('/'), line)
      },
    )
  })

  describeOn(['ext4', 'tmpfs'], (volume) => {
    it('recommends hard links, and tells what they are and why nothing is cloned', async () => {
      const dir = volume.fresh()
      const from = writeTree(path.join(dir, 'store'), store)
      const { report, text } = await probed(from, path.join(dir, 'dest'))
      assert.equal(report.cost.clone, null)
      for (const mode of ['hardlink', 'copy', 'symlink'] as const) assertCost(report.cost[mode])
      assert.deepEqual(report.recommended.linkModes, ['hardlink', 'copy'])
      const { reason } = report.recommended
      const why = `${volume.kind} volume ${volume.path} cannot clone files (EOPNOTSUPP). A hard link`
      assert.ok(reason.startsWith(why), reason)
      assert.match(reason, /an edit in dest is an edit in the store/)
      assert.match(text, /^clone {5}no {5}EOPNOTSUPP from ficlone$/m)
    })
  })

  it('recommends copies between two volumes, and names both', async function () {
    const btrfs = await orSkip(this, volumeOf('btrfs'))
    const ext4 = await orSkip(this, volumeOf('ext4'))
    const from = writeTree(path.join(btrfs.fresh(), 'store'), store)
    const { report } = await probed(from, path.join(ext4.fresh(), 'dest'))
    assert.deepEqual(report.recommended, {
      linkModes: ['copy'],
      reason:
        `Btrfs volume ${btrfs.path} and ext4 volume ${ext4.path} cannot share extents (EXDEV), ` +
        'and files cannot be hard-linked (EXDEV).',
    })
  })

  describe('on an overlay over ext4', () => {
    let below: Volume | undefined
    let overlay = ''

    before('mounts one with a file in its lower layer', async function () {
      below = await orSkip(this, makeVolume('ext4'))
      const at = (name: string): string => path.join(below?.path ?? '', name)
      for (const name of ['upper', 'work', 'overlay']) fs.mkdirSync(at(name))
      writeTree(at('lower/store'), { big: Buffer.alloc(4 << 20, 'b'), small: Buffer.alloc(20_000) })
      overlay = at('overlay')
      const layers = `lowerdir=${at('lower')},upperdir=${at('upper')},workdir=${at('work')}`
      await runTool('mount', ['-t', 'overlay', '-o', layers, 'overlay', overlay])
    })

    after(() => {
      if (below === undefined) return
      assert.equal(runToolSync('umount', [overlay]), null)
      below.remove()
    })

    it('tells that a hard link copies the file up, which no errno tells', async () => {
      const { code, stdout } = await cli('probe', '--json', `${overlay}/store`, `${overlay}/dest`)
      assert.equal(code, 0)
      const report = JSON.parse(stdout) as ProbeReport
      assert.equal(report.volumes.store.type, 'overlay')
      assert.equal(report.linkModes.hardlink.works, true)
      const { copyUp } = report
      assert.ok(copyUp !== null && copyUp.copied, stdout)
      assert.deepEqual([copyUp.path, copyUp.bytes], [`${overlay}/store/big`, 4 << 20])
      assert.ok(copyUp.first > 10 * copyUp.later)
      assert.ok(fs.existsSync(path.join(overlay, '../upper/store/big')), 'it was copied up')
      assert.deepEqual(report.recommended.linkModes, ['copy'])
      assert.match(
        report.recommended.reason,
        /overlayfs first copies up each file of a lower layer/,
      )
    })

    it('takes a file of the upper layer for what it is', async () => {
      const from = writeTree(path.join(overlay, 'own'), { big: Buffer.alloc(4 << 20, 'o') })
      const { report } = await probed(from, path.join(overlay, 'dest'))
      assert.equal(report.copyUp?.copied, false)
      assert.deepEqual(report.recommended.linkModes, ['hardlink', 'copy'])
      assert.match(report.recommended.reason, /one in a lower layer would be copied up first/)
    })
  })

  it('of what is not there tells the errno and exits with 2', async () => {
    const { code, stdout, stderr } = await cli('probe', '/none', '/none/dest')
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^reflink-merge: ENOENT: [^]*\n {2}next: /)
  })

  it('wants both', async () => {
    const { code, stderr } = await cli('probe', '/')
    assert.equal(code, 2)
    assert.match(stderr, /missing required argument 'dest'/)
  })
})
