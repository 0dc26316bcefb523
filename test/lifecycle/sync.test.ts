import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { MergeOptions, MergeResult, Source } from '../../lib/index'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { writeTree, type TreeSpec } from '../support/tree'
import { Scene, stateOf } from './scene'

const first: TreeSpec = {
  'top.js': 'top',
  'lib/one.js': 'one',
  'lib/deep/two.js': { data: 'two', mode: 0o755 },
  'bin/run': { symlink: '../top.js' },
}
/** Everything is another, and `lib/deep` is gone. */
const second: TreeSpec = {
  'top.js': 'the second top',
  'lib/one.js': 'ONE',
  'bin/run': { symlink: '../lib/one.js' },
}
const ofSecond = ['bin/', 'bin/run', 'lib/', 'lib/one.js', 'top.js']

describe('sync(), by what has become of an entry', () => {
  describeOn(['btrfs', 'xfs', 'ext4'], (volume) => {
    onBothHosts((host) => {
      let scene: Scene
      let upgraded: Source
      beforeEach(async () => {
        scene = new Scene(volume.fresh(), host)
        await scene.install(first)
        upgraded = scene.version('pkg', second)
      })

      /** Upgrades the package: dest must hold the second version, and what is told to be left. */
      async function upgrade(left: readonly string[] = [], options?: MergeOptions) {
        const result = await scene.sync([upgraded], options)
        assert.deepEqual(scene.held(), [...ofSecond, ...left].sort())
        assert.equal(scene.read('lib/one.js'), 'ONE')
        assert.deepEqual((await scene.verify()).modified, [])
        assert.deepEqual(scene.staging(), [])
        const { created, replaced, removed, unchanged, modified } = result
        return { created, replaced, removed, unchanged, modified }
      }

      /** Must fail, and change nothing; gives its conflicts. */
      async function refused(
        sources: readonly Source[] = [upgraded],
        options?: MergeOptions,
      ): Promise<string[]> {
        const before = stateOf(scene.base)
        const error = await failureOf(scene.sync(sources, options))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.deepEqual(stateOf(scene.base), before)
        return (error.conflicts ?? []).map(({ path: at, kind }) => `${kind} ${at}`)
      }

      const counts = { created: 0, replaced: 3, removed: 1, unchanged: 0 }

      it('1: as recorded: it is replaced, or removed where no source has it any more', async () => {
        assert.deepEqual(await upgrade(), { ...counts, modified: [] })
      })

      it('2: touched, with the bytes that were recorded: it is replaced, or removed', async () => {
        fs.utimesSync(scene.at('top.js'), 1, 1)
        fs.writeFileSync(scene.at('lib/one.js'), 'one')
        fs.writeFileSync(scene.at('lib/deep/two.js'), 'two')
        assert.deepEqual(await upgrade(), { ...counts, modified: [] })
      })

      it('3: other bytes: all of them are listed, and nothing is changed', async () => {
        fs.writeFileSync(scene.at('top.js'), 'my own top')
        fs.writeFileSync(scene.at('lib/deep/two.js'), 'mine')
        const conflicts = ['existing lib/deep/two.js', 'existing top.js']
        assert.deepEqual(await refused(), conflicts)
        // What others made is another matter.
        assert.deepEqual(await refused([upgraded], { existing: 'replace' }), conflicts)
      })

      it("3: other bytes: modified: 'keep' leaves it, and tells", async () => {
        fs.writeFileSync(scene.at('top.js'), 'my own top')
        fs.writeFileSync(scene.at('lib/deep/two.js'), 'mine')
        const { removed, replaced, kept, modified } = await scene.sync([upgraded], {
          modified: 'keep',
        })
        assert.deepEqual({ removed, replaced, kept }, { removed: 0, replaced: 2, kept: 1 })
        assert.deepEqual(modified, [
          { path: 'lib/deep/two.js', source: 'pkg', how: 'content', kept: true },
          { path: 'top.js', source: 'pkg', how: 'content', kept: true },
        ])
        assert.equal(scene.read('top.js'), 'my own top')
        assert.equal(scene.read('lib/deep/two.js'), 'mine')
        assert.equal(scene.read('lib/one.js'), 'ONE')
        // It is told again, as long as it is wanted.
        const again = await scene.sync([upgraded], { modified: 'keep' })
        assert.deepEqual(
          again.modified.map(({ path: at }) => at),
          ['top.js'],
        )
        assert.equal(scene.read('top.js'), 'my own top')
      })

      it("3: other bytes: modified: 'replace' replaces or removes it, and tells", async () => {
        fs.writeFileSync(scene.at('top.js'), 'my own top')
        fs.writeFileSync(scene.at('lib/deep/two.js'), 'mine')
        const modified = ['lib/deep/two.js', 'top.js'].map((at) => {
          return { path: at, source: 'pkg', how: 'content', kept: false }
        })
        assert.deepEqual(await upgrade([], { modified: 'replace' }), { ...counts, modified })
      })

      it('4: another mode alone: it is replaced or removed, and told', async () => {
        fs.chmodSync(scene.at('top.js'), 0o600)
        fs.chmodSync(scene.at('lib/deep/two.js'), 0o600)
        const modified = ['lib/deep/two.js', 'top.js'].map((at) => {
          return { path: at, source: 'pkg', how: 'mode', kept: false }
        })
        assert.deepEqual(await upgrade(), { ...counts, modified })
      })

      it('4: another mode alone: what is not upgraded gets its mode again', async () => {
        fs.chmodSync(scene.at('lib/deep/two.js'), 0o600)
        const { replaced, modified } = await scene.install(first)
        assert.equal(replaced, 1)
        assert.deepEqual(modified, [
          { path: 'lib/deep/two.js', source: 'pkg', how: 'mode', kept: false },
        ])
        assert.equal(fs.statSync(scene.at('lib/deep/two.js')).mode & 0o777, 0o755)
      })

      it('5: missing: it is made again, and told', async () => {
        fs.unlinkSync(scene.at('top.js'))
        fs.rmSync(scene.at('lib'), { recursive: true })
        const modified = ['lib/deep/two.js', 'lib/one.js', 'top.js'].map((at) => {
          return { path: at, source: 'pkg', how: 'missing', kept: false }
        })
        const counts = { created: 2, replaced: 1, removed: 0, unchanged: 0 }
        assert.deepEqual(await upgrade(), { ...counts, modified })
      })

      for (const how of ['directory', 'symlink'] as const)
        it(`6: became a ${how}: conflict of kind type, it is not gone into`, async () => {
          const away = writeTree(path.join(scene.base, 'away'), { mine: 'mine' })
          for (const at of ['top.js', 'lib/deep/two.js']) {
            fs.unlinkSync(scene.at(at))
            if (how === 'directory') writeTree(scene.at(at), { mine: 'mine' })
            else fs.symlinkSync(away, scene.at(at))
          }
          assert.deepEqual(await refused(), ['type lib/deep/two.js', 'type top.js'])
          const options = { modified: 'keep' } as const
          const { modified } = await scene.sync([upgraded], options)
          assert.deepEqual(
            modified.map(({ path: at, how: what, kept }) => [at, what, kept]),
            [
              ['lib/deep/two.js', 'type', true],
              ['top.js', 'type', true],
            ],
          )
          assert.equal(fs.readFileSync(path.join(away, 'mine'), 'utf8'), 'mine')
          assert.equal(scene.read('top.js/mine'), 'mine')
        })

      it("6: became a directory with content: modified: 'replace' does not take it away", async () => {
        fs.unlinkSync(scene.at('top.js'))
        writeTree(scene.at('top.js'), { mine: 'mine' })
        assert.deepEqual(await refused([upgraded], { modified: 'replace' }), ['type top.js'])
      })

      it("6: became a symlink: modified: 'replace' replaces it, and does not follow it", async () => {
        const mine = path.join(scene.base, 'mine')
        fs.writeFileSync(mine, 'mine')
        fs.unlinkSync(scene.at('top.js'))
        fs.symlinkSync(mine, scene.at('top.js'))
        const modified = [{ path: 'top.js', source: 'pkg', how: 'type', kept: false }]
        assert.deepEqual(await upgrade([], { modified: 'replace' }), { ...counts, modified })
        assert.equal(fs.readFileSync(mine, 'utf8'), 'mine')
      })

      it('7: a directory with something of others in it is merged into, and stays', async () => {
        writeTree(scene.dest, { 'lib/mine': 'mine', 'lib/deep/mine': 'mine' })
        const left = ['lib/mine', 'lib/deep/', 'lib/deep/mine']
        assert.deepEqual(await upgrade(left), { ...counts, modified: [] })
      })

      it('8: a directory that was there before stays, even empty', async () => {
        scene = new Scene(volume.fresh(), host)
        writeTree(scene.dest, { 'lib/deep/': {} })
        await scene.install(first)
        upgraded = scene.version('pkg', second)
        assert.deepEqual(await upgrade(['lib/deep/']), { ...counts, modified: [] })
      })

      it('10: what another source has alike stays, and is its own from then on', async () => {
        const both = { 'lib/both.js': 'both' }
        const other = scene.version('other', both)
        await scene.sync([scene.version('pkg', { ...first, ...both }), other])
        const { ino } = fs.statSync(scene.at('lib/both.js'))
        const { removed, unchanged } = await scene.sync([upgraded, other])
        assert.deepEqual({ removed, unchanged }, { removed: 1, unchanged: 1 })
        assert.equal(fs.statSync(scene.at('lib/both.js')).ino, ino)
        await scene.sync([upgraded])
        assert.deepEqual(scene.held(), ofSecond)
      })

      it('11: the winner of a conflict goes: the next in order gets the path', async () => {
        const specs = { zero: { 'x/top': '0', y: '0' }, one: { 'x/top': '1', 'y/in': '1' } }
        const zero = scene.version('zero', specs.zero)
        const one = scene.version('one', specs.one)
        const two = scene.version('two', { 'x/top': '2', y: '2' })
        const last: MergeOptions = { conflicts: 'last' }
        await scene.sync([zero, one, two], last)
        assert.deepEqual([scene.read('x/top'), scene.read('y')], ['2', '2'])
        await scene.sync([zero, one], last)
        assert.deepEqual([scene.read('x/top'), scene.read('y/in')], ['1', '1'])
        const { replaced, removed, modified } = await scene.sync([zero], last)
        assert.deepEqual([scene.read('x/top'), scene.read('y')], ['0', '0'])
        assert.deepEqual({ replaced, removed, modified }, { replaced: 2, removed: 1, modified: [] })
        assert.deepEqual((await scene.verify()).modified, [])
      })

      it('12: another inode, with other bytes: as changed in place', async () => {
        const twin = path.join(scene.base, 'twin')
        fs.writeFileSync(twin, 'on€')
        fs.renameSync(twin, scene.at('lib/one.js'))
        assert.deepEqual(await refused(), ['existing lib/one.js'])
        const { modified } = await upgrade([], { modified: 'replace' })
        assert.deepEqual(modified, [
          { path: 'lib/one.js', source: 'pkg', how: 'content', kept: false },
        ])
      })

      it('13: a hard link into a store is replaced by a rename, and its inode is left alone', async () => {
        const source = scene.version('pkg', { ...first, 'top.js': { data: 'top', mode: 0o444 } })
        await scene.sync([source], { linkModes: 'hardlink' })
        const inStore = path.join(source.dir ?? '', 'top.js')
        assert.equal(fs.statSync(inStore).ino, fs.statSync(scene.at('top.js')).ino)
        const { mtimeNs } = fs.statSync(inStore, { bigint: true })
        assert.deepEqual(await upgrade([], { linkModes: 'hardlink' }), { ...counts, modified: [] })
        const now = fs.statSync(inStore, { bigint: true })
        assert.deepEqual([now.mtimeNs, now.nlink, now.mode & 0o777n], [mtimeNs, 1n, 0o444n])
        assert.equal(fs.readFileSync(inStore, 'utf8'), 'top')
      })

      it('13: a hard link into a store that was written to: as a file with other bytes', async () => {
        const source = scene.version('pkg', first)
        await scene.sync([source], { linkModes: 'hardlink' })
        fs.writeFileSync(scene.at('top.js'), 'TOP')
        assert.deepEqual(await refused([upgraded], { linkModes: 'hardlink' }), ['existing top.js'])
        const { modified } = await scene.verify()
        assert.deepEqual(modified, [{ path: 'top.js', source: 'pkg', how: 'content', kept: true }])
      })

      it('14: a symlink with another text: as a file with other bytes', async () => {
        fs.unlinkSync(scene.at('bin/run'))
        fs.symlinkSync('../lib/deep', scene.at('bin/run'))
        assert.deepEqual(await refused(), ['existing bin/run'])
        const kept = await scene.sync([upgraded], { modified: 'keep' })
        assert.deepEqual(kept.modified, [
          { path: 'bin/run', source: 'pkg', how: 'content', kept: true },
        ])
        assert.equal(fs.readlinkSync(scene.at('bin/run')), '../lib/deep')
        await upgrade([], { modified: 'replace' })
        assert.equal(fs.readlinkSync(scene.at('bin/run')), '../lib/one.js')
      })

      for (const at of ['lib', 'lib/deep', 'bin'])
        it(`15: a symlink where the directory ${at} was: error, nothing is done`, async () => {
          const away = path.join(scene.base, 'away')
          fs.renameSync(scene.at(at), away)
          fs.symlinkSync(away, scene.at(at))
          for (const modified of ['error', 'keep', 'replace'] as const)
            assert.deepEqual(await refused([upgraded], { modified, existing: 'replace' }), [
              `type ${at}`,
            ])
        })

      it('17: a directory becomes a file, and a file a directory', async () => {
        fs.chmodSync(scene.at('lib/one.js'), 0o600)
        fs.unlinkSync(scene.at('lib/deep/two.js'))
        upgraded = scene.version('pkg', { lib: 'a file by now', 'top.js/in.js': 'in' })
        const { replaced, created, removed, modified } = await scene.sync([upgraded])
        assert.deepEqual(scene.held(), ['lib', 'top.js/', 'top.js/in.js'])
        assert.deepEqual({ replaced, created, removed }, { replaced: 1, created: 1, removed: 2 })
        assert.deepEqual(
          modified.map(({ path: at, how }) => `${how} ${at}`),
          ['missing lib/deep/two.js', 'mode lib/one.js'],
        )
        assert.deepEqual((await scene.verify()).modified, [])
        await scene.install(first)
        assert.equal(scene.read('lib/deep/two.js'), 'two')
        assert.equal(scene.read('top.js'), 'top')
      })

      it('17: a directory with something changed, or of others, does not become a file', async () => {
        upgraded = scene.version('pkg', { lib: 'a file by now' })
        fs.writeFileSync(scene.at('lib/one.js'), 'mine')
        assert.deepEqual(await refused(), ['existing lib', 'existing lib/one.js'])
        fs.writeFileSync(scene.at('lib/one.js'), 'one')
        fs.writeFileSync(scene.at('lib/deep/mine'), 'mine')
        for (const options of [{}, { modified: 'replace' }, { existing: 'replace' }] as const)
          assert.deepEqual(await refused([upgraded], options), ['existing lib'])
      })

      it('17: a file with other bytes does not become a directory', async () => {
        upgraded = scene.version('pkg', { 'top.js/in.js': 'in' })
        fs.writeFileSync(scene.at('top.js'), 'mine')
        assert.deepEqual(await refused(), ['existing top.js'])
        const { modified } = await scene.sync([upgraded], { modified: 'replace' })
        assert.equal(scene.read('top.js/in.js'), 'in')
        assert.deepEqual(modified, [{ path: 'top.js', source: 'pkg', how: 'content', kept: false }])
      })

      it('19: called twice: the second changes nothing', async () => {
        await scene.sync([upgraded])
        const before = stateOf(scene.dest)
        const again = await upgrade()
        assert.deepEqual(again, { ...none, unchanged: 3 })
        assert.deepEqual(stateOf(scene.dest), before)
      })

      it('19: two at once: one after the other', async () => {
        const versions = [scene.version('pkg', first), upgraded, scene.version('pkg', { x: 'x' })]
        const ended: MergeResult[] = []
        await Promise.all(
          versions.map(async (each) => {
            ended.push(await scene.sync([each]))
          }),
        )
        const last = scene.held()
        assert.ok(
          [['x'], ofSecond, heldOf(first)].some((each) => each.join() === last.join()),
          last.join(),
        )
        assert.deepEqual((await scene.verify()).modified, [])
        assert.ok(ended.every(({ modified }) => modified.length === 0))
        assert.deepEqual(scene.staging(), [])
      })

      it('20: identical, and there before: it is unchanged, and stays when its source goes', async () => {
        scene = new Scene(volume.fresh(), host)
        writeTree(scene.dest, { 'lib/one.js': 'one', 'lib/deep/': {} })
        const { unchanged } = await scene.install(first)
        assert.equal(unchanged, 1)
        const { removed, modified } = await scene.install({ 'top.js': 'top' })
        assert.equal(removed, 2)
        assert.deepEqual(modified, [
          { path: 'lib/one.js', source: 'pkg', how: 'found', kept: true },
        ])
        assert.deepEqual(scene.held(), ['lib/', 'lib/deep/', 'lib/one.js', 'top.js'])
      })

      it('20: identical, and there before: it is not replaced by another version', async () => {
        scene = new Scene(volume.fresh(), host)
        writeTree(scene.dest, { 'lib/one.js': 'one' })
        await scene.install(first)
        upgraded = scene.version('pkg', second)
        assert.deepEqual(await refused(), ['existing lib/one.js'])
      })

      it('20: identical, there before, and adopted: as recorded from then on', async () => {
        scene = new Scene(volume.fresh(), host)
        writeTree(scene.dest, { 'lib/one.js': 'one', 'lib/deep/two.js': 'two' })
        fs.chmodSync(scene.at('lib/deep/two.js'), 0o755)
        await scene.install(first, { adopt: true })
        upgraded = scene.version('pkg', second)
        assert.deepEqual(await upgrade(), { ...counts, modified: [] })
      })
    })
  })
})

const none = { created: 0, replaced: 0, removed: 0, unchanged: 0, modified: [] }

function heldOf(spec: TreeSpec): string[] {
  const directories = Object.keys(spec).flatMap((each) => {
    const names = each.split('/').slice(0, -1)
    return names.map((_, depth) => `${names.slice(0, depth + 1).join('/')}/`)
  })
  return [...new Set([...Object.keys(spec), ...directories])].sort()
}
