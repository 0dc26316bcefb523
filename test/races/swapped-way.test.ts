import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { mergeOn } from '../../lib/merge'
import { describeOn } from '../support/describe-on'
import { inodesIn } from '../support/kill-check'
import { describeWith } from '../support/needs'
import { scriptedHost } from '../support/scripted-host'
import { stored } from '../support/session'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const held: TreeSpec = { 'way/dest/own': 'own', 'way/dest/shared/file': 'old' }
const source: TreeSpec = { 'shared/file': 'new', 'shared/deep/f': 'f', top: 'top' }

/** Calls `swap` before the n-th name that the host is asked about. */
function beforeCall(n: number, swap: () => void): { host: Host; reached: () => boolean } {
  let calls = 0
  const host = scriptedHost(defaultHost, () => {
    if (++calls === n) swap()
    return undefined
  })
  return { host, reached: () => calls >= n }
}

describeWith(
  'containment',
  'a directory on the way to dest that somebody swaps for a symlink',
  function () {
    this.timeout(300_000)

    const ways = {
      'dest itself': { what: 'way/dest', before: held },
      'the one above dest': { what: 'way', before: held },
      'the one above a missing dest': { what: 'way', before: { 'way/own': 'own' } },
    } as const satisfies Record<string, { what: string; before: TreeSpec }>

    describeOn(['btrfs'], (volume) => {
      for (const [title, { what, before }] of Object.entries(ways))
        it(`leads no merge out of it, whenever that is: ${title}`, async () => {
          const base = volume.fresh()
          const sources = stored(base, { a: source })
          let n = 1
          for (; ; n++) {
            const root = writeTree(path.join(base, String(n)), before)
            // All that is below the swapped directory is there too: a merge that is led astray would not notice.
            const canary = writeTree(path.join(base, `canary-${String(n)}`), held)
            const untouched = snapshot(canary)
            const inodes = inodesIn(canary)
            const swapped = path.join(root, what)
            const { host, reached } = beforeCall(n, () => {
              fs.renameSync(swapped, path.join(root, 'away'))
              fs.symlinkSync(path.join(canary, what), swapped)
            })
            const options = { existing: 'replace' } as const
            await mergeOn(host, sources, path.join(root, 'way/dest'), options).catch(
              () => undefined,
            )
            assertTree(canary, untouched)
            assert.deepEqual(inodesIn(canary), inodes, `swapped before call ${String(n)}`)
            if (!reached()) break
            assert.ok(fs.lstatSync(swapped).isSymbolicLink())
          }
          assert.ok(n > 20, `swapped at ${String(n)} calls only`)
        })
    })
  },
)
