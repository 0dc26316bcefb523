import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import { mergeOn } from '../../lib/merge'
import type { Fallback, LinkMode, MergeOptions, MergeResult, Source } from '../../lib/types'
import { failureOf, type Failure } from '../support/failure'
import { freshDir } from '../support/fresh'
import { randomFrom } from '../support/random'
import {
  scriptedHost,
  type Operation,
  type ScriptedCall,
  type Verdict,
} from '../support/scripted-host'
import { cloningEverywhere, failWith, recordingHost } from '../support/scripts'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

type Code = keyof typeof errno

const host = cloningEverywhere(defaultHost)

describe('fallbacks', () => {
  describe('a report of them', () => {
    const spec: TreeSpec = Object.fromEntries(
      Array.from({ length: 12 }, (_, directory) => directory).flatMap((directory) =>
        Array.from({ length: 9 }, (_, file) => [
          `d${String(directory % 4)}/e${String(directory)}/f${String(file)}`,
          `${String(directory)} ${String(file)}`,
        ]),
      ),
    )
    // By what the name ends in: why it is neither cloned nor linked.
    const refusals: Partial<Record<string, Partial<Record<Operation, Verdict>>>> = {
      1: { clone: failWith('EINVAL', 'ficlone') },
      3: { clone: failWith('EINVAL', 'ficlone'), hardlink: failWith('EMLINK', 'link') },
      4: { clone: failWith('EPERM', 'ficlone') },
      7: { clone: failWith('EAGAIN', 'ficlone'), hardlink: failWith('EPERM', 'link') },
    }

    async function reportOf(base: string, concurrency: number, seed: number): Promise<MergeResult> {
      const random = randomFrom(seed)
      const delayed = scriptedHost(host, async ({ operation, from = '' }) => {
        for (let turns = random.below(4); turns > 0; turns--) await turn()
        return refusals[from.slice(-1)]?.[operation]
      })
      const dest = path.join(base, 'dest')
      fs.rmSync(dest, { recursive: true, force: true })
      const sources = [{ name: 'p', dir: path.join(base, 'src') }]
      const linkModes: LinkMode[] = ['clone', 'hardlink', 'copy']
      return mergeOn(delayed, sources, dest, { linkModes, concurrency })
    }

    it('tells counts and the same examples, whatever the concurrency and timing', async () => {
      const base = freshDir()
      writeTree(path.join(base, 'src'), spec)
      const at = (tree: string, name: string): string => path.join(base, tree, 'd0/e0', name)
      const expected = (
        from: LinkMode,
        to: LinkMode,
        [code, syscall]: readonly [Code, string],
        name: string,
        files: number,
      ): Fallback => ({
        ...{ from, to, code, errno: -errno[code], syscall },
        ...{ path: at('src', name), dest: at('dest', name), files },
      })
      const fallbacks = [
        expected('clone', 'hardlink', ['EPERM', 'ficlone'], 'f4', 12),
        expected('clone', 'hardlink', ['EAGAIN', 'ficlone'], 'f7', 12),
        expected('clone', 'hardlink', ['EINVAL', 'ficlone'], 'f1', 24),
        expected('hardlink', 'copy', ['EPERM', 'link'], 'f7', 12),
        expected('hardlink', 'copy', ['EMLINK', 'link'], 'f3', 12),
      ]
      for (const [seed, concurrency] of [1, 2, 8, 64, 2, 8].entries()) {
        const { duration, ...result } = await reportOf(base, concurrency, seed)
        assert.ok(duration.total > 0)
        assert.deepEqual(result.linkModes, { clone: 60, hardlink: 24, copy: 24, symlink: 0 })
        const byKey = (a: Fallback, b: Fallback): number =>
          JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
        assert.deepEqual(result.fallbacks.toSorted(byKey), fallbacks.toSorted(byKey))
        assertTree(path.join(base, 'dest'), path.join(base, 'src'))
      }
    })

    it('is the same list in the same order', async () => {
      const base = freshDir()
      writeTree(path.join(base, 'src'), spec)
      const lists: string[] = []
      for (const [seed, concurrency] of [1, 2, 8, 64].entries()) {
        const result = await reportOf(base, concurrency, seed + 10)
        lists.push(JSON.stringify({ ...result, duration: undefined }))
      }
      assert.deepEqual(lists, Array(4).fill(lists[0]))
    })
  })

  describe('a chain of them', () => {
    const files = { a: 'a', 'd/b': 'b', 'd/c': 'c' }
    const merge = async (
      answer: (call: ScriptedCall) => Verdict,
      linkModes: LinkMode | readonly LinkMode[],
    ): Promise<{
      base: string
      result: Promise<MergeResult>
      count: (of: Operation) => number
    }> => {
      const base = freshDir()
      writeTree(path.join(base, 'src'), files)
      const recorded = recordingHost(defaultHost, answer)
      const sources = [{ name: 'p', dir: path.join(base, 'src') }]
      const result = mergeOn(recorded.host, sources, path.join(base, 'dest'), { linkModes })
      await result.catch(() => undefined)
      return { base, result, count: (operation) => recorded.count(operation) }
    }
    const steps = (fallbacks: readonly Fallback[]): string[] =>
      fallbacks.map(({ from, to, code, syscall, files: count, path: at }) =>
        [from, to, code, syscall, count, path.basename(at)].join(' '),
      )
    const refuse =
      (verdicts: Partial<Record<Operation, Verdict>>) =>
      ({ operation }: ScriptedCall): Verdict =>
        verdicts[operation]

    it('goes from clone to hardlink to copy, and tells both reasons', async () => {
      const { base, result, count } = await merge(
        refuse({ clone: failWith('EXDEV', 'ficlone'), hardlink: failWith('EXDEV', 'link') }),
        ['clone', 'hardlink', 'copy'],
      )
      const { fallbacks, linkModes } = await result
      assert.deepEqual(steps(fallbacks), [
        'clone hardlink EXDEV ficlone 3 a',
        'hardlink copy EXDEV link 3 a',
      ])
      assert.deepEqual(linkModes, { clone: 0, hardlink: 0, copy: 3, symlink: 0 })
      assert.deepEqual([count('clone'), count('hardlink'), count('copy')], [1, 1, 3])
      assertTree(path.join(base, 'dest'), path.join(base, 'src'))
    })

    it('keeps the order of the caller', async () => {
      const { result } = await merge(
        refuse({ clone: failWith('EXDEV', 'ficlone'), hardlink: failWith('ENOSYS', 'link') }),
        ['hardlink', 'clone', 'symlink', 'copy'],
      )
      const { fallbacks, linkModes } = await result
      assert.deepEqual(steps(fallbacks), [
        'clone symlink EXDEV ficlone 3 a',
        'hardlink clone ENOSYS link 3 a',
      ])
      assert.deepEqual(linkModes, { clone: 0, hardlink: 0, copy: 0, symlink: 3 })
    })

    it('ends in an error that tells the last reason and what to do, where no mode is left', async () => {
      const { base, result } = await merge(
        refuse({ clone: failWith('EOPNOTSUPP', 'ficlone'), hardlink: failWith('EXDEV', 'link') }),
        ['clone', 'hardlink'],
      )
      const error = await failureOf(result)
      const { code, errno: number, syscall, path: at, dest, source } = error
      assert.deepEqual(
        { code, number, syscall, at, dest, source },
        {
          ...{ code: 'EXDEV', number: -errno.EXDEV, syscall: 'link', source: 'p' },
          ...{ at: path.join(base, 'src/a'), dest: path.join(base, 'dest/a') },
        },
      )
      assert.match(error.message, /hard-linked/)
      assert.match(error.message, /add 'copy' to `linkModes`/)
      assert.deepEqual(fs.readdirSync(base), ['src'])
    })

    for (const linkModes of ['clone', ['clone']] as const)
      for (const code of ['EOPNOTSUPP', 'EXDEV', 'ENOTTY', 'ENOSYS', 'EINVAL', 'EPERM'] as const)
        it(`is none with ${JSON.stringify(linkModes)}: ${code} is an error that tells what to do`, async () => {
          const { base, result, count } = await merge(
            refuse({ clone: failWith(code, 'ficlone') }),
            linkModes,
          )
          const error = await failureOf(result)
          assert.deepEqual(
            [error.code, error.errno, error.syscall, error.source],
            [code, -errno[code], 'ficlone', 'p'],
          )
          const name = path.relative(path.join(base, 'src'), error.path ?? '')
          assert.ok(Object.hasOwn(files, name), name)
          assert.equal(error.dest, path.join(base, 'dest', name))
          assert.match(error.message, /cloned.*`linkModes` allows nothing else/)
          assert.equal(count('copy') + count('hardlink'), 0)
          assert.deepEqual(fs.readdirSync(base), ['src'])
        })
  })

  describe('never from', () => {
    /** Every operation has something to do. */
    const makeScene = (): { base: string; dest: string; sources: Source[] } => {
      const base = freshDir()
      const open = writeTree(path.join(base, 'one'), {
        'shared/same': 'same bytes',
        'new/deep/file': 'new',
        'new/link': { symlink: 'deep' },
        'closed/in': 'in',
        'closed/': { dir: true, mode: 0o555 },
        top: 'replaced',
        'big/file': 'x',
      })
      const two = writeTree(path.join(base, 'two'), { 'shared/same': 'same bytes' })
      const dest = writeTree(path.join(base, 'dest'), { top: 'old', 'shared/own': 'own' })
      fs.chmodSync(path.join(open, 'closed'), 0o555)
      const sources = [
        { name: 'one', dir: open },
        { name: 'two', dir: two },
      ]
      return { base, dest, sources }
    }

    const optionsFor = (operation: Operation): MergeOptions => ({
      existing: 'replace',
      preserveTimestamps: operation === 'copyTimes',
      linkModes:
        operation === 'hardlink'
          ? ['hardlink', 'copy']
          : operation === 'copy'
            ? ['copy']
            : ['clone', 'copy'],
    })

    /** The system calls that each operation is made of. */
    const syscallsOf: Partial<Record<Operation, readonly string[]>> = {
      open: ['open'],
      list: ['open', 'scandir', 'fstat', 'readlink'],
      stat: ['open', 'fstat', 'readlink'],
      compare: ['open', 'read'],
      clone: ['open', 'ficlone', 'chmod'],
      hardlink: ['open', 'link'],
      copy: ['open', 'read', 'write', 'copy_file_range', 'chmod', 'utimes'],
      symlink: ['open', 'symlink'],
      mkdir: ['mkdir', 'chmod'],
      chmod: ['open', 'chmod'],
      copyTimes: ['utimes'],
      rename: ['rename'],
    }

    /** Fails these calls, all of them or the first alone; what takes back and sweeps up works. */
    async function failureAt(
      operation: Operation,
      code: Code,
      syscall: string,
      onceOnly = false,
    ): Promise<{ error: Failure; first: ScriptedCall; base: string; calls: ScriptedCall[] }> {
      const { base, dest, sources } = makeScene()
      const before = snapshot(base)
      const hit: ScriptedCall[] = []
      const { host: failing, calls } = recordingHost(host, (call) => {
        const { from = '' } = call
        if (call.operation !== operation || (onceOnly && hit.length > 0)) return undefined
        // Links into old/ save what is replaced: they are of no link mode.
        if (operation === 'hardlink' && from.startsWith(dest)) return undefined
        if (operation === 'rename' && !from.includes('/new/')) return undefined
        // Merges that were killed are looked for by name.
        if (operation === 'stat' && call.path.includes('.reflink-merge-')) return undefined
        hit.push(call)
        return failWith(code, syscall)
      })
      const error = await failureOf(mergeOn(failing, sources, dest, optionsFor(operation)))
      assertTree(base, before)
      const [first] = hit
      assert.ok(first)
      return { error, first, base, calls }
    }

    for (const code of ['EIO', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EROFS'] as const)
      describe(code, () => {
        for (const [operation, syscalls] of Object.entries(syscallsOf) as [Operation, string[]][])
          for (const syscall of syscalls)
            it(`of ${syscall} in ${operation}`, async () => {
              const { error, first, base, calls } = await failureAt(operation, code, syscall)
              assert.equal(error.code, code)
              assert.equal(error.errno, -errno[code])
              assert.equal(error.syscall, syscall)
              assert.match(error.message, new RegExp(`^${code}: .+, ${syscall} '`))
              const modes: readonly Operation[] = ['clone', 'hardlink', 'copy']
              if (modes.includes(operation)) {
                // The path in dest that the file was for, not the one in the staging directory.
                const name = path.relative(path.join(base, 'one'), error.path ?? '')
                assert.equal(error.dest, path.join(base, 'dest', name))
                assert.equal(error.source, 'one')
                const others = calls.filter(({ operation: other, from }) => {
                  const ofLinkMode = modes.includes(other) && from?.startsWith(`${base}/one`)
                  return other !== operation && ofLinkMode
                })
                assert.deepEqual(others, [])
              } else if (operation === 'symlink' || operation === 'copyTimes') {
                assert.deepEqual(
                  [error.path, error.dest, error.source],
                  [`${base}/one/new/link`, `${base}/dest/new/link`, 'one'],
                )
              } else if (operation === 'compare') {
                assert.deepEqual(
                  [error.path, error.dest],
                  [`${base}/one/shared/same`, `${base}/two/shared/same`],
                )
              } else if (operation === 'rename') {
                assert.deepEqual([error.path, error.dest], [first.from, first.path])
              } else if (operation === 'list') {
                assert.equal(error.path, first.path)
                assert.equal(error.source, path.basename(first.path))
              } else {
                assert.equal(error.path, first.path)
              }
            })
      })

    for (const code of ['EIO', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EROFS'] as const)
      for (const [operation, syscall] of [
        ['clone', 'ficlone'],
        ['clone', 'open'],
        ['hardlink', 'link'],
      ] as const)
        it(`${code} of ${syscall} in ${operation}, even if it comes once, at the very first try`, async () => {
          const { error } = await failureAt(operation, code, syscall, true)
          assert.deepEqual([error.code, error.syscall, error.source], [code, syscall, 'one'])
        })

    for (const [operation, codes, syscall] of [
      ['mkdir', ['EOPNOTSUPP', 'EXDEV', 'EINVAL', 'EPERM', 'EACCES', 'EMLINK'], 'mkdir'],
      ['clone', ['EACCES', 'EPERM', 'EINVAL', 'ETXTBSY', 'EBADF', 'ENOENT', 'ELOOP'], 'open'],
      ['clone', ['EPERM', 'EACCES', 'EINVAL', 'ENOSYS'], 'chmod'],
      ['hardlink', ['EACCES', 'EPERM', 'ENOENT', 'ELOOP'], 'open'],
      ['copy', ['EACCES', 'EPERM', 'EINVAL', 'EOPNOTSUPP', 'EXDEV', 'ENOSYS'], 'copy_file_range'],
      ['symlink', ['EACCES', 'EPERM', 'EOPNOTSUPP', 'ENOSYS'], 'open'],
    ] as const)
      for (const code of codes)
        it(`${code} of ${syscall} in ${operation}, which is a real error`, async () => {
          const { error, calls } = await failureAt(operation, code, syscall)
          assert.deepEqual([error.code, error.syscall], [code, syscall])
          if (operation !== 'copy')
            assert.equal(
              calls.some((call) => call.operation === 'copy'),
              false,
            )
        })
  })

  it('a name that is taken in the staging directory is told as a conflict of names', async () => {
    const base = freshDir()
    const dir = writeTree(path.join(base, 'src'), { 'd/readme': '1', 'd/README': '2' })
    const folding = scriptedHost(host, ({ operation, path: at }) =>
      operation === 'clone' && at.endsWith('/readme') ? failWith('EEXIST', 'open') : undefined,
    )
    const error = await failureOf(mergeOn(folding, [{ name: 'p', dir }], path.join(base, 'dest')))
    assert.equal(error.code, 'ERR_MERGE_CONFLICT')
    assert.deepEqual(error.conflicts, [
      { path: 'd/readme', kind: 'case', sources: ['p'], winner: null },
    ])
    assert.deepEqual(fs.readdirSync(base), ['src'])
  })
})
