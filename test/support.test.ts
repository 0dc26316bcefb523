import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { runScripts, runText, startCommand } from './support/child'
import { describeOn } from './support/describe-on'
import { freshDir } from './support/fresh'
import { sharingOf, sharingOfTrees } from './support/sharing'
import { deny, runWithFicloneErrno } from './support/seccomp'
import { assertTree, differences, digest, snapshot } from './support/snapshot'
import { namespaceStore, packageStore } from './support/store'
import { writeTree } from './support/tree'
import { runToolSync } from './support/tool'
import { orSkip } from './support/unrunnable'
import { makeVolume, MiB } from './support/volumes'
import type { VolumeKind } from './support/volumes'

const cloning: VolumeKind[] = ['btrfs', 'xfs', 'overlay-btrfs', 'overlay-xfs']
const notCloning: VolumeKind[] = ['xfs-noreflink', 'ext4', 'tmpfs', 'overlay-ext4', 'overlay-tmpfs']

function cp(reflink: 'always' | 'never', from: string, to: string): void {
  const complaint = runToolSync('cp', ['-a', `--reflink=${reflink}`, from, to])
  if (complaint !== null) throw new Error(complaint)
}

describe('test support', () => {
  describe('volumes', () => {
    let last = ''

    describeOn([...cloning, ...notCloning, 'exfat'], (volume) => {
      it('clones or refuses to, as its kind promises', () => {
        const dir = volume.fresh()
        writeTree(dir, { a: Buffer.alloc(8192, 'a') })
        const clone = (): void => {
          cp('always', path.join(dir, 'a'), path.join(dir, 'b'))
        }
        if (cloning.includes(volume.kind)) clone()
        else assert.throws(clone, /Operation not supported|Inappropriate ioctl/)
        last = dir
      })

      it('has removed the directory of the test before', () => {
        assert.ok(last.startsWith(volume.path))
        assert.ok(!fs.existsSync(last))
      })
    })

    it('takes a name in two cases for one on exfat only', async function () {
      const volume = await orSkip(this, makeVolume('exfat', { size: 64 * MiB }))
      fs.writeFileSync(path.join(volume.path, 'Foo'), '')
      assert.ok(fs.existsSync(path.join(volume.path, 'foo')))
      volume.remove()
    })

    it('makes a private one of the asked size and removes it', async function () {
      const volume = await orSkip(
        this,
        makeVolume('btrfs', { size: 256 * MiB, mountOptions: ['compress=zstd'] }),
      )
      const { blocks, bsize } = fs.statfsSync(volume.path)
      assert.equal(blocks * bsize, 256 * MiB)
      assert.match(fs.readFileSync('/proc/mounts', 'utf8'), new RegExp(`${volume.path} .*zstd`))
      volume.remove()
      assert.ok(!fs.existsSync(volume.path))
    })

    it('names who still holds a file open when it is to be removed', async function () {
      const volume = await orSkip(this, makeVolume('tmpfs', { size: MiB }))
      const file = path.join(volume.path, 'held')
      const fd = fs.openSync(file, 'w')
      assert.throws(
        () => {
          volume.remove()
        },
        (error: Error) => error.message.includes(`${String(process.pid)}: ${file}`),
      )
      fs.closeSync(fd)
    })

    it('are swept at the next start when a run was killed', async function () {
      const support = JSON.stringify(path.join(__dirname, 'support/volumes.ts'))
      const make = (end: string): string =>
        `require(${support}).makeVolume('overlay-tmpfs', { size: 1 << 20 }).then((volume) => {
          console.log(volume.path); ${end} })`
      const killed = await runText(make("process.kill(process.pid, 'SIGKILL')"))
      const left = killed.stdout.trim()
      if (process.getuid?.() !== 0 || process.platform !== 'linux') this.skip()
      assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      assert.ok(fs.existsSync(left))
      const next = await runText(make(''))
      assert.equal(next.code, 0, next.stderr)
      assert.ok(!fs.existsSync(path.dirname(left)))
      assert.ok(!fs.existsSync(path.dirname(next.stdout.trim())))
      assert.ok(!fs.readFileSync('/proc/mounts', 'utf8').includes(path.dirname(left)))
    })
  })

  describe('snapshot', () => {
    const base = {
      'a/b.txt': 'text',
      'bin/x': { data: 'x', mode: 0o755 },
      link: { symlink: 'a' },
      'empty/': {},
      pipe: { fifo: true },
    } as const

    it('tells path, type, mode, size, hash and target, sorted', () => {
      assert.deepStrictEqual(
        snapshot(writeTree(freshDir(), base)).map(({ sha256, ...rest }) => ({
          ...rest,
          ...(sha256 === undefined ? {} : { sha256: sha256.slice(0, 8) }),
        })),
        [
          { path: 'a', type: 'directory', mode: '755' },
          { path: 'a/b.txt', type: 'file', mode: '644', size: 4, sha256: '982d9e3e' },
          { path: 'bin', type: 'directory', mode: '755' },
          { path: 'bin/x', type: 'file', mode: '755', size: 1, sha256: '2d711642' },
          { path: 'empty', type: 'directory', mode: '755' },
          { path: 'link', type: 'symlink', target: 'a' },
          { path: 'pipe', type: 'fifo', mode: '644' },
        ],
      )
    })

    const changes = {
      'a byte': { 'a/b.txt': 'texT' },
      'a length': { 'a/b.txt': 'text\n' },
      'a mode': { 'bin/x': { data: 'x', mode: 0o644 } },
      'a special bit': { 'bin/x': { data: 'x', mode: 0o4755 } },
      'a mode of a directory': { 'empty/': { dir: true, mode: 0o700 } },
      'a link target': { link: { symlink: 'bin' } },
      'a type': { link: { dir: true } },
      'an added file': { 'empty/new': '' },
      'an added directory': { 'empty/new/': {} },
    } as const
    for (const [what, change] of Object.entries(changes))
      it(`notices ${what}`, () => {
        const [one, other] = [writeTree(freshDir(), base), freshDir()]
        writeTree(other, { ...base, ...change })
        assert.equal(differences(snapshot(one), snapshot(other)).length, 1)
        assert.notEqual(digest(one), digest(other))
        assert.throws(() => {
          assertTree(one, other)
        }, /is not the expected tree/)
      })

    it('is the same for a copy, also of names that are no UTF-8', () => {
      const [one, other] = [writeTree(freshDir(), base), freshDir()]
      fs.writeFileSync(Buffer.concat([Buffer.from(`${one}/`), Buffer.from([0x66, 0xff])]), '')
      cp('never', `${one}/.`, other)
      assertTree(one, other)
      assert.equal(digest(one), digest(other))
      assert.ok(snapshot(other).some((entry) => entry.path === 'f\\xff'))
    })

    it('compares two trees of 60,000 files, and lists the first of many differences', () => {
      const spec: Record<string, string> = {}
      for (let i = 0; i < 60_000; i++) spec[`${String(i % 600)}/${String(i)}`] = String(i)
      const [one, other] = [writeTree(freshDir(), spec), writeTree(freshDir(), spec)]
      assertTree(one, other)
      fs.rmSync(path.join(one, '7'), { recursive: true })
      assert.throws(() => {
        assertTree(one, other)
      }, /7: missing directory[^]*and 71 more/)
    })
  })

  describe('sharing', () => {
    const sizes = {
      empty: '',
      small: 'x',
      page: Buffer.alloc(4096, 'p'),
      large: Buffer.alloc(300_001, 'l'),
    }

    describeOn(cloning, (volume) => {
      it('tells a clone from a copy', async () => {
        const dir = volume.fresh()
        writeTree(path.join(dir, 'source'), sizes)
        cp('always', path.join(dir, 'source'), path.join(dir, 'clone'))
        cp('never', path.join(dir, 'source'), path.join(dir, 'copy'))
        const inline = volume.kind.endsWith('btrfs')
        const small = inline ? [] : ['small']
        const expected = { empty: ['empty'], inline: inline ? ['small'] : [], partly: [] }
        assert.deepStrictEqual(
          await sharingOfTrees(path.join(dir, 'source'), path.join(dir, 'clone')),
          { ...expected, shared: ['large', 'page', ...small], separate: [] },
        )
        assert.deepStrictEqual(
          await sharingOfTrees(path.join(dir, 'source'), path.join(dir, 'copy')),
          { ...expected, shared: [], separate: ['large', 'page', ...small] },
        )
      })

      it('tells a clone of which a part was rewritten', async () => {
        const dir = writeTree(volume.fresh(), sizes)
        const [large, clone] = [path.join(dir, 'large'), path.join(dir, 'clone')]
        cp('always', large, clone)
        const fd = fs.openSync(clone, 'r+')
        fs.writeSync(fd, 'changed', 100_000)
        fs.closeSync(fd)
        assert.deepStrictEqual(await sharingOf([[large, clone]]), ['partly'])
      })
    })

    describeOn(['btrfs'], (volume) => {
      it('sees through the subvolumes of one Btrfs', async () => {
        const dir = writeTree(volume.fresh(), sizes)
        const other = path.join(dir, 'subvolume')
        assert.equal(runToolSync('btrfs', ['subvolume', 'create', other]), null)
        cp('always', path.join(dir, 'large'), path.join(other, 'large'))
        assert.deepStrictEqual(
          await sharingOf([[path.join(dir, 'large'), path.join(other, 'large')]]),
          ['shared'],
        )
      })
    })

    describeOn(['tmpfs'], (volume) => {
      it('fails where the file system tells no extents', async () => {
        const file = path.join(writeTree(volume.fresh(), sizes), 'large')
        await assert.rejects(sharingOf([[file, file]]), { code: 'ENOTSUP' })
      })
    })

    it('does not take equal places on two file systems for one', async function () {
      const volumes = [
        await orSkip(this, makeVolume('xfs', { size: 320 * MiB })),
        await orSkip(this, makeVolume('xfs', { size: 320 * MiB })),
      ]
      const [one = '', other = ''] = volumes.map((volume) =>
        path.join(writeTree(volume.path, sizes), 'large'),
      )
      assert.deepStrictEqual(await sharingOf([[one, other]]), ['separate'])
      for (const volume of volumes) volume.remove()
    })
  })

  describe('seccomp', () => {
    const clone = `
      const fs = require('node:fs')
      const [dir] = process.argv.slice(1)
      try {
        fs.copyFileSync(dir + '/a', dir + '/b', fs.constants.COPYFILE_FICLONE_FORCE)
        console.log('cloned')
      } catch (error) { console.log(error.code) }`

    describeOn(['btrfs', 'xfs'], (volume) => {
      for (const errno of ['EPERM', 'EAGAIN', 'EIO', 'ENOSPC', 'EOPNOTSUPP'] as const)
        it(`answers FICLONE with ${errno}`, async () => {
          const dir = writeTree(volume.fresh(), { a: Buffer.alloc(8192, 'a') })
          const { stdout } = await runWithFicloneErrno(errno, ['--eval', clone, '--', dir])
          // libuv has one name for both.
          const shown = errno === 'EOPNOTSUPP' ? 'ENOTSUP' : errno
          assert.equal(stdout.trim(), shown)
          assert.equal((await runText(clone, [dir])).stdout.trim(), 'cloned')
        })
    })

    it('denies other system calls, several at once', async () => {
      const dir = writeTree(freshDir(), { a: 'a' })
      const text = `
        const fs = require('node:fs')
        const [dir] = process.argv.slice(1)
        for (const call of [fs.linkSync, fs.renameSync])
          try { call(dir + '/a', dir + '/b'); console.log('ok') } catch (error) { console.log(error.code) }`
      const rules = {
        link: 'EXDEV',
        linkat: 'EXDEV',
        rename: 'EROFS',
        renameat2: 'EROFS',
      } as const
      const { stdout, stderr } = await runText(text, [dir], { prefix: await deny(rules) })
      assert.equal(stdout, 'EXDEV\nEROFS\n', stderr)
    })

    it('says which rule it does not know', async () => {
      const { code, stderr } = await runText('', [], { prefix: await deny({ frobnicate: 'EIO' }) })
      assert.equal(code, 125)
      assert.match(stderr, /no such call or errno: frobnicate=5/)
    })
  })

  describe('child', () => {
    it('runs a TypeScript file several times at once', async () => {
      const script = path.join(freshDir(), 'script.ts')
      fs.writeFileSync(script, 'const word: string = process.argv[2] ?? ""\nconsole.log(word)\n')
      const results = await runScripts(4, script, (index) => [String(index)])
      assert.deepStrictEqual(
        results.map(({ code, stdout }) => [code, stdout]),
        [0, 1, 2, 3].map((index) => [0, `${String(index)}\n`]),
      )
    })

    it('kills the child and its own children when the time is over', async () => {
      const start = performance.now()
      const { done } = startCommand(['sh', '-c', 'sleep 600 & wait'], { timeout: 300 })
      const { signal, timedOut } = await done
      assert.deepStrictEqual([signal, timedOut], ['SIGKILL', true])
      // The sleep holds stdout too: had it outlived its parent, this would have waited for it.
      assert.ok(performance.now() - start < 200_000)
    })
  })

  describe('store', () => {
    it('makes the same packages from the same seed', () => {
      const [one, other, third] = [freshDir(), freshDir(), freshDir()]
      packageStore(one, { seed: 7, count: 5 })
      packageStore(other, { seed: 7, count: 5 })
      packageStore(third, { seed: 8, count: 5 })
      assertTree(one, other)
      assert.notEqual(digest(one), digest(third))
    })

    it('shares namespace directories three levels deep, and no file', () => {
      const { packages, union } = namespaceStore(freshDir(), 8)
      const files = packages.flatMap(({ dir }) =>
        snapshot(dir).filter(({ type }) => type !== 'directory'),
      )
      assert.equal(new Set(files.map((file) => file.path)).size, files.length)
      const expected = writeTree(freshDir(), union)
      const merged = freshDir()
      for (const { dir } of packages) cp('never', `${dir}/.`, merged)
      assertTree(merged, expected)
      for (const { dir } of packages) assert.ok(fs.existsSync(path.join(dir, 'ns/3/1')))
    })
  })
})
