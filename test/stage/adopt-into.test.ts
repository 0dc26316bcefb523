import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import type { MergeOptions, MergeResult, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { cloningEverywhere } from '../support/scripts'
import { merged, reportOf, staged, stagingIn, stored } from '../support/session'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const host = cloningEverywhere(defaultHost)

describe('what was staged early', function () {
  /** Packages that share directories of several modes, one of them from a map; all with times of their own. */
  function scene(volume: DescribedVolume): { base: string; dest: string; sources: Source[] } {
    const base = volume.fresh()
    const sources = stored(base, {
      a: { 'ns/': {}, 'ns/a': 'a', 'ns/deep/': { dir: true, mode: 0o750 }, 'a/b/c': 'c' },
      b: {
        ...{ 'ns/': { dir: true, mode: 0o700 }, 'ns/b': 'b', 'ns/link': { symlink: 'a' } },
        ...{ 'ns/deep/': { dir: true, mode: 0o555 }, 'ns/deep/b': 'b' },
        ...{ 'b/': { dir: true, mode: 0o511 }, 'b/x/y': 'y', 'shut/': { dir: true, mode: 0o500 } },
      },
      c: { 'ns/deep/c': 'c', 'ns/c/c': 'c', 'shut/c/c': 'c', run: { data: 'c', mode: 0o755 } },
    })
    let time = 1_000_000
    for (const { dir = '' } of sources) {
      const paths = snapshot(dir, { contents: false }).map(({ path: at }) => path.join(dir, at))
      for (const at of paths.reverse()) fs.lutimesSync(at, time, (time += 1000))
    }
    const file = path.join(sources[0]?.dir ?? '', 'ns/a')
    const files = new Map(['ns/deep/mapped', 'map/ped'].map((at) => [at, file]))
    return { base, dest: path.join(base, 'dest'), sources: [{ name: 'map', files }, ...sources] }
  }

  /** Path → mtime; of all that this merge has made. */
  function timesOf(dir: string, made: (at: string) => boolean = () => true): object {
    const paths = snapshot(dir, { contents: false }).map(({ path: at }) => at)
    return Object.fromEntries(
      paths.filter(made).map((at) => [at, fs.lstatSync(path.join(dir, at)).mtimeMs]),
    )
  }

  /** Directories that no source gives have the time at which they were made. */
  const isGiven = (at: string): boolean => at !== 'map'

  async function assertAsMerged(
    { dest, sources }: ReturnType<typeof scene>,
    options: MergeOptions,
    result: MergeResult,
  ): Promise<void> {
    const expected = await merged(host, sources, dest, options)
    assertTree(dest, expected.dest)
    assert.deepEqual(timesOf(dest, isGiven), timesOf(expected.dest, isGiven))
    assert.deepEqual(reportOf(result, dest), expected.report)
    assert.deepEqual(stagingIn(dest, path.dirname(dest)), [])
  }

  const options: MergeOptions = { preserveTimestamps: true, linkModes: ['copy'] }

  describeOn(['btrfs', 'xfs', 'ext4', 'tmpfs'], (volume) => {
    it('has the modes and times that merge() gives, of shared directories those of the first rank', async () => {
      const here = scene(volume)
      const session = await staged(host, here.sources, here.dest, options)
      const result = await session.commit()
      await assertAsMerged(here, options, result)
      const modeOf = (at: string): number => fs.statSync(path.join(here.dest, at)).mode & 0o777
      // The map is the first that has it, but gives no mode.
      assert.deepEqual([modeOf('ns'), modeOf('ns/deep'), modeOf('shut')], [0o755, 0o750, 0o500])
      const [, { dir = '' } = {}] = here.sources
      const given = fs.statSync(path.join(dir, 'ns/deep')).mtimeMs
      assert.equal(fs.statSync(path.join(here.dest, 'ns/deep')).mtimeMs, given)
    })

    it('goes into a dest of which several parents are missing too', async () => {
      const here = scene(volume)
      const dest = path.join(here.base, 'x/y/z')
      const session = await staged(host, here.sources, dest, options)
      assert.equal(fs.existsSync(path.join(here.base, 'x')), false)
      const result = await session.commit()
      await assertAsMerged({ ...here, dest }, options, result)
      assert.deepEqual(fs.readdirSync(here.base).sort(), ['store', 'x'])
      const plain = path.join(here.base, 'plain')
      fs.mkdirSync(plain)
      for (const at of ['x', 'x/y', 'x/y/z']) {
        const { mode } = fs.statSync(path.join(here.base, at))
        assert.equal(mode, fs.statSync(plain).mode)
      }
    })

    const others: Readonly<Record<string, TreeSpec>> = {
      'is empty': {},
      'holds other things': { own: 'own', 'other/own': 'own' },
      'holds some of it': { 'ns/a': 'a', 'ns/own': 'own', 'a/b/': {}, run: 'not executable' },
      'holds something in the way': { 'ns/deep/b/': {}, 'a/b': 'a file' },
    }
    for (const [what, spec] of Object.entries(others))
      for (const parent of ['', 'x/y'])
        it(`goes into a dest that somebody has made meanwhile and that ${what}${parent && ', with its parents'}`, async () => {
          const here = scene(volume)
          const dest = path.join(here.base, parent, 'dest')
          const [mergedInto, all] = [path.join(here.base, 'merged'), { existing: 'keep' } as const]
          const session = await staged(host, here.sources, dest, { ...options, ...all })
          for (const dir of [dest, mergedInto]) writeTree(dir, spec)
          const result = await session.commit()
          const expected = await mergeOn(host, here.sources, mergedInto, { ...options, ...all })
          assertTree(dest, mergedInto)
          assert.deepEqual(reportOf(result, dest), reportOf(expected, mergedInto))
          const beside = parent === '' ? 'dest' : 'x'
          assert.deepEqual(fs.readdirSync(here.base).sort(), [beside, 'merged', 'store'].sort())
        })

    it('fits where a directory of dest appears before the commit', async () => {
      const here = scene(volume)
      const [mergedInto, spec] = [path.join(here.base, 'merged'), { 'b/x/own': '', 'ns/deep/': {} }]
      for (const dir of [here.dest, mergedInto]) writeTree(dir, { own: 'own' })
      const session = await staged(host, here.sources, here.dest, options)
      for (const dir of [here.dest, mergedInto]) writeTree(dir, spec)
      const result = await session.commit()
      const expected = await mergeOn(host, here.sources, mergedInto, options)
      assertTree(here.dest, mergedInto)
      assert.deepEqual(reportOf(result, here.dest), reportOf(expected, mergedInto))
    })

    // What dest has alike is not staged, what it lacks is; some directories have nothing of ours.
    const partly = { 'ns/a': 'a', 'ns/deep/c': 'c', 'b/x/': {}, 'a/b/': {} }
    const vanish = (dest: string): void => {
      for (const name of ['ns', 'b', 'a']) fs.rmSync(path.join(dest, name), { recursive: true })
    }

    it('fits where a directory of dest vanishes before the commit', async () => {
      const here = scene(volume)
      writeTree(here.dest, partly)
      const session = await staged(host, here.sources, here.dest, options)
      vanish(here.dest)
      await assertAsMerged(here, options, await session.commit())
    })

    it('fits where a directory of dest vanishes before the commit has the lock', async () => {
      const here = scene(volume)
      writeTree(here.dest, partly)
      const tryLock: Host['tryLock'] = (directory) => {
        if (directory.path === here.dest) vanish(here.dest)
        return host.tryLock(directory)
      }
      const session = await staged({ ...host, tryLock }, here.sources, here.dest, options)
      await assertAsMerged(here, options, await session.commit())
    })
  })
})
