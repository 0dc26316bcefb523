import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../lib/errno'
import { probe } from '../lib/index'
import type { ProbeResult } from '../lib/types'
import { describeOn } from './support/describe-on'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { itWith } from './support/needs'
import { assertTree, snapshot } from './support/snapshot'
import { volumeOf } from './support/volumes'
import { openIn } from './support/session'
import { writeTree } from './support/tree'
import { orSkip } from './support/unrunnable'

const works = { works: true }
const fails = (code: keyof typeof errno, syscall: string): object => {
  return { works: false, code, errno: -errno[code], syscall }
}

const size = 20_000
const store = { 'a/small': 'x', 'a/deep/big': Buffer.alloc(size, 'b'), link: { symlink: 'a' } }

describe('probe', () => {
  /** Probes, and checks that neither side is any different afterwards. */
  async function probed(source: string, dest: string): Promise<ProbeResult> {
    const tops = [path.dirname(source), path.dirname(dest)].filter((top) => fs.existsSync(top))
    const before = tops.map((top) => snapshot(top))
    const result = await probe(source, dest)
    tops.forEach((top, index) => {
      assertTree(top, before[index] ?? [])
    })
    return result
  }

  describeOn(['btrfs', 'xfs'], (volume) => {
    itWith('extents', 'finds that every mode works, and how much a clone shares', async () => {
      const base = writeTree(volume.fresh(), { 'dest/own': 'own' })
      writeTree(path.join(base, 'store'), store)
      const result = await probed(path.join(base, 'store'), path.join(base, 'dest'))
      assert.deepEqual(result, {
        path: path.join(base, 'store/a/deep/big'),
        dest: path.join(base, 'dest'),
        linkModes: { clone: works, hardlink: works, copy: works, symlink: works },
        sharedBytes: size,
      })
    })
  })

  for (const [kind, clone] of [
    ['ext4', fails('EOPNOTSUPP', 'ficlone')],
    ['tmpfs', fails('EOPNOTSUPP', 'ficlone')],
    ['xfs-noreflink', fails('EOPNOTSUPP', 'ficlone')],
  ] as const)
    describeOn([kind], (volume) => {
      it('finds that nothing can be cloned, and why', async () => {
        const base = writeTree(volume.fresh(), { 'dest/': {} })
        writeTree(path.join(base, 'store'), store)
        const result = await probed(path.join(base, 'store'), path.join(base, 'dest'))
        assert.deepEqual(result.linkModes, { clone, hardlink: works, copy: works, symlink: works })
        assert.equal(result.sharedBytes, 0)
      })
    })

  it('finds what does not work between two file systems: EXDEV', async function () {
    const btrfs = await orSkip(this, volumeOf('btrfs'))
    const xfs = await orSkip(this, volumeOf('xfs'))
    const from = writeTree(path.join(btrfs.fresh(), 'store'), store)
    const { linkModes } = await probed(from, path.join(xfs.fresh(), 'dest'))
    assert.deepEqual(linkModes, {
      clone: fails('EXDEV', 'ficlone'),
      hardlink: fails('EXDEV', 'link'),
      copy: works,
      symlink: works,
    })
  })

  it('tries in the nearest directory that exists', async () => {
    const base = freshDir()
    writeTree(path.join(base, 'store'), store)
    const result = await probed(path.join(base, 'store'), path.join(base, 'not/there/yet'))
    assert.equal(result.dest, base)
    assert.equal(result.linkModes.copy.works, true)
  })

  it('takes a single file as the source', async () => {
    const base = writeTree(freshDir(), { file: 'x', 'dest/': {} })
    const result = await probed(path.join(base, 'file'), path.join(base, 'dest'))
    assert.equal(result.path, path.join(base, 'file'))
  })

  it('takes the biggest small file where there is no big one', async () => {
    const base = writeTree(freshDir(), { 's/1': '', 's/d/2': '22', 's/3': '3', 's/d/e/4': '' })
    const result = await probed(path.join(base, 's'), path.join(base, 'dest'))
    assert.equal(result.path, path.join(base, 's/d/2'))
  })

  it('closes every descriptor, whether it works or not', async function () {
    if (process.platform !== 'linux') this.skip()
    const base = writeTree(freshDir(), { 's/f': 'f', 'empty/': {} })
    await probe(path.join(base, 's'), base)
    await failureOf(probe(path.join(base, 'empty'), base))
    assert.deepEqual(openIn(base), [])
  })

  describe('that cannot try', () => {
    let base = ''

    beforeEach(() => {
      base = writeTree(freshDir(), {
        'empty/deep/': {},
        'odd/fifo': { fifo: true },
        'odd/link': { symlink: '../file' },
        'dest/': {},
        file: '',
      })
    })

    afterEach(() => {
      assert.deepEqual(fs.readdirSync(path.join(base, 'dest')), [])
    })

    const refused = async (source: string, dest: string): Promise<unknown[]> => {
      const error = await failureOf(probe(path.join(base, source), path.join(base, dest)))
      return [error.code, path.relative(base, error.path ?? ''), error.message]
    }

    for (const name of ['empty', 'odd'])
      it(`tells that there is no file to try with in a store like ${name}`, async () => {
        const [code, at, message] = await refused(name, 'dest')
        assert.deepEqual([code, at], ['ENOENT', name])
        assert.match(String(message), /It contains no regular file to try the link modes with/)
      })

    it('tells ENOENT for a source that is not there', async () => {
      assert.deepEqual((await refused('none', 'dest')).slice(0, 2), ['ENOENT', 'none'])
    })

    it('tells ENOTDIR for a dest below a file', async () => {
      assert.equal((await refused('file', 'file/dest'))[0], 'ENOTDIR')
    })

    it('refuses what is no path', async () => {
      for (const bad of [undefined, null, 1, {}]) {
        const wrong = bad as string
        for (const probing of [probe(wrong, base), probe(base, wrong)])
          assert.equal((await failureOf(probing)).code, 'ERR_INVALID_ARG_TYPE')
      }
    })
  })
})
