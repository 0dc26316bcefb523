import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../lib/errno'
import { defaultHost } from '../lib/host'
import type { Host } from '../lib/host/host'
import { recover, type MergeOptions, type MergeResult, type Source } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { describeOnBindfs } from './support/bindfs'
import { onBothHosts } from './support/both-hosts'
import { describeOn } from './support/describe-on'
import { failpoints } from './support/failpoints'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { killed } from './support/killed'
import { describeWith } from './support/needs'
import { stagingIn, stored } from './support/session'
import { assertTree, snapshot } from './support/snapshot'
import type { TreeSpec } from './support/tree'

const mixed: TreeSpec = {
  'a.js': 'a',
  'lib/b.js': { data: 'b', mode: 0o600 },
  'lib/c.js': { data: 'c', mode: 0o444 },
  'bin/x': { data: '#!/bin/sh', mode: 0o755 },
}

const effects = ({ created, replaced, kept, unchanged }: MergeResult): number[] => [
  ...[created, replaced, kept, unchanged],
]

/** How many changes a merge makes. */
async function changesOf(
  host: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<{ result: MergeResult; changes: number }> {
  const points = failpoints(host, 1, () => undefined)
  const result = await mergeOn(points.host, sources, dest, options)
  return { result, changes: points.count() }
}

interface Expected {
  /** What a merge that makes something reports. */
  readonly unsupported: MergeResult['attributes']['unsupported']
}

/** What holds on every file system that shows entries in its own way. */
function testsOf(fresh: () => string, { unsupported }: Expected): void {
  onBothHosts((host) => {
    for (const existing of ['error', 'replace'] as const)
      it(`the same merge again changes nothing (existing: '${existing}')`, async () => {
        const sources = stored(freshDir(), { one: mixed })
        const dest = path.join(fresh(), 'dest')
        const first = await mergeOn(host, sources, dest, { existing })
        assert.deepEqual(first.attributes, { unsupported, differing: 0 })
        assert.deepEqual(effects(first), [4, 0, 0, 0])
        const before = snapshot(dest)
        const { result, changes } = await changesOf(host, sources, dest, { existing })
        assert.deepEqual(effects(result), [0, 0, 0, 4])
        assert.equal(result.attributes.differing, 0)
        assert.equal(changes, 0)
        assertTree(dest, before)
      })

    it('keeps times as far as they can be kept, and tells it', async () => {
      const base = freshDir()
      const sources = stored(base, { one: mixed })
      for (const name of Object.keys(mixed))
        fs.utimesSync(path.join(base, 'store/one', name), 1_000_000_003.5, 1_000_000_003.5)
      const dest = path.join(fresh(), 'dest')
      const options = { preserveTimestamps: true, existing: 'replace' } as const
      await mergeOn(host, sources, dest, options)
      const again = await mergeOn(host, sources, dest, options)
      assert.deepEqual(effects(again), [0, 0, 0, 4])
    })
  })

  describeWith('locks', 'a merge that is killed', () => {
    for (const at of [6, 12, 18])
      it(`before its step ${String(at)} is undone by recover()`, async () => {
        const base = fresh()
        const dest = path.join(base, 'dest')
        fs.mkdirSync(path.join(dest, 'lib'), { recursive: true })
        fs.writeFileSync(path.join(dest, 'lib/own'), 'own')
        fs.writeFileSync(path.join(dest, 'a.js'), 'old')
        const before = snapshot(base)
        const sources = stored(freshDir(), { one: mixed })
        const options: MergeOptions = { existing: 'replace', concurrency: 1 }
        assert.equal(await killed({ what: 'merge', sources, dest, options, at }), undefined)
        // It may have been killed while it looked how a directory shows.
        const abandoned = stagingIn(dest).length
        assert.ok(abandoned > 0)
        const result = await recover(dest)
        assert.deepEqual([result.removed, result.left, result.running], [abandoned, [], 0])
        assertTree(base, before)
      }).timeout(60_000)
  })
}

describe('what the file system of dest holds of attributes', () => {
  describeOn(['exfat'], (volume) => {
    testsOf(() => volume.fresh(), { unsupported: ['mode'] })

    onBothHosts((host) => {
      it('files that are all alike are no conflict either, and nothing is made to learn it', async () => {
        const sources = stored(freshDir(), { one: { 'a.js': 'a', 'b.js': 'b' } })
        const dest = path.join(volume.fresh(), 'dest')
        await mergeOn(host, sources, dest)
        const { result, changes } = await changesOf(host, sources, dest)
        assert.deepEqual([effects(result), changes], [[0, 0, 0, 2], 0])
      })
    })
  })

  describeOnBindfs('that ignores chmod', ['--perms=a+rwx', '--chmod-ignore'], ({ fresh }) => {
    testsOf(fresh, { unsupported: ['mode'] })
  })

  describeOnBindfs('that refuses chmod', ['--perms=a+rwx', '--chmod-deny'], ({ fresh }) => {
    testsOf(fresh, { unsupported: ['mode'] })
  })

  describeOnBindfs(
    'that gives all to one user',
    ['--force-user=nobody', '--force-group=nogroup'],
    ({ fresh }) => {
      testsOf(fresh, { unsupported: ['owner'] })
    },
  )

  describeOnBindfs('that holds all', [], ({ fresh }) => {
    testsOf(fresh, { unsupported: [] })

    onBothHosts((host) => {
      it('other executable bits are a conflict', async () => {
        const sources = stored(freshDir(), { one: mixed })
        const dest = path.join(fresh(), 'dest')
        await mergeOn(host, sources, dest)
        fs.chmodSync(path.join(dest, 'a.js'), 0o755)
        const error = await failureOf(mergeOn(host, sources, dest))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.deepEqual(
          error.conflicts?.map(({ path: at }) => at),
          ['a.js'],
        )
        assert.deepEqual(stagingIn(dest), [])
      })
    })
  })

  describeOn(['ext4', 'tmpfs'], (volume) => {
    it('a chmod that is refused where modes are held is an error', async () => {
      const sources = stored(freshDir(), { one: mixed })
      const dest = path.join(volume.fresh(), 'dest')
      const host: Host = {
        ...defaultHost,
        mkdir: async (jobs, exact) => {
          if (!exact) return defaultHost.mkdir(jobs, exact)
          return { errnos: Int32Array.of(errno.EPERM), syscall: () => 'chmod' }
        },
      }
      const error = await failureOf(mergeOn(host, sources, dest))
      assert.deepEqual([error.code, error.syscall], ['EPERM', 'chmod'])
      assert.deepEqual(fs.readdirSync(path.dirname(dest)), [])
    })
  })
})

describe('what dest holds already, identical, but not as asked for', () => {
  describeOn(['ext4', 'btrfs'], (volume) => {
    onBothHosts((host) => {
      /** Merges with 'error', with 'replace', and once more: what each did to one file of two. */
      async function threeTimes(
        prepare: (store: string, dest: string) => void,
        options: MergeOptions = {},
      ): Promise<{ dest: string }> {
        const base = volume.fresh()
        const sources = stored(base, { one: { 'd/a': { data: 'a', mode: 0o444 }, 'd/b': 'b' } })
        const dest = path.join(base, 'dest')
        await mergeOn(host, sources, dest, { linkModes: 'copy', ...options })
        prepare(path.join(base, 'store/one/d'), path.join(dest, 'd'))
        const before = snapshot(dest)
        const { result: left, changes } = await changesOf(host, sources, dest, options)
        assert.deepEqual([effects(left), left.attributes.differing], [[0, 0, 0, 2], 1])
        assert.equal(changes, 0)
        assertTree(dest, before)
        const replacing: MergeOptions = { ...options, existing: 'replace' }
        const aligned = await mergeOn(host, sources, dest, replacing)
        assert.deepEqual([effects(aligned), aligned.attributes.differing], [[0, 1, 0, 1], 0])
        assert.deepEqual(aligned.conflicts, [])
        const again = await changesOf(host, sources, dest, replacing)
        assert.deepEqual([effects(again.result), again.changes], [[0, 0, 0, 2], 0])
        return { dest }
      }

      it('u+w', async () => {
        const { dest } = await threeTimes(
          (_, held) => {
            fs.chmodSync(path.join(held, 'a'), 0o444)
          },
          { writable: true },
        )
        assert.equal(fs.statSync(path.join(dest, 'd/a')).mode & 0o777, 0o644)
      })

      it('other permission bits', async () => {
        const { dest } = await threeTimes((_, held) => {
          fs.chmodSync(path.join(held, 'b'), 0o600)
        })
        assert.equal(fs.statSync(path.join(dest, 'd/b')).mode & 0o777, 0o644)
      })

      it('other times', async () => {
        const { dest } = await threeTimes(
          (_, held) => {
            fs.utimesSync(path.join(held, 'b'), 1e9, 1e9)
          },
          { preserveTimestamps: true },
        )
        assert.notEqual(fs.statSync(path.join(dest, 'd/b')).mtimeMs, 1e12)
      })

      it("the source's own file, where no hard link was asked for", async () => {
        const { dest } = await threeTimes((store, held) => {
          fs.unlinkSync(path.join(held, 'b'))
          fs.linkSync(path.join(store, 'b'), path.join(held, 'b'))
        })
        assert.equal(fs.statSync(path.join(dest, 'd/b')).nlink, 1)
      })

      it('is unchanged where a hard link was asked for', async () => {
        const base = volume.fresh()
        const sources = stored(base, { one: { 'd/b': 'b' } })
        const dest = path.join(base, 'dest')
        const options: MergeOptions = { linkModes: 'hardlink', existing: 'replace' }
        await mergeOn(host, sources, dest, options)
        const { result, changes } = await changesOf(host, sources, dest, options)
        assert.deepEqual([effects(result), changes], [[0, 0, 0, 1], 0])
        assert.equal(result.attributes.differing, 0)
      })
    })
  })
})
