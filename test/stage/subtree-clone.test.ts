import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import type { MergeOptions, MergeResult, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { clonefileHost, type Clones, type ClonefileHooks } from '../support/clonefile-host'
import { describeOn } from '../support/describe-on'
import { scriptedHost } from '../support/scripted-host'
import { placing, reportOf, staged, stagingIn, stored } from '../support/session'
import { assertTree, snapshot } from '../support/snapshot'
import { packageStore } from '../support/store'
import { writeTree, type TreeSpec } from '../support/tree'

const plainHost: Host = { ...defaultHost, cloneDirectory: undefined }

const library: TreeSpec = {
  'lib/a.js': 'a',
  'lib/deep/b.js': { data: 'b', mode: 0o755 },
  'lib/deep/link': { symlink: 'b.js' },
  'lib/empty/': {},
}

describe('a directory that one source alone provides, on a system that clones directories,', () => {
  describeOn(['btrfs', 'xfs'], (volume) => {
    let base = ''
    let dest = ''

    beforeEach(() => {
      base = volume.fresh()
      dest = path.join(base, 'dest')
    })

    /** Merges; what the report says must not depend on how directories were cloned. */
    async function mergeWith(
      sources: readonly Source[],
      options: MergeOptions = {},
      hooks: ClonefileHooks = {},
    ): Promise<{ clones: Clones; result: MergeResult }> {
      const host = clonefileHost(plainHost, hooks)
      const result = await mergeOn(host, sources, dest, options)
      assert.deepEqual(stagingIn(base, dest), [])
      return { clones: host.clones, result }
    }

    /** As `mergeWith`; the tree and the report must be those of a merge that clones each file. */
    async function mergeAlike(
      sources: readonly Source[],
      options: MergeOptions = {},
      hooks: ClonefileHooks = {},
    ): Promise<Clones> {
      const { clones, result } = await mergeWith(sources, options, hooks)
      const expected = path.join(base, 'expected')
      const other = await mergeOn(plainHost, sources, expected, options)
      assert.deepEqual(reportOf(result, dest), reportOf(other, expected))
      assert.deepEqual(snapshot(dest), snapshot(expected))
      return clones
    }

    it('is cloned by one call, with the tree and the report of cloning each file', async () => {
      const [source] = stored(base, { a: { ...library, 'top.js': 'top', 'bin/': {} } })
      assert.ok(source)
      const calls: string[] = []
      const host = scriptedHost(clonefileHost(plainHost), ({ operation, path: made }) => {
        if (placing.has(operation) || operation === 'cloneDirectory') {
          calls.push(`${operation} ${path.basename(made)}`)
        }
        return undefined
      })
      const result = await mergeOn(host, [source], dest)
      // The file beside it is tried first, then cloned.
      assert.deepEqual(calls, ['cloneDirectory clone-0', 'clone try', 'clone top.js'])
      assert.deepEqual(result.linkModes, { clone: 3, hardlink: 0, copy: 0, symlink: 0 })
      assert.equal(result.created, 4)
      assert.deepEqual(snapshot(dest), snapshot(source.dir))
    })

    it('is found at every depth, and below directories that several share', async () => {
      const { packages } = packageStore(path.join(base, 'store'), { seed: 7, count: 12 })
      assert.deepEqual(await mergeAlike(packages), { made: 12, used: 12 })
      const shared = stored(path.join(base, 'more'), {
        one: { 'ns/one/lib/x': '1', 'ns/same': 's' },
        two: { 'ns/two/lib/y': '2', 'ns/same': 's' },
      })
      fs.rmSync(path.join(base, 'expected'), { recursive: true })
      fs.rmSync(dest, { recursive: true })
      assert.deepEqual(await mergeAlike(shared), { made: 2, used: 2 })
    })

    it('is cloned into a dest that is there, beside what it holds', async () => {
      writeTree(dest, { 'pkg/own.txt': 'own' })
      writeTree(path.join(base, 'expected'), { 'pkg/own.txt': 'own' })
      const [source] = stored(base, { a: library })
      assert.deepEqual(await mergeAlike([{ ...(source as Source), to: 'pkg' }]), {
        made: 1,
        used: 1,
      })
    })

    it('is cloned once by a session, and moved', async () => {
      const sources = stored(base, { a: { ...library, 'top.js': 't' }, b: { 'other/c.js': 'c' } })
      const host = clonefileHost(plainHost)
      const session = await staged(host, sources, dest)
      assert.deepEqual(host.clones, { made: 2, used: 2 })
      const result = await session.commit()
      assert.deepEqual(host.clones, { made: 2, used: 2 })
      assert.equal(result.linkModes.clone, 4)
      const expected = path.join(base, 'expected')
      await mergeOn(plainHost, sources, expected)
      assertTree(dest, expected)
    })

    const notCloned: Record<string, { options?: MergeOptions; spec?: TreeSpec }> = {
      'directoryClone: false': { options: { directoryClone: false } },
      "quarantine: 'drop'": { options: { quarantine: 'drop' } },
      'another link mode first': { options: { linkModes: ['hardlink', 'clone'] } },
      'a file that gets u+w': {
        options: { writable: true },
        spec: { 'lib/read-only': { data: 'r', mode: 0o444 } },
      },
      'a file with set-user-ID': { spec: { 'lib/setuid': { data: 's', mode: 0o4755 } } },
      'a directory that its owner may not write': { spec: { 'lib/': { mode: 0o555 } } },
    }
    for (const [what, { options = {}, spec = {} }] of Object.entries(notCloned)) {
      it(`is not cloned as one with ${what}`, async () => {
        const sources = stored(base, { a: { ...spec, 'lib/x.js': 'x' } })
        assert.equal((await mergeAlike(sources, options)).made, 0)
      })
    }

    it("is cloned file by file with quarantine: 'drop', and the system is told to drop it", async () => {
      const sources = stored(base, { a: library })
      const told = new Set<boolean | undefined>()
      const host: Host = {
        ...clonefileHost(plainHost),
        clone: (jobs, options) => {
          told.add(options.dropQuarantine)
          return plainHost.clone(jobs, options)
        },
      }
      await mergeOn(host, sources, dest, { quarantine: 'drop' })
      assert.deepEqual([...told], [true])
    })

    it('is not cloned as one where the filter leaves something out, but what is below it is', async () => {
      const [source] = stored(base, { a: library })
      const filter = (name: string): boolean => name !== 'lib/a.js'
      const clones = await mergeAlike([{ ...(source as Source), filter }])
      assert.deepEqual(clones, { made: 1, used: 1 })
      assert.deepEqual(fs.readdirSync(path.join(dest, 'lib')), ['deep', 'empty'])
    })

    it('is not cloned as one where another source has a file in it', async () => {
      const sources = stored(base, { a: library, b: { 'lib/deep/c.js': 'c' } })
      assert.equal((await mergeAlike(sources)).made, 0)
    })

    it('loses what came into it after the scan', async () => {
      const sources = stored(base, { a: library })
      const intruders: TreeSpec = { 'new.js': 'n', 'deep/new/': {}, 'deep/fifo': { fifo: true } }
      for (const entry of Object.entries(intruders)) {
        fs.rmSync(dest, { recursive: true, force: true })
        const { clones } = await mergeWith(
          sources,
          {},
          {
            before: (src) => {
              writeTree(src, Object.fromEntries([entry]))
              return undefined
            },
          },
        )
        assert.equal(clones.used, 0, entry[0])
        assertTree(dest, writeTree(path.join(volume.fresh(), 'wanted'), library))
        fs.rmSync(path.join(base, 'store'), { recursive: true })
        stored(base, { a: library })
      }
    })

    it('has the modes of the scan, where those of its files were changed since', async () => {
      const sources = stored(base, { a: library })
      const { clones } = await mergeWith(
        sources,
        {},
        {
          before: (src) => {
            fs.chmodSync(path.join(src, 'deep'), 0o2755)
            return undefined
          },
        },
      )
      assert.deepEqual(clones, { made: 1, used: 0 })
      assert.equal(fs.statSync(path.join(dest, 'lib/deep')).mode & 0o7777, 0o755)
    })

    it('is not followed, where it has become a symlink since', async () => {
      const sources = stored(base, { a: library })
      writeTree(base, { 'secret/a.js': 'secret' })
      const swap = (src: string): undefined => {
        fs.renameSync(src, `${src}-away`)
        fs.symlinkSync(path.join(base, 'secret'), src)
      }
      await assert.rejects(mergeWith(sources, {}, { before: swap }), { syscall: 'open' })
      assert.equal(fs.existsSync(dest), false)
      assert.deepEqual(stagingIn(base), [])
    })

    it('is reported as missing with the error of the scan of files, where it is gone', async () => {
      const sources = stored(base, { a: library })
      const remove = (src: string): undefined => {
        fs.rmSync(src, { recursive: true })
      }
      await assert.rejects(mergeWith(sources, {}, { before: remove }), { code: 'ENOENT' })
      assert.deepEqual(stagingIn(base), [])
    })

    for (const code of [
      'ENOTSUP',
      'EXDEV',
      'EINVAL',
      'EPERM',
      'EACCES',
      'EEXIST',
      'EINTR',
    ] as const) {
      it(`is cloned file by file after ${code}`, async () => {
        const sources = stored(base, { a: library, b: { 'other/c.js': 'c' } })
        const clones = await mergeAlike(sources, { concurrency: 1 }, { before: () => errno[code] })
        assert.deepEqual(clones, { made: 0, used: 0 })
      })
    }

    it('is not asked for again of a source and file system that answered ENOTSUP', async () => {
      const sources = stored(base, { a: { ...library, 'second/x': 'x', 'third/y': 'y' } })
      let asked = 0
      const refuse = (): number => {
        asked++
        return errno.ENOTSUP
      }
      await mergeWith(sources, { concurrency: 1 }, { before: refuse })
      assert.equal(asked, 1)
    })

    for (const code of ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ENOMEM'] as const) {
      it(`ends the merge with ${code}, and leaves nothing`, async () => {
        const sources = stored(base, { a: library })
        const merging = mergeWith(sources, {}, { before: () => errno[code] })
        await assert.rejects(merging, {
          code,
          syscall: 'clonefile',
          path: path.join(base, 'store/a/lib'),
          dest: path.join(dest, 'lib'),
          source: 'a',
        })
        assert.equal(fs.existsSync(dest), false)
        assert.deepEqual(stagingIn(base), [])
      })
    }

    it('ends the merge where its clone cannot be read for EIO', async () => {
      const sources = stored(base, { a: library })
      let looks = 0
      const host = scriptedHost(clonefileHost(plainHost), ({ operation, path: at }) => {
        // Once: the second look is to remove it.
        const isFirst = operation === 'list' && at.endsWith('clone-0/deep') && looks++ === 0
        return isFirst ? { errno: errno.EIO, syscall: 'scandir' } : undefined
      })
      await assert.rejects(mergeOn(host, sources, dest), { code: 'EIO', syscall: 'scandir' })
      assert.equal(fs.existsSync(dest), false)
      assert.deepEqual(stagingIn(base), [])
    })

    it('leaves nothing after an abort between two of them', async () => {
      const sources = stored(base, { a: library, b: { 'other/c.js': 'c' }, c: { 'third/d': 'd' } })
      const stop = new AbortController()
      const options = { concurrency: 1, signal: stop.signal }
      const after = (): void => {
        stop.abort(new Error('enough'))
      }
      await assert.rejects(mergeWith(sources, options, { after }), { message: 'enough' })
      assert.equal(fs.existsSync(dest), false)
      assert.deepEqual(stagingIn(base), [])
    })

    it('has directories as new as the merge, or with preserveTimestamps the times of the source', async () => {
      const [source] = stored(base, { a: library })
      const old = new Date(2001, 1, 1)
      const inSource = (name: string): string => path.join(source?.dir ?? '', name)
      for (const name of ['lib/deep/b.js', 'lib/deep', 'lib'])
        fs.utimesSync(inSource(name), old, old)
      const start = Date.now() - 1000
      await mergeWith([source as Source])
      for (const name of ['lib/deep', 'lib']) {
        assert.ok(fs.statSync(path.join(dest, name)).mtimeMs > start, name)
      }
      fs.rmSync(dest, { recursive: true })
      const { clones } = await mergeWith([source as Source], { preserveTimestamps: true })
      assert.deepEqual(clones, { made: 1, used: 1 })
      for (const name of ['lib/deep/b.js', 'lib/deep', 'lib']) {
        assert.equal(fs.statSync(path.join(dest, name)).mtimeMs, old.getTime(), name)
      }
    })

    it('is found unchanged by the same merge again', async () => {
      const sources = stored(base, { a: library })
      await mergeWith(sources)
      const { clones, result } = await mergeWith(sources)
      assert.equal(clones.made, 0)
      assert.equal(result.unchanged, 3)
      assert.equal(result.created, 0)
    })
  })

  describeOn(['ext4'], (volume) => {
    it('is copied where the file system cannot clone, with the reason of the files', async () => {
      const base = volume.fresh()
      const host = clonefileHost(plainHost)
      const sources = stored(base, { a: library })
      const { linkModes, fallbacks } = await mergeOn(host, sources, path.join(base, 'dest'))
      assert.equal(host.clones.made, 0)
      assert.deepEqual(linkModes, { clone: 0, hardlink: 0, copy: 2, symlink: 0 })
      assert.deepEqual(
        fallbacks.map(({ code, syscall, files }) => ({ code, syscall, files })),
        [{ code: 'EOPNOTSUPP', syscall: 'ficlone', files: 2 }],
      )
    })
  })
})
