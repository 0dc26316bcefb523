import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { recover } from '../../lib/index'
import type { MergeOptions, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { describeOn } from '../support/describe-on'
import { failpoints } from '../support/failpoints'
import { describeWith } from '../support/needs'
import { failWith } from '../support/scripts'
import { stored } from '../support/session'
import { writeTree } from '../support/tree'

// Before, it has not begun to change dest.
const firstStep = 15
const mostSteps = 200

describeWith('locks', 'a directory of dest that a merge had moved aside when it was killed', () => {
  describeOn(['ext4'], (volume) => {
    const cases: Record<string, { aside: string; options: MergeOptions }> = {
      'an empty one that gave way to a file': { aside: 'empty', options: {} },
      'one that was pruned': { aside: 'pruned', options: { manifest: true, prune: true } },
    }

    /** The directory as it lies aside in the staging directory of a merge that has come to its end, but for removing that. */
    async function killedWhileItSweeps(
      make: () => Promise<{ dest: string; sources: Source[] }>,
      { aside, options }: { aside: string; options: MergeOptions },
    ): Promise<{ dest: string; at: string }> {
      for (let step = firstStep; step < mostSteps; step++) {
        const { dest, sources } = await make()
        const dies = failpoints(defaultHost, step, ({ operation }) => failWith('EIO', operation), {
          onwards: true,
        })
        const merging = mergeOn(dies.host, sources, dest, { existing: 'replace', ...options })
        await merging.catch(() => undefined)
        const staging = fs
          .readdirSync(dest)
          .find((name) => /^\.reflink-merge-[0-9a-f]+$/.test(name))
        const at = path.join(dest, staging ?? '', 'old', aside)
        if (fs.existsSync(at)) return { dest, at }
        fs.rmSync(dest, { recursive: true })
      }
      return assert.fail('it was never killed while it swept')
    }

    for (const [title, each] of Object.entries(cases)) {
      const make = async (): Promise<{ dest: string; sources: Source[] }> => {
        const base = volume.fresh()
        const dest = writeTree(path.join(base, 'dest'), { 'empty/': { dir: true } })
        const [first, ...sources] = stored(base, {
          first: { 'pruned/lib/index.js': 'past' },
          one: { empty: 'a file by now', other: 'other' },
        })
        if (each.options.manifest === true)
          await mergeOn(defaultHost, [first ?? assert.fail()], dest, { manifest: true })
        return { dest, sources }
      }

      it(`${title}: what somebody has put into it since stays, and is reported`, async () => {
        const { dest, at } = await killedWhileItSweeps(make, each)
        fs.writeFileSync(path.join(at, 'theirs'), 'theirs')
        const { removed, left } = await recover(dest)
        assert.equal(removed, 0)
        const [kept, ...others] = left
        assert.deepEqual(others, [])
        assert.equal((kept?.error as NodeJS.ErrnoException).code, 'ERR_MERGE_UNRECOVERED')
        const file = path.join(kept?.path ?? '', 'old', each.aside, 'theirs')
        assert.equal(fs.readFileSync(file, 'utf8'), 'theirs')
        // It counts for nothing else: once it is emptied it goes.
        fs.unlinkSync(file)
        fs.rmSync(path.dirname(file), { recursive: true })
        assert.deepEqual([(await recover(dest)).left, fs.existsSync(kept?.path ?? '')], [[], false])
      })

      it(`${title}: is removed where nobody has`, async () => {
        const { dest, at } = await killedWhileItSweeps(make, each)
        const { removed, left } = await recover(dest)
        assert.deepEqual([removed, left, fs.existsSync(at)], [1, [], false])
      })
    }
  })
})
