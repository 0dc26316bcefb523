import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { merge, openMerge, type MergeOptions, type Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { stagingBelow } from '../support/kill-check'
import { scriptedHost } from '../support/scripted-host'
import { stored } from '../support/session'
import { runTool } from '../support/tool'
import { writeTree } from '../support/tree'

const group = 4711

/** The same packages by merge(), and one by one. */
const ways: Readonly<
  Record<string, (sources: Source[], dest: string, options?: MergeOptions) => Promise<unknown>>
> = {
  merge: (sources, dest, options) => merge(sources, dest, options),
  session: async (sources, dest, options) => {
    const session = await openMerge(dest, options)
    for (const source of sources) await session.add(source)
    return session.commit()
  },
}

const package_ = {
  'top/f': 'top',
  'shared/f': { data: 'f', mode: 0o755 },
  'shared/link': { symlink: 'f' },
  'shared/old': 'new',
  'shared/new/deep/g': 'g',
  'shared/deeper/h': 'h',
  'shared/way/in': 'now a directory',
  'plain/i': 'i',
}

const before = {
  'top/own': 'own',
  'shared/old': 'old',
  'shared/deeper/own': 'own',
  'shared/way': 'a file',
  'plain/own': 'own',
}

/** What is new in `shared`, and in the directories that were there before and have its rules. */
const inShared = ['f', 'old', 'new', 'new/deep', 'new/deep/g', 'deeper/h', 'way', 'way/in']

describe('what an existing directory of dest passes on', function () {
  this.timeout(60_000)

  describeOn(['ext4', 'btrfs', 'xfs', 'tmpfs', 'overlay-ext4'], (volume) => {
    for (const [way, run] of Object.entries(ways)) {
      it(`group and set-group-ID bit go to what is new in it, not to what is new beside it: ${way}`, async () => {
        const base = volume.fresh()
        const dest = writeTree(path.join(base, 'dest'), before)
        for (const name of ['shared', 'shared/deeper']) {
          fs.chownSync(path.join(dest, name), 0, group)
          fs.chmodSync(path.join(dest, name), 0o2775)
        }
        await run(stored(base, { a: package_ }), dest, { existing: 'replace' })
        for (const name of inShared) {
          const entry = fs.lstatSync(path.join(dest, 'shared', name))
          assert.equal(entry.gid, group, name)
          assert.equal((entry.mode & 0o2000) !== 0, entry.isDirectory(), name)
        }
        for (const name of ['top/f', 'plain/i']) {
          assert.equal(fs.lstatSync(path.join(dest, name)).gid, process.getgid?.(), name)
        }
        assert.equal(fs.lstatSync(path.join(dest, 'shared/f')).mode & 0o7777, 0o755)
        assert.equal(fs.readFileSync(path.join(dest, 'shared/old'), 'utf8'), 'new')
        assert.deepEqual(stagingBelow(base), [])
      })

      it(`a default ACL goes to what is new in it, and that of dest does not: ${way}`, async () => {
        const base = volume.fresh()
        const dest = writeTree(path.join(base, 'dest'), before)
        await runTool('setfacl', ['-d', '-m', 'u:1000:rwx', path.join(dest, 'shared')])
        await runTool('setfacl', ['-d', '-m', 'u:2000:rwx', dest])
        await run(stored(base, { a: { ...package_, beside: 'beside' } }), dest, {
          existing: 'replace',
        })
        const usersOf = async (name: string): Promise<string[]> => {
          const list = await runTool('getfacl', ['-cpn', path.join(dest, name)])
          return [...list.matchAll(/^user:(\d+)/gm)].map(([, id]) => id ?? '')
        }
        for (const name of ['f', 'old', 'new', 'new/deep/g', 'way/in']) {
          assert.deepEqual(await usersOf(`shared/${name}`), ['1000'], name)
        }
        assert.deepEqual(await usersOf('beside'), ['2000'])
        for (const name of ['shared/deeper/h', 'plain/i', 'top/f']) {
          assert.deepEqual(await usersOf(name), [], name)
        }
        // Permission bits are the source's all the same.
        assert.equal(fs.lstatSync(path.join(dest, 'shared/f')).mode & 0o777, 0o755)
        assert.equal(fs.lstatSync(path.join(dest, 'shared/new')).mode & 0o777, 0o755)
        assert.deepEqual(stagingBelow(base), [])
      })
    }
  })

  describeOn(['btrfs'], (volume) => {
    it('no copy-on-write and compression, which cannot be set once a file has data', async () => {
      const base = volume.fresh()
      const dest = writeTree(path.join(base, 'dest'), { 'nocow/own': '', 'zstd/own': '' })
      await runTool('chattr', ['+C', path.join(dest, 'nocow')])
      await runTool('btrfs', ['property', 'set', path.join(dest, 'zstd'), 'compression', 'zstd'])
      const data = Buffer.alloc(100_000, 'compressible ')
      const sources = stored(base, { a: { 'nocow/x': data, 'nocow/d/x': data, 'zstd/x': data } })
      const { fallbacks } = await merge(sources, dest)
      for (const name of ['nocow/x', 'nocow/d', 'nocow/d/x']) {
        assert.match(
          (await runTool('lsattr', ['-d', path.join(dest, name)])).split(' ')[0] ?? '',
          /C/,
        )
      }
      const compression = await runTool('btrfs', [
        ...['property', 'get', path.join(dest, 'zstd/x'), 'compression'],
      ])
      assert.match(compression, /zstd/)
      // A file with checksums cannot be cloned into one without: told as what the kernel said there.
      assert.deepEqual(
        fallbacks.map(({ from, to, code, files }) => ({ from, to, code, files })),
        [{ from: 'clone', to: 'copy', code: 'EINVAL', files: 2 }],
      )
      assert.deepEqual(fs.readFileSync(path.join(dest, 'nocow/d/x')), data)
    })
  })
})

/** Merges, and answers in which directories of dest staging directories were made. */
async function placesOf(sources: Source[], dest: string): Promise<string[]> {
  const made: string[] = []
  const host = scriptedHost(defaultHost, ({ operation, path: at }) => {
    const isStaging = path.basename(at).startsWith('.reflink-merge-')
    if (operation === 'mkdir' && isStaging) made.push(path.relative(dest, path.dirname(at)))
    return undefined
  })
  await mergeOn(host, sources, dest)
  return made.sort()
}

describeWith('addon', 'staging directories inside directories of dest', () => {
  it('are made where something else is passed on, one for all that pass the same on', async () => {
    const base = freshDir()
    const dest = writeTree(path.join(base, 'dest'), {
      ...{ 'a/own': '', 'b/own': '', 'c/own': '', 'd/own': '', 'plain/own': '' },
      ...{ 'a/': { dir: true, mode: 0o2755 }, 'b/': { dir: true, mode: 0o2750 } },
      ...{ 'c/': { dir: true, mode: 0o2755 }, 'd/': { dir: true, mode: 0o2755 } },
    })
    fs.chownSync(path.join(dest, 'c'), 0, group)
    fs.chmodSync(path.join(dest, 'c'), 0o2755)
    const sources = stored(base, {
      one: { 'a/new': '', 'b/new/in': '', 'c/new': '', 'd/own': '', 'plain/new': '' },
    })
    assert.deepEqual(await placesOf(sources, dest), ['', 'a', 'c'])
    // Nothing is new any more.
    assert.deepEqual(await placesOf(sources, dest), [])
  })

  it('are not made for what is new as a whole', async () => {
    const base = freshDir()
    const dest = writeTree(path.join(base, 'dest'), { own: '' })
    fs.chmodSync(dest, 0o2755)
    assert.deepEqual(await placesOf(stored(base, { one: { 'a/b/new': '' } }), dest), [''])
    assert.equal(fs.statSync(path.join(dest, 'a/b')).mode & 0o2000, 0o2000)
  })
})
