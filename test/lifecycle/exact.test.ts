import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { mergeOn, planOn } from '../../lib/merge'
import type { MergeOptions, MergeResult, Source } from '../../lib/types'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { scriptedHost } from '../support/scripted-host'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const pkg: TreeSpec = {
  'index.js': 'new',
  'lib/same.js': 'same',
  'was/dir/x.js': 'x',
  'was-dir': 'f',
}
const plugin: TreeSpec = { 'b.js': 'b' }

/** What an older version, its user and others left there. */
const old: TreeSpec = {
  'a/index.js': 'old',
  'a/lib/same.js': 'same',
  'a/lib/gone.js': 'gone',
  'a/lib/deep/gone.js': 'gone',
  'a/dangling': { symlink: 'nowhere' },
  'a/was': 'a file',
  'a/was-dir/x/y.js': 'y',
  'a/node_modules/k/k.js': 'k',
  'other/z.js': 'z',
}

const expected: TreeSpec = {
  'a/index.js': 'new',
  'a/lib/same.js': 'same',
  'a/was/dir/x.js': 'x',
  'a/was-dir': 'f',
  'a/plugins/b/b.js': 'b',
  'a/node_modules/k/k.js': 'k',
  'other/z.js': 'z',
}

describe('an exact source', () => {
  describeOn(['btrfs', 'xfs', 'ext4'], (volume) => {
    onBothHosts((host) => {
      let base: string
      let dest: string
      let sources: Source[]
      beforeEach(() => {
        base = volume.fresh()
        dest = writeTree(path.join(base, 'dest'), old)
        const exact = { keep: ['node_modules'] }
        sources = [
          { name: 'a', dir: writeTree(path.join(base, 'a'), pkg), to: 'a', exact },
          { name: 'b', dir: writeTree(path.join(base, 'b'), plugin), to: 'a/plugins/b' },
        ]
      })

      function merge(options?: MergeOptions): Promise<MergeResult> {
        return mergeOn(host, sources, dest, options)
      }

      it('is alone in its place afterwards, also where nothing else is to be done', async () => {
        await merge({ existing: 'replace' })
        writeTree(dest, { 'a/extra': 'x', 'a/more/extra': 'x' })
        const { removed, created, replaced } = await merge({ existing: 'replace' })
        assert.deepEqual({ removed, created, replaced }, { removed: 2, created: 0, replaced: 0 })
        assertExact()
      })

      it('keeps what is in a directory to keep, also where it has one itself', async () => {
        const own = { 'x/package.json': 'x', 'x/node_modules/new/new.js': 'new' }
        const [source] = sources
        const dir = path.join(writeTree(path.join(base, 'own'), own), 'x')
        sources = [{ name: 'a', dir, to: 'a', exact: source?.exact }]
        await merge({ existing: 'replace' })
        const held = snapshot(path.join(dest, 'a')).filter(({ type }) => type === 'file')
        assert.deepEqual(
          held.map((entry) => entry.path),
          ['node_modules/k/k.js', 'node_modules/new/new.js', 'package.json'],
        )
      })

      function assertExact(): void {
        assertTree(dest, snapshot(writeTree(path.join(base, 'expected'), expected)))
      }

      it('is alone in its place afterwards, but for other sources and names that are kept', async () => {
        const { removed, created, replaced, unchanged } = await merge()
        assert.deepEqual(
          { removed, created, replaced, unchanged },
          {
            ...{ removed: 4, created: 2, replaced: 2, unchanged: 1 },
          },
        )
        assertExact()
      })

      it('removes nothing the second time', async () => {
        await merge()
        const { removed, unchanged } = await merge()
        assert.deepEqual({ removed, unchanged }, { removed: 0, unchanged: 5 })
        assertExact()
      })

      it('removes what others put there since, also where a manifest tells that nothing changed', async () => {
        await merge({ manifest: true })
        writeTree(path.join(dest, 'a'), { 'extra/1.js': '1', 'lib/2.js': '2' })
        const { removed } = await merge({ manifest: true, prune: true })
        assert.equal(removed, 2)
        fs.rmSync(path.join(dest, '.reflink-merge-manifest'))
        assertExact()
      })

      it('follows no symlink that stands in the place of one of its directories', async () => {
        const outside = writeTree(path.join(base, 'outside'), { 'kept.js': 'kept' })
        fs.rmSync(path.join(dest, 'a/lib'), { recursive: true })
        fs.symlinkSync(outside, path.join(dest, 'a/lib'))
        await merge()
        assertExact()
        assertTree(
          outside,
          snapshot(writeTree(path.join(base, 'as-it-was'), { 'kept.js': 'kept' })),
        )
      })

      it('is planned: what goes is listed', async () => {
        const plan = await planOn(host, sources, dest)
        const gone = [...plan.entries()].filter(({ action }) => action === 'remove')
        assert.deepEqual(
          gone.map(({ path: at, type }) => [at, type]),
          [
            ['a/dangling', 'symlink'],
            ['a/lib/deep', 'directory'],
            ['a/lib/deep/gone.js', 'file'],
            ['a/lib/gone.js', 'file'],
            ['a/was-dir/x', 'directory'],
            ['a/was-dir/x/y.js', 'file'],
          ],
        )
        assertTree(dest, snapshot(writeTree(path.join(base, 'before'), old)))
      })

      it('leaves dest as it was, whichever rename fails', async () => {
        const before = snapshot(dest)
        let fails = 0
        for (let at = 0; ; at++) {
          let count = 0
          const failing = scriptedHost(host, ({ operation }) =>
            operation === 'rename' && count++ === at
              ? { errno: errno.EIO, syscall: 'rename' }
              : undefined,
          )
          const failed = await failureOf(mergeOn(failing, sources, dest)).catch(() => undefined)
          if (failed === undefined) break
          assert.equal(failed.code, 'EIO')
          assertTree(dest, before)
          fails++
        }
        assert.ok(fails > 3, `${String(fails)} renames`)
        assertExact()
      })
    })
  })

  it('is refused with anything but a boolean or names to keep', async () => {
    for (const exact of [1, 'yes', {}, { keep: 'node_modules' }, { keep: [1] }]) {
      const source = { name: 'a', dir: '/', exact } as unknown as Source
      const error = await failureOf(mergeOn({} as never, [source], '/nowhere'))
      assert.equal(error.code, 'ERR_INVALID_ARG_TYPE')
    }
  })
})
