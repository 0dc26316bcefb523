import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { Audit } from '../support/audit'
import { traceOf, type AuditOrder, type Phase } from '../support/audit-trace'
import { bundled } from '../support/bundle'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { tellFigures } from '../support/long'
import { describeWith } from '../support/needs'
import { writeTree, type TreeSpec } from '../support/tree'

const a: TreeSpec = {
  'top.js': 'top of a',
  'bin/run': { data: '#!/bin/sh\n', mode: 0o755 },
  'shared/one.js': 'one of a',
  'shared/two.js': Buffer.alloc(20_000, 'two'),
  'shared/deep/link': { symlink: '../one.js' },
  'only/in/a.js': 'a',
  'closed/file': 'in a directory without u+w',
  'closed/': { dir: true, mode: 0o555 },
}
const b: TreeSpec = { 'shared/one.js': 'one of b', 'shared/b.js': 'b', 'empty/': {} }
const others: TreeSpec = {
  'top.js': { data: 'another top', mode: 0o600 },
  'shared/one.js': 'another one',
  'shared/two.js': 'another two',
  'shared/deep/link': { symlink: '../two.js' },
  'shared/other.js': Buffer.alloc(20_000, 'other'),
  'other/in/other.js': 'other',
}

function orderIn(volume: DescribedVolume, internals: string): AuditOrder {
  const base = volume.fresh()
  fs.mkdirSync(path.join(base, 'nearest'))
  const store = path.join(base, 'store')
  const dirOf = (name: string, spec: TreeSpec): string => writeTree(path.join(store, name), spec)
  const dest = writeTree(path.join(base, 'dest'), { 'own.js': 'own', 'shared/own.js': 'own' })
  return {
    dest,
    internals,
    missing: path.join(base, 'nearest/some/way/down'),
    sources: [
      { name: 'a', dir: dirOf('a', a) },
      { name: 'b', dir: dirOf('b', b) },
    ],
    others: [{ name: 'others', dir: dirOf('others', others) }],
    content: writeTree(path.join(store, 'content'), {
      one: 'one',
      two: { data: 'two', mode: 0o755 },
    }),
  }
}

function judged(audit: Audit, phases: readonly Phase[]): void {
  for (const { name, calls } of phases)
    audit.judge(calls, {
      replacing: name.startsWith('replacing'),
      unchanged: name.startsWith('again') || name === 'conflict',
    })
}

describeWith('calls', 'the system calls of merges of all kinds', function () {
  this.timeout(300_000)

  describeOn(['btrfs', 'ext4'], (volume) => {
    it('write to nothing that is there, follow no symlink, and name one entry of a descriptor', async () => {
      const order = orderIn(volume, await bundled('internals.ts'))
      const log = path.join(path.dirname(order.dest), 'trace')
      const script = require.resolve('../support/audit-child.cjs')
      const phases = await traceOf(script, order, log)
      const nearest = path.join(path.dirname(order.dest), 'nearest')
      const scenes = [{ dest: order.dest }, { dest: order.missing, nearest }]
      const dirs = [...order.sources, ...order.others].map(({ dir }) => dir)
      const stores = [...dirs, order.content]
      const faults: string[] = []
      const counts = new Map<string, number>()
      for (const scene of scenes) {
        const audit = new Audit({ ...scene, stores })
        judged(audit, phases)
        faults.push(...audit.faults)
        for (const [call, times] of audit.counts) counts.set(call, (counts.get(call) ?? 0) + times)
      }
      fs.rmSync(log)
      assert.equal(
        faults.length,
        0,
        `${String(faults.length)} faults:\n${faults.slice(0, 10).join('\n')}`,
      )
      // It has seen what it judges.
      const data = volume.kind === 'btrfs' ? ['ioctl BTRFS_IOC_CLONE or FICLONE'] : ['write']
      const seen =
        'openat newfstatat mkdirat renameat2 renameat linkat symlinkat unlinkat fchmod utimensat flock syncfs'
      for (const call of [...seen.split(' '), ...data]) {
        assert.ok(
          (counts.get(call) ?? 0) > 0,
          `no ${call} was judged: ${[...counts.keys()].join(' ')}`,
        )
      }
      const total = [...counts.values()].reduce((sum, times) => sum + times, 0)
      tellFigures({ phases: phases.length - 1, 'calls judged': total })
    })
  })
})
