import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import { merge } from '../lib/index'
import type { LinkMode, MergeResult, DirectorySource } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { describeOn } from './support/describe-on'
import { failureOf } from './support/failure'
import { identities } from './support/identities'
import { mergeInChild, resultOf } from './support/merge-in-child'
import type { MergeJob } from './support/merge-in-child'
import { scriptedHost } from './support/scripted-host'
import { deny } from './support/seccomp'
import type { ErrnoName } from './support/seccomp'
import { sharingOf } from './support/sharing'
import { assertTree, digest, snapshot } from './support/snapshot'
import { packageStore } from './support/store'
import { runTool } from './support/tool'
import { writeTree } from './support/tree'
import { orSkip } from './support/unrunnable'
import { volumeOf } from './support/volumes'
import type { Volume } from './support/volumes'

interface Scene {
  dir: string
  store: string
  packages: DirectorySource[]
  /** A directory that holds all that the packages make together. */
  expected: string
  /** Paths of its files, sorted. */
  files: string[]
  /** An empty directory … */
  parent: string
  /** … and an absent one in it. */
  dest: string
}

/** Packages in `from`, and a place in `to` to merge them into. */
function scene(from: string, to: string = from): Scene {
  const store = path.join(from, 'store')
  const { packages, union } = packageStore(store, { seed: 7, count: 6, files: 12 })
  const expected = writeTree(path.join(from, 'expected'), union)
  const files = snapshot(expected, { contents: false })
    .filter(({ type }) => type === 'file')
    .map((file) => file.path)
  const parent = path.join(to, 'parent')
  fs.mkdirSync(parent)
  return {
    ...{ dir: from, store, packages, expected, files, parent },
    dest: path.join(parent, 'node_modules'),
  }
}

/** One fallback, for this reason, of this many files; nothing left over. */
function assertFellBack(
  { dest, expected, files, parent, store }: Scene,
  { fallbacks, linkModes }: MergeResult,
  reason: { from: LinkMode; to: LinkMode; code: ErrnoName; syscall: string },
): void {
  const [fallback] = fallbacks
  assert.ok(fallback)
  const { path: source, dest: place, ...rest } = fallback
  const errno = -os.constants.errno[reason.code]
  assert.deepEqual([rest, fallbacks.length], [{ ...reason, errno, files: files.length }, 1])
  // The example is one of the files, in both places.
  assert.ok(files.includes(path.relative(dest, place)), place)
  assert.ok(source.startsWith(`${store}/`), source)
  assert.equal(path.basename(source), path.basename(place))
  assert.deepEqual(fs.readFileSync(source), fs.readFileSync(place))

  const none = { clone: 0, hardlink: 0, copy: 0, symlink: 0 }
  assert.deepEqual(linkModes, { ...none, [reason.to]: files.length })
  assertTree(dest, expected)
  assert.deepEqual(fs.readdirSync(parent), [path.basename(dest)])
}

/** The biggest file, too big to be kept inline: in the store, and in dest. */
function biggest({ packages, dest }: Scene): [string, string] {
  const files = packages.flatMap(({ dir = '', to = '' }) =>
    snapshot(dir, { contents: false }).map(({ path: name, size = 0 }) => ({
      size,
      pair: [path.join(dir, name), path.join(dest, to, name)] satisfies [string, string],
    })),
  )
  const [first] = files.sort((a, b) => b.size - a.size)
  assert.ok(first && first.size > 4096)
  return first.pair
}

/** What is told when `mode` is the only link mode and cannot be had. */
async function assertRefused(
  { packages, dest, files, store, parent }: Scene,
  mode: LinkMode,
  reason: { code: ErrnoName; syscall: string },
): Promise<void> {
  const isThere = fs.existsSync(dest)
  const before = contentsOf(parent)
  const { code, errno, syscall, message, ...told } = await failureOf(
    merge(packages, dest, { linkModes: [mode] }),
  )
  assert.deepEqual([code, syscall], [reason.code, reason.syscall])
  assert.equal(errno, -os.constants.errno[reason.code])
  assert.ok(files.includes(path.relative(dest, told.dest ?? '')), told.dest)
  const source = packages.find(({ name }) => name === told.source)
  assert.ok(source?.dir.startsWith(`${store}/`), told.source)
  assert.ok(told.path?.startsWith(`${source?.dir ?? ''}/`), told.path)
  assert.match(message, /linkModes/)
  assert.match(message, /'copy'/)
  assert.equal(fs.existsSync(dest), isThere)
  assert.deepEqual(contentsOf(parent), before)
}

/** What may not change: all but the times of the directory in which the staging directory stood. */
function contentsOf(parent: string): Map<string, string> {
  const found = identities(parent)
  found.delete('')
  if (found.delete('node_modules')) found.set('node_modules', 'is there')
  return found
}

async function subvolume(dir: string): Promise<string> {
  await runTool('btrfs', ['subvolume', 'create', dir])
  return dir
}

const retiring: ErrnoName[] = ['EOPNOTSUPP', 'EXDEV', 'ENOTTY', 'ENOSYS']
const perFile: ErrnoName[] = ['EPERM', 'EACCES', 'EINVAL', 'EAGAIN', 'ETXTBSY', 'EBADF']
const fatal: ErrnoName[] = ['EIO', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EROFS']
const noClones = { from: 'clone', to: 'copy', code: 'EOPNOTSUPP', syscall: 'ficlone' } as const
const twoFileSystems = { from: 'clone', to: 'copy', code: 'EXDEV', syscall: 'ficlone' } as const

describe('real fallbacks', function () {
  describe('where the file system cannot clone', () => {
    describeOn(['ext4', 'tmpfs', 'xfs-noreflink'], (volume) => {
      it('copies every file and reports one fallback', async () => {
        const here = scene(volume.fresh())
        assertFellBack(here, await merge(here.packages, here.dest), noClones)
      })

      it('reports the same whatever the concurrency', async () => {
        const here = scene(volume.fresh())
        const reports = []
        for (const concurrency of [1, 4]) {
          const { fallbacks } = await merge(here.packages, here.dest, { concurrency })
          reports.push(fallbacks)
          fs.rmSync(here.dest, { recursive: true })
        }
        assert.equal(reports[0]?.length, 1)
        assert.deepEqual(reports[1], reports[0])
      })

      it('asks for one clone, and never again', async () => {
        const here = scene(volume.fresh())
        let clones = 0
        const host = scriptedHost(defaultHost, ({ operation }) => {
          if (operation === 'clone') clones++
          return undefined
        })
        assertFellBack(here, await mergeOn(host, here.packages, here.dest), noClones)
        assert.equal(clones, 1)
      })

      it('does not ask for clones where copies come first', async () => {
        const here = scene(volume.fresh())
        const result = await merge(here.packages, here.dest, { linkModes: ['copy', 'clone'] })
        assert.deepEqual(result.fallbacks, [])
        assert.equal(result.linkModes.copy, here.files.length)
        assertTree(here.dest, here.expected)
      })

      it('takes hard links where they come next', async () => {
        const here = scene(volume.fresh())
        const linkModes = ['clone', 'hardlink', 'copy'] as const
        const result = await merge(here.packages, here.dest, { linkModes })
        assertFellBack(here, result, { ...noClones, to: 'hardlink' })
      })

      it("refuses with linkModes ['clone'], and dest stays absent", async () => {
        await assertRefused(scene(volume.fresh()), 'clone', noClones)
      })

      it("refuses with linkModes ['clone'], and dest stays as it is", async () => {
        const here = scene(volume.fresh())
        writeTree(here.dest, { 'own/file': 'mine', empty: '' })
        await assertRefused(here, 'clone', noClones)
      })

      it("takes linkModes ['clone'] where there are no files to clone", async () => {
        const dir = volume.fresh()
        const source = writeTree(path.join(dir, 'source'), {
          'a/b/': {},
          'a/link': { symlink: 'b' },
        })
        const dest = path.join(dir, 'dest')
        const result = await merge([{ name: 'a', dir: source }], dest, { linkModes: 'clone' })
        assert.deepEqual([result.files, result.symlinks, result.directories], [0, 1, 2])
        assertTree(dest, source)
      })
    })
  })

  describe('across two file systems that clone', () => {
    let btrfs: Volume
    let xfs: Volume

    before(async function () {
      btrfs = await orSkip(this, volumeOf('btrfs'))
      xfs = await orSkip(this, volumeOf('xfs'))
    })

    it('copies every file and reports EXDEV', async () => {
      const here = scene(btrfs.fresh(), xfs.fresh())
      assertFellBack(here, await merge(here.packages, here.dest), twoFileSystems)
    })

    it("refuses with linkModes ['clone'], and dest stays absent", async () => {
      await assertRefused(scene(btrfs.fresh(), xfs.fresh()), 'clone', twoFileSystems)
    })

    it("refuses with linkModes ['hardlink'], and dest stays absent", async () => {
      const reason = { code: 'EXDEV', syscall: 'link' } as const
      await assertRefused(scene(btrfs.fresh(), xfs.fresh()), 'hardlink', reason)
    })

    it('falls back from hard links to copies', async () => {
      const here = scene(btrfs.fresh(), xfs.fresh())
      const result = await merge(here.packages, here.dest, { linkModes: ['hardlink', 'copy'] })
      const reason = { from: 'hardlink', to: 'copy', code: 'EXDEV', syscall: 'link' } as const
      assertFellBack(here, result, reason)
    })

    it('does not ask for hard links where symlinks come first', async () => {
      const here = scene(btrfs.fresh(), xfs.fresh())
      const linkModes = ['symlink', 'hardlink'] as const
      const result = await merge(here.packages, here.dest, { linkModes })
      assert.deepEqual(result.fallbacks, [])
      assert.equal(result.linkModes.symlink, here.files.length)
    })

    it('copies what is mutable where only hard links are allowed', async () => {
      const here = scene(btrfs.fresh(), xfs.fresh())
      const options = { linkModes: 'hardlink', mutable: () => true } as const
      const result = await merge(here.packages, here.dest, options)
      assert.equal(result.linkModes.copy, here.files.length)
      assertTree(here.dest, here.expected)
    })

    it('clones the packages that lie on the file system of dest, and copies only the others', async () => {
      const near = scene(xfs.fresh())
      const far = scene(btrfs.fresh())
      const dest = path.join(near.parent, 'node_modules')
      const others = far.packages.map(({ name, to = '', ...rest }) => ({
        ...{ ...rest, name: `far ${name}` },
        to: `far/${to}`,
      }))
      const result = await merge([...others, ...near.packages], dest)
      const { fallbacks, linkModes } = result
      assert.deepEqual(
        fallbacks.map(({ from, to, code, files }) => ({ from, to, code, files })),
        [{ from: 'clone', to: 'copy', code: 'EXDEV', files: far.files.length }],
      )
      assert.equal(linkModes.clone, near.files.length)
      assert.equal(linkModes.copy, far.files.length)
      assertTree(path.join(dest, 'far'), far.expected)
    })
  })

  describe('across the subvolumes of one Btrfs', () => {
    it('clones, though they are two devices to stat(2)', async function () {
      const volume = await orSkip(this, volumeOf('btrfs'))
      const dir = volume.fresh()
      const from = await orSkip(this, subvolume(path.join(dir, 'from')))
      const to = await orSkip(this, subvolume(path.join(dir, 'to')))
      assert.notEqual(fs.statSync(from).dev, fs.statSync(to).dev)
      const here = scene(from, to)
      const result = await merge(here.packages, here.dest, { linkModes: 'clone' })
      assert.deepEqual(result.fallbacks, [])
      assert.equal(result.linkModes.clone, here.files.length)
      assertTree(here.dest, here.expected)
      const [kind] = await sharingOf([biggest(here)])
      assert.equal(kind, 'shared')
    })
  })

  describe('symlinks to the store', () => {
    describeOn(['btrfs', 'tmpfs'], (volume) => {
      it('lead to the absolute path of each file, and a second merge leaves them all unchanged', async () => {
        const here = scene(volume.fresh())
        const options = { linkModes: 'symlink' } as const
        const result = await merge(here.packages, here.dest, options)
        assert.deepEqual(result.linkModes, {
          ...{ clone: 0, hardlink: 0, copy: 0 },
          symlink: here.files.length,
        })
        for (const { dir = '', to = '' } of here.packages)
          for (const { path: name, type } of snapshot(dir, { contents: false })) {
            if (type !== 'file') continue
            assert.equal(fs.readlinkSync(path.join(here.dest, to, name)), path.join(dir, name))
          }

        const before = identities(here.dest)
        const again = await merge(here.packages, here.dest, options)
        assert.equal(again.unchanged, result.files + result.symlinks)
        assert.equal(again.created + again.replaced + again.kept, 0)
        assert.deepEqual(identities(here.dest), before)
      })
    })
  })

  describe('when FICLONE fails', () => {
    describeOn(['btrfs', 'xfs'], (volume) => {
      let here: Scene
      let store: string
      beforeEach(() => {
        here = scene(volume.fresh())
        store = digest(here.store)
      })
      afterEach(() => {
        assert.equal(digest(here.store), store)
      })

      async function mergeWith(code: ErrnoName, jobs: readonly MergeJob[]) {
        return mergeInChild(jobs, { prefix: await deny({ ficlone: code }) })
      }

      for (const code of [...retiring, ...perFile])
        it(`with ${code}: copies every file and reports why`, async () => {
          const [outcome] = await mergeWith(code, [{ sources: here.packages, dest: here.dest }])
          const reason = { from: 'clone', to: 'copy', code, syscall: 'ficlone' } as const
          assertFellBack(here, resultOf(outcome), reason)
          // Where others may well be clones, a copy must not become one by another name.
          if (perFile.includes(code)) {
            assert.deepEqual(await sharingOf([biggest(here)]), ['separate'])
          }
        })

      for (const code of fatal)
        it(`with ${code}: fails with it, and dest is as before`, async () => {
          const there = path.join(here.parent, 'there')
          writeTree(there, { 'own/file': 'mine' })
          const before = digest(here.parent)
          const outcomes = await mergeWith(
            code,
            [here.dest, there].map((dest) => ({ sources: here.packages, dest })),
          )
          assert.equal(outcomes.length, 2)
          for (const [index, { error }] of outcomes.entries()) {
            const dest = [here.dest, there][index] ?? ''
            assert.ok(error, `it merged in spite of ${code}`)
            assert.equal(error['code'], code)
            assert.equal(error['errno'], -os.constants.errno[code])
            assert.equal(error['syscall'], 'ficlone')
            assert.ok(String(error['path']).startsWith(`${here.store}/`))
            assert.ok(here.files.includes(path.relative(dest, String(error['dest']))))
          }
          assert.equal(digest(here.parent), before)
        })
    })
  })
})
