import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import type { ExistingPolicy, MergeResult, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { freshDir } from '../support/fresh'
import { staged, stagingIn, stored } from '../support/session'
import { assertTree } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

/** Does something to dest once, between the first look at it and the look under its lock. */
function betweenLooks(dest: string, change: () => void): Host {
  let isChanged = false
  const tryLock: Host['tryLock'] = (directory) => {
    if (directory.path === dest && !isChanged) {
      isChanged = true
      change()
    }
    return defaultHost.tryLock(directory)
  }
  return { ...defaultHost, tryLock }
}

type Merging = (host: Host, sources: Source[], existing: ExistingPolicy) => Promise<MergeResult>

describe('a directory of dest that is lost before the lock is got', () => {
  let base: string
  let dest: string
  beforeEach(() => {
    base = freshDir()
    dest = path.join(base, 'dest')
  })

  const ways: Readonly<Record<string, Merging>> = {
    'merge()': (host, sources, existing) => mergeOn(host, sources, dest, { existing }),
    'a session': async (host, sources, existing) => {
      const session = await staged(host, sources, dest, { existing })
      return session.commit()
    },
  }

  const counts = (result: MergeResult): Partial<MergeResult> => {
    const { created, replaced, kept, unchanged, conflicts } = result
    return { created, replaced, kept, unchanged, conflicts }
  }

  /** Everything is new below the directory, whatever was found there at first. */
  const held: Readonly<Record<string, TreeSpec>> = {
    'a file where a directory is wanted': { 'ns/kind': 'a file' },
    'a file where a directory is wanted, deep down': { 'ns/deep/kind': 'a file' },
    'a directory where a file is wanted': { 'ns/y/in it': '' },
    'the same, and something else': { 'ns/y': 'y', 'ns/kind/x': 'of dest' },
    'an empty directory': { 'ns/deep/kind/': {} },
  }
  const spec: TreeSpec = { 'ns/kind/x': 'x', 'ns/deep/kind/x': 'x', 'ns/y': 'y' }

  for (const [way, merging] of Object.entries(ways))
    for (const [what, found] of Object.entries(held)) {
      it(`held ${what}: ${way} makes all of it, and tells so`, async () => {
        writeTree(dest, { ...found, own: 'own' })
        const sources = stored(base, { a: spec })
        const host = betweenLooks(dest, () => {
          fs.rmSync(path.join(dest, 'ns'), { recursive: true })
        })
        const result = await merging(host, sources, 'keep')
        assertTree(dest, writeTree(path.join(base, 'expected'), { ...spec, own: 'own' }))
        assert.deepEqual(counts(result), {
          ...{ created: 3, replaced: 0, kept: 0, unchanged: 0, conflicts: [] },
        })
        assert.deepEqual(stagingIn(base, dest), [])
      })
    }

  for (const [way, merging] of Object.entries(ways)) {
    it(`held a file that was kept, and is a file now: ${way} keeps that, and all below it counts as kept`, async () => {
      writeTree(dest, { 'ns/kind': 'a file' })
      const sources = stored(base, { a: spec })
      const host = betweenLooks(dest, () => {
        fs.rmSync(path.join(dest, 'ns'), { recursive: true })
        writeTree(dest, { ns: 'a file too' })
      })
      const { created, kept, conflicts } = await merging(host, sources, 'keep')
      assertTree(dest, writeTree(path.join(base, 'expected'), { ns: 'a file too' }))
      assert.deepEqual([created, kept], [0, 3])
      assert.deepEqual(
        conflicts.map(({ path: at }) => at),
        ['ns'],
      )
    })

    it(`held a file that was kept, and is a file now that ${way} may replace: all below it is replaced`, async () => {
      writeTree(dest, { 'ns/kind': 'a file', 'ns/y': 'of dest' })
      const sources = stored(base, { a: spec })
      const host = betweenLooks(dest, () => {
        fs.rmSync(path.join(dest, 'ns'), { recursive: true })
        writeTree(dest, { ns: 'a file too' })
      })
      const { kept, conflicts } = await merging(host, sources, 'replace')
      assertTree(dest, writeTree(path.join(base, 'expected'), spec))
      assert.equal(kept, 0)
      assert.deepEqual(
        conflicts.map(({ path: at }) => at),
        ['ns'],
      )
    })
  }
})
