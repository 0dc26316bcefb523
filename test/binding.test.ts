import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import * as binding from '../lib/binding'
import { errno } from '../lib/errno'
import { runText } from './support/child'
import { describeOn } from './support/describe-on'
import { codeOf } from './support/failure'
import { freshDir } from './support/fresh'
import { describeWith, itWith } from './support/needs'
import { sharingOf } from './support/sharing'
import { assertTree, snapshot } from './support/snapshot'
import { writeTree } from './support/tree'
import { orSkip, Unrunnable } from './support/unrunnable'

/** The two forms of the call: the same numbers. */
const forms: Record<string, (src: string, dest: string) => Promise<number>> = {
  reflink: (src, dest) => Promise.resolve(binding.reflink(src, dest)),
  reflinkAsync: (src, dest) => binding.reflinkAsync(src, dest),
}

const library = (file: string): string => JSON.stringify(path.join(__dirname, '../lib', file))

describe('binding', () => {
  itWith('addon', 'is loaded here, without an error', () => {
    assert.equal(binding.loaded, true)
    assert.equal(binding.loadError, undefined)
  })

  it('exports the two calls, and whether they work: nothing of the layout of batches', () => {
    const names = ['loadError', 'loaded', 'reflink', 'reflinkAsync']
    assert.deepEqual(Object.keys(binding).sort(), names)
  })

  for (const [name, reflink] of Object.entries(forms))
    describeWith('addon', name, () => {
      let dir = ''
      const call = async (src: string, dest: string): Promise<string> =>
        codeOf(await reflink(path.join(dir, src), path.join(dir, dest)))

      describeOn(['btrfs', 'xfs'], (volume) => {
        beforeEach(() => {
          dir = volume.fresh()
        })

        it('gives 0 for a clone that shares its data and has the mode of the source', async () => {
          writeTree(dir, { a: { data: Buffer.alloc(65_536, 'a'), mode: 0o751 } })
          const mask = process.umask(0o077)
          const number = await reflink(path.join(dir, 'a'), path.join(dir, 'b'))
          process.umask(mask)
          assert.equal(number, 0)
          assert.equal(fs.statSync(path.join(dir, 'b')).mode & 0o7777, 0o751)
          const [sharing] = await sharingOf([[path.join(dir, 'a'), path.join(dir, 'b')]])
          assert.equal(sharing, 'shared')
        })

        it('clones an empty file, and one without write permission', async () => {
          writeTree(dir, { empty: '', 'read-only': { data: 'x', mode: 0o444 } })
          assert.equal(await call('empty', 'empty 2'), '')
          assert.equal(await call('read-only', 'read-only 2'), '')
          assert.equal(fs.readFileSync(path.join(dir, 'read-only 2'), 'utf8'), 'x')
        })

        it('never passes a set-user-ID bit on', async () => {
          writeTree(dir, { a: { data: 'x', mode: 0o6755 } })
          assert.equal(await call('a', 'b'), '')
          assert.equal(fs.statSync(path.join(dir, 'b')).mode & 0o7777, 0o755)
        })
      })

      it('gives the errno as the kernel gives it, and leaves nothing', async () => {
        dir = writeTree(freshDir(), {
          a: 'a',
          taken: 'old',
          'd/': {},
          link: { symlink: 'a' },
          dangling: { symlink: 'nowhere' },
          fifo: { fifo: true },
        })
        const before = snapshot(dir)
        assert.equal(await call('none', 'new'), 'ENOENT')
        assert.equal(await call('a', 'none/new'), 'ENOENT')
        assert.equal(await call('a', 'taken'), 'EEXIST')
        assert.equal(await call('a', 'd'), 'EEXIST')
        assert.equal(await call('a', 'dangling'), 'EEXIST')
        assert.equal(await call('link', 'new'), 'ELOOP')
        assert.equal(await call('d', 'new'), 'EISDIR')
        assert.equal(await call('fifo', 'new'), 'EINVAL')
        assert.equal(await call('a/x', 'new'), 'ENOTDIR')
        assert.equal(await call('a', 'a/new'), 'ENOTDIR')
        assert.equal(await call('a', 'n'.repeat(256)), 'ENAMETOOLONG')
        assert.equal(await call('a', 'n/'.repeat(2500)), 'ENAMETOOLONG')
        assert.equal(await call('a', 'new'), 'EOPNOTSUPP')
        assert.equal(await reflink('', path.join(dir, 'new')), errno.ENOENT)
        assert.equal(await reflink(path.join(dir, 'a'), ''), errno.ENOENT)
        assertTree(dir, before)
      })

      it('throws a TypeError for what is no path', async () => {
        for (const bad of [undefined, null, 1, {}, [], Buffer.from('/tmp'), 'a\0b', Symbol('s')])
          for (const args of [
            [bad, '/tmp/x'],
            ['/tmp/x', bad],
          ]) {
            const [src, dest] = args as [string, string]
            await assert.rejects(async () => reflink(src, dest), {
              name: 'TypeError',
              code: 'ERR_INVALID_ARG_TYPE',
            })
          }
      })
    })

  itWith('addon', 'a hundred clones at once are as good as one after the other', async () => {
    const dir = writeTree(freshDir(), { a: 'a' })
    const calls = Array.from({ length: 100 }, (_, index) =>
      binding.reflinkAsync(path.join(dir, 'a'), path.join(dir, String(index))),
    )
    assert.deepEqual(new Set(await Promise.all(calls)), new Set([errno.EOPNOTSUPP]))
    assert.deepEqual(fs.readdirSync(dir), ['a'])
  })

  describe('without the addon', () => {
    /** What a child prints as JSON where the addon is switched off. */
    async function without<T>(text: string, env: Record<string, string> = {}): Promise<T> {
      const off = { REFLINK_MERGE_NATIVE: 'off', ...env }
      const { code, stdout, stderr } = await runText(text, [], { env: off })
      assert.equal(code, 0, stderr)
      return JSON.parse(stdout) as T
    }

    it('says that it is not loaded, and answers ENOSYS', async () => {
      const told = await without(`
        const binding = require(${library('binding.ts')})
        binding.reflinkAsync('/a', '/b').then((late) => console.log(JSON.stringify({
          loaded: binding.loaded, error: String(binding.loadError),
          numbers: [binding.reflink('/a', '/b'), late] })))`)
      assert.deepEqual(told, {
        ...{ loaded: false, error: 'undefined' },
        numbers: [errno.ENOSYS, errno.ENOSYS],
      })
    })

    it('still refuses what is no path', async () => {
      const told = await without<string[]>(`
        const { reflink, reflinkAsync } = require(${library('binding.ts')})
        const codes = []
        const note = (error) => codes.push(error.name + ' ' + error.code)
        for (const args of [[], [1, 'b'], ['a', null], ['a\\0', 'b'], ['a', 'b\\0']]) {
          try { reflink(...args) } catch (error) { note(error) }
        }
        reflinkAsync(1).catch(note).then(() => console.log(JSON.stringify(codes)))`)
      assert.deepEqual(told, Array(6).fill('TypeError ERR_INVALID_ARG_TYPE'))
    })

    it('says why it could not be loaded', async () => {
      const { stdout, stderr } = await runText(
        `const { loaded, loadError } = require(${library('binding.ts')})
         console.log(loaded, loadError instanceof Error)`,
        [],
        { env: { REFLINK_MERGE_NATIVE: undefined, REFLINK_MERGE_ADDON: '/nowhere/addon.node' } },
      )
      assert.equal(stdout, 'false true\n', stderr)
    })

    it('merges, plans, clones and tells ENOSYS where there is nothing to do instead', async () => {
      const base = writeTree(freshDir(), {
        'src/a': 'a',
        'src/d/b': 'b',
        'src/l': { symlink: 'a' },
      })
      const told = await without<Record<string, unknown>>(`
        const { merge, planMerge, sharedBytes, probe } = require(${library('index.ts')})
        const base = ${JSON.stringify(base)}
        const sources = [{ name: 'p', dir: base + '/src' }]
        ;(async () => {
          const plan = await planMerge(sources, base + '/dest')
          const result = await merge(sources, base + '/dest')
          const again = await merge(sources, base + '/dest')
          const shared = await sharedBytes(base + '/src/a', base + '/dest/a').catch((error) => error)
          const probed = await probe(base + '/src', base + '/dest')
          console.log(JSON.stringify({
            files: plan.files, created: result.created, unchanged: again.unchanged,
            containment: result.containment, locking: again.locking,
            shared: [shared.code, shared.errno, shared.syscall, shared.path],
            probed: Object.values(probed.linkModes).map(({ works }) => works) }))
        })()`)
      assert.deepEqual(told, {
        ...{ files: 2, created: 3, unchanged: 3 },
        ...{ containment: 'best-effort', locking: 'degraded' },
        shared: ['ENOSYS', -errno.ENOSYS, 'fiemap', path.join(base, 'src/a')],
        probed: [false, true, true, true],
      })
      assertTree(path.join(base, 'dest'), path.join(base, 'src'))
    })

    describeOn(['btrfs'], (volume) => {
      it('clones strictly with what Node has, and never touches an existing file', async function () {
        if (process.platform !== 'linux')
          await orSkip(this, Promise.reject(new Unrunnable('needs Linux')))
        const dir = writeTree(volume.fresh(), {
          a: { data: Buffer.alloc(16_384, 'a'), mode: 0o640 },
          taken: 'old',
        })
        const told = await without<unknown[]>(`
          const { cloneFile, cloneFileSync } = require(${library('index.ts')})
          const dir = ${JSON.stringify(dir)}
          const tell = ({ code, errno, syscall, path, dest }) => ({ code, errno, syscall, path, dest })
          ;(async () => {
            await cloneFile(dir + '/a', dir + '/b')
            cloneFileSync(dir + '/a', dir + '/c')
            const errors = [await cloneFile(dir + '/a', dir + '/taken').catch(tell)]
            try { cloneFileSync(dir + '/a', dir + '/taken') } catch (error) { errors.push(tell(error)) }
            console.log(JSON.stringify(errors))
          })()`)
        const error = { code: 'EEXIST', errno: -errno.EEXIST, syscall: 'open' }
        const paths = { path: path.join(dir, 'a'), dest: path.join(dir, 'taken') }
        assert.deepEqual(told, Array(2).fill({ ...error, ...paths }))
        assert.equal(fs.readFileSync(path.join(dir, 'taken'), 'utf8'), 'old')
        const pairs = ['b', 'c'].map((name) => [path.join(dir, 'a'), path.join(dir, name)] as const)
        assert.deepEqual(await sharingOf(pairs), ['shared', 'shared'])
      })
    })
  })
})
