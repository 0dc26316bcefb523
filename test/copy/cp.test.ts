import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { cp } from '../../lib/cp'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { identities } from '../support/identities'
import { sharingOfTrees } from '../support/sharing'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'
import type { TreeSpec } from '../support/tree'

const large = Buffer.alloc(64 * 1024, 'x')
const mustClone = fs.constants.COPYFILE_FICLONE_FORCE

describe('cp() where it differs from fs.promises.cp', () => {
  /** What is there, in the working directory of a case. */
  const scene = (dir: string, tree: TreeSpec): { src: string; dest: string } => {
    writeTree(dir, tree)
    return { src: path.join(dir, 'src'), dest: path.join(dir, 'dest') }
  }

  describeOn(['btrfs'], (volume) => {
    it('clones all files, also one alone, whatever the mode', async () => {
      const { src, dest } = scene(volume.fresh(), { 'src/a': large, 'src/deep/b': large })
      await cp(src, path.join(dest, 'tree'), { recursive: true })
      await cp(path.join(src, 'a'), path.join(dest, 'one/a'), { mode: mustClone })
      const { shared } = await sharingOfTrees(src, path.join(dest, 'tree'))
      assert.deepEqual(shared, ['a', 'deep/b'])
      const one = await sharingOfTrees(path.join(dest, 'one'), src)
      assert.deepEqual(one.shared, ['a'])
    })

    it('leaves what is the same as it is', async () => {
      const tree = { 'src/a': large, 'src/link': { symlink: '/nowhere' } }
      const { src, dest } = scene(volume.fresh(), tree)
      await cp(src, dest, { recursive: true })
      const before = identities(dest)
      await cp(src, dest, { recursive: true })
      assert.deepEqual(identities(dest), before)
    })

    it('changes nothing where one entry cannot be copied', async () => {
      const { src, dest } = scene(volume.fresh(), {
        ...{ 'src/a': 'new', 'src/m/file': 'x', 'src/z': 'new' },
        ...{ 'dest/a': 'old', 'dest/m': 'in the way' },
      })
      const before = snapshot(dest)
      const { code } = await failureOf(cp(src, dest, { recursive: true }))
      assert.equal(code, 'ERR_FS_CP_DIR_TO_NON_DIR')
      assertTree(dest, before)
    })

    it('copies no set-user-ID, set-group-ID and sticky bits of what is in a directory', async () => {
      const { src, dest } = scene(volume.fresh(), { 'src/a': 'a', 'src/b/': {} })
      fs.chmodSync(path.join(src, 'a'), 0o6755)
      fs.chmodSync(path.join(src, 'b'), 0o1777)
      await cp(src, dest, { recursive: true })
      const modes = snapshot(dest).map(({ mode }) => mode)
      assert.deepEqual(modes, ['755', '777'])
    })

    it('writes through no symlink that stands in dest: it replaces it', async () => {
      const { src, dest } = scene(volume.fresh(), {
        ...{ 'src/deep/file': 'new', 'src/file': 'new' },
        ...{ 'dest/deep': { symlink: '../outside' }, 'dest/file': { symlink: '../nowhere' } },
        'outside/file': 'outside',
      })
      const outside = path.join(src, '../outside')
      const before = snapshot(outside)
      await cp(src, dest, { recursive: true, dereference: true })
      assertTree(dest, src)
      assertTree(outside, before)
      assert.equal(fs.existsSync(path.join(src, '../nowhere')), false)
    })

    it('does not follow links whose texts it keeps out of dest', async () => {
      const { src, dest } = scene(volume.fresh(), { 'src/deep/link': { symlink: '../../other' } })
      await cp(src, dest, { recursive: true })
      const link = path.join(dest, 'deep/link')
      assert.equal(fs.readlinkSync(link), path.join(src, '../other'))
    })

    it('refuses a dest that holds src, where Node copies', async () => {
      const { src, dest } = scene(volume.fresh(), { 'dest/src/a': 'a' })
      const before = snapshot(dest)
      const held = path.join(dest, 'src')
      const { code } = await failureOf(cp(held, dest, { recursive: true }))
      assert.equal(code, 'ERR_MERGE_INTO_SELF')
      assertTree(dest, before)
      assert.equal(fs.existsSync(src), false)
    })

    it('refuses a dest in src that is reached through links, where Node never ends', async () => {
      const tree = { 'src/deep/a': 'a', link: { symlink: 'src/deep' } }
      const { src } = scene(volume.fresh(), tree)
      const before = snapshot(src)
      const dest = path.join(src, '../link/dest')
      const { code } = await failureOf(cp(src, dest, { recursive: true }))
      assert.equal(code, 'ERR_FS_CP_EINVAL')
      assertTree(src, before)
    })

    it('reads no device', async () => {
      const { src, dest } = scene(volume.fresh(), { 'src/deep/link': { symlink: '/dev/zero' } })
      const options = { recursive: true, dereference: true }
      const { code, path: at } = await failureOf(cp(src, dest, options))
      assert.deepEqual([code, at], ['ERR_FS_CP_UNKNOWN', path.join(dest, 'deep/link')])
      assert.equal(fs.existsSync(dest), false)
    })
  })

  describeOn(['ext4'], (volume) => {
    it('copies where nothing can be cloned', async () => {
      const { src, dest } = scene(volume.fresh(), { 'src/a': large, 'src/deep/b': 'b' })
      await cp(src, dest, { recursive: true })
      assertTree(dest, src)
    })

    it('rejects with what the clone failed with where it is required', async () => {
      const { src, dest } = scene(volume.fresh(), { 'src/a': large })
      const failure = await failureOf(cp(src, dest, { recursive: true, mode: mustClone }))
      assert.deepEqual([failure.code, failure.syscall], ['EOPNOTSUPP', 'ficlone'])
      assert.equal(fs.existsSync(dest), false)
    })
  })
})
