import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import {
  cloneNeverHere,
  cloneNotThisFile,
  errno,
  linkNeverHere,
  linkNotThisFile,
  symlinkNotHere,
} from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { mergeOn } from '../../lib/merge'
import type { LinkMode, MergeResult } from '../../lib/types'
import { describeOn } from '../support/describe-on'
import { codeOf, failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import type { ScriptedCall } from '../support/scripted-host'
import { cloningEverywhere, recordingHost } from '../support/scripts'
import { assertTree } from '../support/snapshot'
import { writeTree } from '../support/tree'

const names = ['a', 'b', 'sub/c', 'sub/d', 'sub/e']
const syscalls: Partial<Record<LinkMode, string>> = {
  clone: 'ficlone',
  hardlink: 'link',
  symlink: 'symlink',
}
const none: Record<LinkMode, number> = { clone: 0, hardlink: 0, copy: 0, symlink: 0 }

/** Not one file of dest is reached by it. */
const is = (call: ScriptedCall, name: string): boolean =>
  call.from?.endsWith(`/src/${name}`) === true

describe('link modes', () => {
  let base = ''
  let dest = ''

  beforeEach(() => {
    base = freshDir()
    dest = path.join(base, 'dest')
    writeTree(path.join(base, 'src'), Object.fromEntries(names.map((name) => [name, name])))
  })

  const merge = (host: Host, linkModes: readonly LinkMode[]): Promise<MergeResult> =>
    mergeOn(host, [{ name: 'p', dir: path.join(base, 'src') }], dest, { linkModes })

  /** Every file is there, and the fallbacks are as told: code → how many files. */
  function assertPlaced(
    result: MergeResult,
    linkModes: Partial<Record<LinkMode, number>>,
    fallbacks: readonly object[],
  ): void {
    assert.deepEqual(result.linkModes, { ...none, ...linkModes })
    assert.deepEqual(result.fallbacks, fallbacks)
    assert.deepEqual(fs.readdirSync(base).sort(), ['dest', 'src'])
    if (result.linkModes.symlink === 0) assertTree(dest, path.join(base, 'src'))
  }

  const fallback = (
    from: LinkMode,
    to: LinkMode,
    number: number,
    name: string,
    files: number,
  ): object => ({
    ...{ from, to, code: codeOf(number), errno: -number, syscall: syscalls[from] },
    ...{ path: path.join(base, 'src', name), dest: path.join(dest, name), files },
  })

  for (const [mode, never, perFile] of [
    ['clone', cloneNeverHere, cloneNotThisFile],
    ['hardlink', linkNeverHere, linkNotThisFile],
  ] as const) {
    const syscall = syscalls[mode] ?? ''

    describe(mode, () => {
      for (const number of never)
        it(`is tried once and retired for ${codeOf(number)}`, async () => {
          const { host, count } = recordingHost(cloningEverywhere(defaultHost), ({ operation }) =>
            operation === mode ? { errno: number, syscall } : undefined,
          )
          const result = await merge(host, [mode, 'copy'])
          assert.equal(count(mode), 1)
          assertPlaced(result, { copy: 5 }, [fallback(mode, 'copy', number, 'a', 5)])
        })

      for (const number of perFile) {
        it(`is left for one file alone for ${codeOf(number)}`, async () => {
          const { host, count } = recordingHost(cloningEverywhere(defaultHost), (call) =>
            call.operation === mode && is(call, 'sub/d') ? { errno: number, syscall } : undefined,
          )
          const result = await merge(host, [mode, 'copy'])
          // One for the try, then each file once.
          assert.equal(count(mode), 1 + names.length)
          assert.equal(count('copy'), 1)
          assertPlaced(result, { [mode]: 4, copy: 1 }, [fallback(mode, 'copy', number, 'sub/d', 1)])
        })

        it(`goes on for others when the file tried first answers ${codeOf(number)}`, async () => {
          const { host } = recordingHost(cloningEverywhere(defaultHost), (call) =>
            call.operation === mode && is(call, 'a') ? { errno: number, syscall } : undefined,
          )
          const result = await merge(host, [mode, 'copy'])
          assertPlaced(result, { [mode]: 4, copy: 1 }, [fallback(mode, 'copy', number, 'a', 1)])
        })

        it(`may be refused to every file by ${codeOf(number)}`, async () => {
          const { host } = recordingHost(cloningEverywhere(defaultHost), ({ operation }) =>
            operation === mode ? { errno: number, syscall } : undefined,
          )
          const result = await merge(host, [mode, 'copy'])
          assertPlaced(result, { copy: 5 }, [fallback(mode, 'copy', number, 'a', 5)])
        })
      }

      for (const number of new Set([...never, ...perFile]))
        it(`fails for ${codeOf(number)} of another call than ${syscall}`, async () => {
          const { host, count } = recordingHost(defaultHost, ({ operation }) =>
            operation === mode ? { errno: number, syscall: 'open' } : undefined,
          )
          const error = await failureOf(merge(host, [mode, 'copy']))
          assert.deepEqual([error.code, error.syscall], [codeOf(number), 'open'])
          assert.equal(count('copy'), 0)
          assert.deepEqual(fs.readdirSync(base), ['src'])
        })

      for (const code of ['ENAMETOOLONG', 'ELOOP', 'ENOENT', 'EFBIG', 'EISDIR'] as const)
        it(`fails for ${code}, which no rule tells to fall back from`, async () => {
          const { host, count } = recordingHost(defaultHost, ({ operation }) =>
            operation === mode ? { errno: errno[code], syscall } : undefined,
          )
          const error = await failureOf(merge(host, [mode, 'copy']))
          assert.deepEqual([error.code, error.syscall], [code, syscall])
          assert.equal(count('copy'), 0)
        })
    })
  }

  describe('symlink', () => {
    for (const number of symlinkNotHere)
      it(`falls back for ${codeOf(number)}`, async () => {
        const { host } = recordingHost(defaultHost, ({ operation }) =>
          operation === 'symlink' ? { errno: number, syscall: 'symlink' } : undefined,
        )
        const result = await merge(host, ['symlink', 'copy'])
        assertPlaced(result, { copy: 5 }, [fallback('symlink', 'copy', number, 'a', 5)])
      })

    for (const code of ['EIO', 'ENOSPC', 'EROFS', 'EACCES', 'ENAMETOOLONG'] as const)
      it(`fails for ${code}`, async () => {
        const { host, count } = recordingHost(defaultHost, ({ operation }) =>
          operation === 'symlink' ? { errno: errno[code], syscall: 'symlink' } : undefined,
        )
        const error = await failureOf(merge(host, ['symlink', 'copy']))
        assert.equal(error.code, code)
        assert.equal(count('copy'), 0)
      })

    it('links each file to its place in the source', async () => {
      const result = await merge(defaultHost, ['symlink'])
      assert.deepEqual(result.linkModes, { ...none, symlink: 5 })
      for (const name of names)
        assert.equal(fs.readlinkSync(path.join(dest, name)), path.join(base, 'src', name))
    })

    it("makes a source's own symlinks by the same call, and never falls back for them", async () => {
      writeTree(path.join(base, 'src'), { link: { symlink: 'a' } })
      const { host } = recordingHost(defaultHost, ({ operation }) =>
        operation === 'symlink' ? { errno: errno.EPERM, syscall: 'symlink' } : undefined,
      )
      const error = await failureOf(merge(host, ['copy']))
      assert.deepEqual(
        [error.code, error.syscall, error.path, error.dest, error.source],
        ['EPERM', 'symlink', path.join(base, 'src/link'), path.join(dest, 'link'), 'p'],
      )
      assert.deepEqual(fs.readdirSync(base), ['src'])
    })
  })

  describe('a mode that works', () => {
    for (const mode of ['clone', 'hardlink', 'copy'] as const)
      it(`${mode}: takes every file, the others are not tried`, async () => {
        const others = (['clone', 'hardlink', 'copy', 'symlink'] as const).filter(
          (each) => each !== mode,
        )
        const { host, count } = recordingHost(cloningEverywhere(defaultHost))
        const result = await merge(host, [mode, ...others])
        assertPlaced(result, { [mode]: 5 }, [])
        for (const other of others) assert.equal(count(other), 0)
      })
  })

  describe('files that must be their own', () => {
    const own = async (host: Host, linkModes: LinkMode[]): Promise<MergeResult> =>
      mergeOn(host, [{ name: 'p', dir: path.join(base, 'src') }], dest, {
        linkModes,
        mutable: (each) => each.startsWith('sub/'),
      })

    it('are cloned or copied, whatever stands first', async () => {
      const { host } = recordingHost(cloningEverywhere(defaultHost))
      const result = await own(host, ['hardlink', 'symlink', 'clone', 'copy'])
      assertPlaced(result, { hardlink: 2, clone: 3 }, [])
    })

    it('are copied where the caller allows links only', async () => {
      for (const linkModes of [['hardlink'], ['hardlink', 'symlink']] as const) {
        fs.rmSync(dest, { recursive: true, force: true })
        assertPlaced(await own(defaultHost, [...linkModes]), { hardlink: 2, copy: 3 }, [])
      }
    })

    it('need no link that cannot be made', async () => {
      const { host } = recordingHost(defaultHost, ({ operation }) =>
        operation === 'hardlink' ? { errno: errno.EXDEV, syscall: 'link' } : undefined,
      )
      const sources = [{ name: 'p', dir: path.join(base, 'src') }]
      const options = { linkModes: 'hardlink', mutable: () => true } as const
      assertPlaced(await mergeOn(host, sources, dest, options), { copy: 5 }, [])
    })
  })

  describeOn(['btrfs'], (volume) => {
    it('is retired for one pair of file systems, not for the other', async () => {
      const far = writeTree(path.join(volume.fresh(), 'far'), { 'far/x': 'x', 'far/y': 'y' })
      const { host, calls } = recordingHost(cloningEverywhere(defaultHost), (call) =>
        call.operation === 'clone' && call.from?.startsWith(far) === true
          ? { errno: errno.EXDEV, syscall: 'ficlone' }
          : undefined,
      )
      const sources = [
        { name: 'near', dir: path.join(base, 'src') },
        { name: 'far', dir: far },
      ]
      const result = await mergeOn(host, sources, dest)
      assert.deepEqual(result.linkModes, { ...none, clone: 5, copy: 2 })
      assert.deepEqual(
        result.fallbacks.map(({ code, path: at, files }) => [code, at, files]),
        [['EXDEV', path.join(far, 'far/x'), 2]],
      )
      const asked = calls.filter(
        ({ operation, from }) => operation === 'clone' && from?.startsWith(far),
      )
      assert.equal(asked.length, 1)
    })

    it('links of two file systems fall back for real: EXDEV', async () => {
      const elsewhere = path.join(volume.fresh(), 'dest')
      const sources = [{ name: 'p', dir: path.join(base, 'src') }]
      const options = { linkModes: ['hardlink', 'clone', 'copy'] } as const
      const result = await mergeOn(defaultHost, sources, elsewhere, options)
      assert.deepEqual(result.linkModes, { ...none, copy: 5 })
      assert.deepEqual(
        result.fallbacks.map(({ from, to, code, syscall, files }) => [
          from,
          to,
          code,
          syscall,
          files,
        ]),
        [
          ['clone', 'copy', 'EXDEV', 'ficlone', 5],
          ['hardlink', 'clone', 'EXDEV', 'link', 5],
        ],
      )
      assertTree(elsewhere, path.join(base, 'src'))
    })
  })
})
