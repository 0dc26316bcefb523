import assert from 'node:assert/strict'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { bounded } from '../support/bounds'
import { describeOn } from '../support/describe-on'
import { rounds, tellFigures } from '../support/long'
import { manyFiles } from '../support/many-files'
import { itWith } from '../support/needs'

const many = rounds(5000, 100_000)
const few = 500

describe('descriptors of a merge', function () {
  this.timeout(900_000)

  describeOn(['btrfs'], (volume) => {
    let base = ''
    beforeEach(() => {
      base = volume.fresh()
    })

    for (const concurrency of [1, 8])
      it(`are no more for ${String(many)} files than for ${String(few)}, with a concurrency of ${String(concurrency)}`, async () => {
        const seen: number[] = []
        for (const files of [few, many]) {
          const sources = manyFiles(path.join(base, `store-${String(files)}`), files)
          const dest = path.join(base, `dest-${String(files)}`)
          const report = await bounded({ sources, dest, options: { concurrency } })
          assert.equal(report.files, files)
          seen.push(report.descriptors)
        }
        tellFigures({
          concurrency,
          [`for ${String(few)}`]: seen[0] ?? 0,
          [`for ${String(many)}`]: seen[1] ?? 0,
        })
        for (const descriptors of seen)
          assert.ok(descriptors <= 3 * concurrency + 64, String(descriptors))
      })

    for (const concurrency of [undefined, 32])
      it(`are enough where a process may have 64, with a concurrency of ${String(concurrency ?? 'its own choice')}`, async () => {
        const sources = manyFiles(path.join(base, 'store'), many)
        const options = concurrency === undefined ? {} : { concurrency }
        const order = { sources, dest: path.join(base, 'dest'), options }
        const report = await bounded(order, { files: 64, env: { UV_THREADPOOL_SIZE: '16' } })
        assert.equal(report.files, many)
        tellFigures({ files: report.files, 'open at once': report.descriptors })
        // The same merge again has nothing to place, and everything to look at.
        const again = await bounded(order, { files: 64 })
        assert.equal(again.files, many)
      })

    itWith('descriptors', 'that the rest of the process has taken are waited for', async () => {
      const sources = manyFiles(path.join(base, 'store'), few)
      // Each time they are missing at other moments of a merge.
      for (const crowd of [1, 3, 10]) {
        const order = { sources, dest: path.join(base, `dest-${String(crowd)}/deep`), crowd }
        const { files, crowded, containment } = await bounded(order, { files: 64 })
        assert.equal(files, few)
        // Nor was the addon given up, which is loaded by the first call.
        assert.equal(containment, defaultHost.containment)
        assert.ok(crowded > 20, `${String(crowded)} were taken`)
      }
    })
  })
})
