import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../lib/errno'
import { cloneFile, cloneFileSync, sharedBytes } from '../lib/index'
import { describeOn } from './support/describe-on'
import { failureOf, type Failure } from './support/failure'
import { freshDir } from './support/fresh'
import { describeWith } from './support/needs'
import { sharingOf } from './support/sharing'
import { assertTree, snapshot } from './support/snapshot'
import { runTool } from './support/tool'
import { writeTree } from './support/tree'

const forms: Record<string, (src: string, dest: string) => Promise<void>> = {
  cloneFile,
  cloneFileSync: (src, dest) =>
    new Promise((resolve) => {
      cloneFileSync(src, dest)
      resolve()
    }),
}

for (const [name, clone] of Object.entries(forms))
  describe(name, () => {
    let dir = ''
    const at = (each: string): string => path.join(dir, each)

    async function fails(
      src: string,
      dest: string,
      code: keyof typeof errno,
      syscall: string,
    ): Promise<Failure> {
      const before = snapshot(dir)
      const error = await failureOf(clone(at(src), at(dest)))
      assert.deepEqual(
        [error.code, error.errno, error.syscall, error.path, error.dest],
        [code, -errno[code], syscall, at(src), at(dest)],
      )
      const words = `^${code}: .+, ${syscall} '${at(src)}' -> '${at(dest)}'`
      assert.match(error.message, new RegExp(words))
      assertTree(dir, before)
      return error
    }

    describeOn(['btrfs', 'xfs'], (volume) => {
      beforeEach(() => {
        dir = volume.fresh()
      })

      it('makes a file that shares its data, with the mode of the source', async () => {
        writeTree(dir, { a: { data: Buffer.alloc(100_000, 'a'), mode: 0o4711 } })
        await clone(at('a'), at('b'))
        assert.equal(fs.statSync(at('b')).mode & 0o7777, 0o711)
        assert.ok(fs.readFileSync(at('b')).equals(fs.readFileSync(at('a'))))
        assert.deepEqual(await sharingOf([[at('a'), at('b')]]), ['shared'])
      })

      it('takes relative paths, also through symlinks to directories', async () => {
        writeTree(dir, { 'real/a': 'a', link: { symlink: 'real' } })
        const from = path.relative(process.cwd(), at('link/a'))
        await clone(from, path.relative(process.cwd(), at('link/b')))
        assert.equal(fs.readFileSync(at('real/b'), 'utf8'), 'a')
      })

      it('never touches a file that is there: EEXIST', async () => {
        writeTree(dir, { a: 'new', b: 'old', c: { symlink: 'b' }, 'd/': {} })
        for (const taken of ['a', 'b', 'c', 'd']) await fails('a', taken, 'EEXIST', 'open')
      })
    })

    describe('where nothing can be cloned', () => {
      beforeEach(() => {
        dir = writeTree(freshDir(), { a: 'a', 'd/': {}, link: { symlink: 'a' }, empty: '' })
      })

      it('copies nothing: EOPNOTSUPP', async () => {
        await fails('a', 'b', 'EOPNOTSUPP', process.platform === 'darwin' ? 'clonefile' : 'ficlone')
        await fails('empty', 'b', 'EOPNOTSUPP', 'ficlone')
      })

      it('tells which call failed', async () => {
        await fails('none', 'b', 'ENOENT', 'open')
        await fails('a', 'none/b', 'ENOENT', 'open')
        await fails('link', 'b', 'ELOOP', 'open')
        await fails('d', 'b', 'EISDIR', 'open')
        await fails('a/x', 'b', 'ENOTDIR', 'open')
        await fails('a', 'n'.repeat(256), 'ENAMETOOLONG', 'open')
      })

      it('says it like fs.copyFile does', async () => {
        const ours = await failureOf(clone(at('none'), at('b')))
        const theirs = await failureOf(fs.promises.copyFile(at('none'), at('b')))
        assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort())
        assert.equal(ours.message.replace(', open ', ', copyfile '), theirs.message)
        assert.equal(ours.name, theirs.name)
      })

      it('refuses what is no path', async () => {
        for (const [bad, code] of [
          [undefined, 'ERR_INVALID_ARG_TYPE'],
          [1, 'ERR_INVALID_ARG_TYPE'],
          [Buffer.from('a'), 'ERR_INVALID_ARG_TYPE'],
          ['', 'ERR_INVALID_ARG_VALUE'],
          ['a\0b', 'ERR_INVALID_ARG_VALUE'],
        ] as const) {
          const wrong = bad as string
          const first = await failureOf(clone(wrong, at('b')))
          const second = await failureOf(clone(at('a'), wrong))
          assert.deepEqual([first.code, second.code], [code, code])
          assert.match(first.message, /^src must/)
          assert.match(second.message, /^dest must/)
        }
      })
    })

    describeOn(['btrfs'], (volume) => {
      it('tells EXDEV for another file system', async () => {
        const elsewhere = path.join(freshDir(), 'b')
        dir = writeTree(volume.fresh(), { a: 'a' })
        const error = await failureOf(clone(at('a'), elsewhere))
        assert.deepEqual([error.code, error.syscall], ['EXDEV', 'ficlone'])
        assert.equal(fs.existsSync(elsewhere), false)
      })
    })
  })

describeWith('extents', 'sharedBytes', () => {
  const size = 300_001

  describeOn(['btrfs', 'xfs'], (volume) => {
    let dir = ''
    const at = (each: string): string => path.join(dir, each)

    beforeEach(() => {
      dir = writeTree(volume.fresh(), {
        a: Buffer.alloc(size, 'a'),
        other: Buffer.alloc(size, 'a'),
      })
    })

    it('are all of a clone, both ways, and all of a file with itself', async () => {
      await cloneFile(at('a'), at('b'))
      assert.equal(await sharedBytes(at('a'), at('b')), size)
      assert.equal(await sharedBytes(at('b'), at('a')), size)
      assert.equal(await sharedBytes(at('a'), at('a')), size)
    })

    it('are none of a copy with the same bytes', async () => {
      assert.equal(await sharedBytes(at('a'), at('other')), 0)
    })

    it('are fewer when a part is written anew', async () => {
      await cloneFile(at('a'), at('b'))
      const file = fs.openSync(at('b'), 'r+')
      fs.writeSync(file, Buffer.alloc(65_536, 'b'), 0, 65_536, 131_072)
      fs.closeSync(file)
      assert.equal(await sharedBytes(at('a'), at('b')), size - 65_536)
    })

    it('are none of empty files and of holes', async () => {
      writeTree(dir, { empty: '', hole: '' })
      fs.truncateSync(at('hole'), size)
      assert.equal(await sharedBytes(at('empty'), at('empty')), 0)
      assert.equal(await sharedBytes(at('hole'), at('hole')), 0)
      assert.equal(await sharedBytes(at('a'), at('hole')), 0)
    })

    it('are none of two file systems', async () => {
      const elsewhere = freshDir()
      writeTree(elsewhere, { b: 'b' })
      const error = await failureOf(sharedBytes(at('a'), path.join(elsewhere, 'b')))
      // tmpfs does not tell where its data lies.
      assert.deepEqual(
        [error.code, error.errno, error.syscall, error.path],
        ['EOPNOTSUPP', -errno.EOPNOTSUPP, 'fiemap', path.join(elsewhere, 'b')],
      )
    })

    it('tells which file cannot be read', async () => {
      writeTree(dir, { 'd/': {}, link: { symlink: 'a' } })
      for (const [bad, code] of [
        ['none', 'ENOENT'],
        ['d', 'EISDIR'],
        ['link', 'ELOOP'],
      ] as const)
        for (const [a, b] of [
          [bad, 'a'],
          ['a', bad],
        ] as const) {
          const error = await failureOf(sharedBytes(at(a), at(b)))
          assert.deepEqual([error.code, error.syscall, error.path], [code, 'open', at(bad)])
        }
    })
  })

  describeOn(['btrfs'], (volume) => {
    it('are seen across the subvolumes of one Btrfs', async () => {
      const dir = volume.fresh()
      await runTool('btrfs', ['subvolume', 'create', path.join(dir, 'sub')])
      writeTree(dir, { a: Buffer.alloc(size, 'a') })
      const [a, b] = [path.join(dir, 'a'), path.join(dir, 'sub/b')]
      await cloneFile(a, b)
      assert.notEqual(fs.statSync(a).dev, fs.statSync(b).dev)
      assert.equal(await sharedBytes(a, b), size)
    })

    it('are none of a small file that lies inline in the metadata', async () => {
      const dir = writeTree(volume.fresh(), { a: 'small' })
      await cloneFile(path.join(dir, 'a'), path.join(dir, 'b'))
      assert.equal(await sharedBytes(path.join(dir, 'a'), path.join(dir, 'b')), 0)
    })
  })

  describeOn(['ext4'], (volume) => {
    it('are none of two file systems that both tell', async () => {
      const dir = writeTree(volume.fresh(), { a: Buffer.alloc(size, 'a'), b: 'b' })
      assert.equal(await sharedBytes(path.join(dir, 'a'), path.join(dir, 'b')), 0)
      assert.equal(await sharedBytes(path.join(dir, 'a'), path.join(dir, 'a')), size)
    })
  })

  it('cannot be told on tmpfs: EOPNOTSUPP', async () => {
    const dir = writeTree(freshDir(), { a: 'a' })
    const a = path.join(dir, 'a')
    const error = await failureOf(sharedBytes(a, a))
    assert.deepEqual([error.code, error.syscall, error.path], ['EOPNOTSUPP', 'fiemap', a])
  })

  it('refuses what is no path', async () => {
    for (const bad of [undefined, 1, Buffer.from('a')]) {
      const wrong = bad as unknown as string
      assert.equal((await failureOf(sharedBytes(wrong, '/a'))).code, 'ERR_INVALID_ARG_TYPE')
      assert.equal((await failureOf(sharedBytes('/a', wrong))).code, 'ERR_INVALID_ARG_TYPE')
    }
  })
})
