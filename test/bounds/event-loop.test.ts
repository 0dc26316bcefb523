import assert from 'node:assert/strict'
import path from 'node:path'

import { bounded } from '../support/bounds'
import { describeOn } from '../support/describe-on'
import { rounds, tellFigures } from '../support/long'
import { manyFiles } from '../support/many-files'

const files = rounds(5000, 30_000)
const inTenths = (ms: number): string => ms.toFixed(1)
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? 0

describe('the process of a merge', function () {
  this.timeout(600_000)

  describeOn(['btrfs'], (volume) => {
    it(`has its event loop, and threads to read and hash with, while ${String(files)} files are merged`, async () => {
      const base = volume.fresh()
      const sources = manyFiles(path.join(base, 'store'), files)
      const order = { sources, dest: path.join(base, 'dest'), watch: true }
      const { total, loop, reads, hashes, files: merged } = await bounded(order)
      assert.equal(merged, files)
      tellFigures({
        ...{ files, ms: Math.round(total) },
        ...{ 'loop p99': inTenths(loop.p99), 'loop max': inTenths(loop.max) },
        ...{ 'read p50': inTenths(at(reads, 0.5)), 'read p99': inTenths(at(reads, 0.99)) },
        ...{ 'hash p50': inTenths(at(hashes, 0.5)), 'hash p99': inTenths(at(hashes, 0.99)) },
      })
      // Far above what is measured on a quiet machine (docs/guarantees.md): this is to find a loop that is held.
      assert.ok(loop.p99 < 250, `the event loop was late by ${String(loop.p99)} ms`)
      // Others' work would wait for all of it if merges held the whole pool.
      assert.ok(reads.length >= 5, `${String(reads.length)} reads`)
      assert.ok(
        at(reads, 0.5) < Math.max(100, total / 4),
        `reads took ${String(at(reads, 0.5))} ms`,
      )
    })
  })
})
