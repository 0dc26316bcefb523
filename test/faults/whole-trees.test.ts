import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { recover } from '../../lib/index'
import { describeOn } from '../support/describe-on'
import { mergeInChild, type MergeOutcome } from '../support/merge-in-child'
import { describeWith } from '../support/needs'
import { assertTree } from '../support/snapshot'
import { runTool } from '../support/tool'
import { injection } from '../support/traced'
import { writeTree, type TreeSpec } from '../support/tree'
import { orSkip } from '../support/unrunnable'

const spec: TreeSpec = {
  ...{ '1': '1', 'a/2': '2', 'a/3': '3', 'a/b/4': '4', 'c/5': '5', 'c/d/6': '6' },
  'e/': {},
}
/** Calls of one thread: what staging needs and the trial come before those for the tree. Node makes none of them. */
const calls = { linkat: 7, mkdirat: 8 } as const

describeWith('calls', 'a whole tree of which a system call fails', function () {
  this.timeout(600_000)

  before('finds strace', async function () {
    await orSkip(this, runTool('strace', ['--version']))
  })

  describeOn(['btrfs'], (volume) => {
    let base = ''
    let dir = ''
    let dest = ''
    beforeEach(() => {
      base = volume.fresh()
      dir = writeTree(path.join(base, 'store'), spec)
      dest = path.join(base, 'dest')
    })

    /** Undefined: it was killed. */
    const struck = async (
      ...what: Parameters<typeof injection>
    ): Promise<MergeOutcome | undefined> => {
      const options = { linkModes: 'hardlink' as const, concurrency: 1 }
      const job = { sources: [{ name: 's', dir, to: 'p' }], dest, options }
      // Sanitizers do not work under strace.
      const plain = { LD_PRELOAD: undefined, REFLINK_MERGE_ADDON: undefined }
      const env = { ...plain, UV_THREADPOOL_SIZE: '1' }
      try {
        const [outcome] = await mergeInChild([job], { prefix: injection(...what), env })
        return outcome
      } catch (error) {
        assert.match(String(error), /ended with null/)
        return undefined
      }
    }

    for (const [name, count] of Object.entries(calls)) {
      it(`is completed where it fails only for now: ${name} once`, async () => {
        for (let nth = 1; nth <= count; nth++) {
          const outcome = await struck(name, nth, 'error=EMFILE')
          assert.equal(outcome?.result?.created, 6, `${name} ${String(nth)}`)
          assertTree(path.join(dest, 'p'), dir)
          fs.rmSync(dest, { recursive: true })
          assert.deepEqual(fs.readdirSync(base), ['store'], `${name} ${String(nth)}`)
        }
      })

      it(`fails with the errno of the call that made it fail: ${name} once`, async () => {
        for (let nth = 1; nth <= count; nth++) {
          const outcome = await struck(name, nth, 'error=EIO')
          assert.equal(outcome?.error?.['code'], 'EIO', `${name} ${String(nth)}`)
          assert.deepEqual(fs.readdirSync(base), ['store'], `${name} ${String(nth)}`)
        }
      })

      it(`fails with the errno of the call that made it fail: ${name} from then on`, async () => {
        for (let nth = 1; nth <= count; nth++) {
          const outcome = await struck(name, `${nth}+`, 'error=ENOSPC')
          assert.equal(outcome?.error?.['code'], 'ENOSPC', `${name} ${String(nth)}`)
          assert.deepEqual(fs.readdirSync(base), ['store'], `${name} ${String(nth)}`)
        }
      })

      it(`that is killed at it is put back, and made by the same merge again: ${name}`, async () => {
        for (let nth = 1; nth <= count; nth++) {
          assert.equal(await struck(name, nth, 'signal=SIGKILL'), undefined)
          await recover(dest)
          assert.deepEqual(fs.readdirSync(base), ['store'], `${name} ${String(nth)}`)
        }
        const outcome = await struck(name, 1000, 'error=EIO')
        assert.equal(outcome?.result?.created, 6)
        assertTree(path.join(dest, 'p'), dir)
      })
    }
  })
})
