import assert from 'node:assert/strict'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import type { Host } from '../lib/host/host'
import { openMerge } from '../lib/index'
import type { LinkMode, MergeOptions, Source } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { Session } from '../lib/session'
import { failureOf, type Failure } from './support/failure'
import { freshDir } from './support/fresh'
import { scriptedHost, type Operation } from './support/scripted-host'
import { cloningEverywhere, failWith } from './support/scripts'
import { merged, openIn, permutationsOf, reportOf, stagingIn, stored } from './support/session'
import { assertTree, digest } from './support/snapshot'
import { writeTree } from './support/tree'

/** All that an error tells of what failed. */
function toldBy({ code, errno, syscall, path: at, dest, source, message }: Failure): object {
  return { code, errno, syscall, path: at, dest, source, message }
}

describe('a merge session fails as merge() does', function () {
  let base: string
  let parent: string
  let dest: string
  let before: string
  beforeEach(() => {
    base = freshDir()
    parent = path.join(base, 'parent')
    dest = path.join(parent, 'dest')
    writeTree(parent, { own: 'own' })
    before = digest(parent)
  })

  /** Nothing is changed, left open or left behind. */
  const assertUntouched = (when?: string): void => {
    assert.equal(digest(parent), before, when)
    assert.deepEqual(openIn(base), [], when)
  }

  describe('where a file cannot be placed', () => {
    const system = cloningEverywhere(defaultHost)

    /** Fails that operation for `l/f`. */
    const failing = (
      operation: Operation,
      code: Parameters<typeof failWith>[0],
      syscall: string,
    ): { host: Host; failed: () => number } => {
      let failed = 0
      const host = scriptedHost(system, ({ operation: asked, from = '' }) => {
        if (asked !== operation || !from.endsWith('/store/l/f')) return undefined
        failed++
        return failWith(code, syscall)
      })
      return { host, failed: () => failed }
    }

    const packages = { w: { f: 'of w' }, l: { f: 'of l', own: 'own' } }

    const cases: readonly (readonly [LinkMode, 'EINVAL' | 'EACCES' | 'EPERM', string])[] = [
      ['clone', 'EINVAL', 'ficlone'],
      ['clone', 'EACCES', 'open'],
      ['hardlink', 'EPERM', 'link'],
      ['copy', 'EACCES', 'open'],
    ]
    for (const [linkModes, code, syscall] of cases) {
      for (const arriving of [
        ['w', 'l'],
        ['l', 'w'],
      ])
        it(`for ${code} of ${syscall} (${linkModes}) and is not wanted in the end: nothing fails, arriving as ${arriving.join(', ')}`, async () => {
          const sources = stored(base, packages)
          const { host, failed } = failing(linkModes, code, syscall)
          const all: MergeOptions = { linkModes, conflicts: 'first' }
          const session = await Session.open(host, dest, all)
          for (const name of arriving) {
            const rank = sources.findIndex((source) => source.name === name)
            await session.add(sources[rank] as Source, { rank })
          }
          assert.ok(failed() > 0)
          const result = await session.commit()
          const spec = { f: 'of w', own: 'own' }
          assertTree(dest, writeTree(path.join(base, 'hand-made'), spec))
          const expected = await merged(host, sources, dest, all)
          assert.deepEqual(reportOf(result, dest), expected.report)
          assert.deepEqual(stagingIn(parent, dest), [])
          assert.deepEqual(openIn(base), [])
        })

      it(`for ${code} of ${syscall} (${linkModes}) and is wanted: commit() alone rejects, and with the same error`, async () => {
        const sources = stored(base, packages)
        const { host, failed } = failing(linkModes, code, syscall)
        const all: MergeOptions = { linkModes, conflicts: 'last' }
        const expected = await failureOf(mergeOn(host, sources, dest, all))
        assertUntouched()
        const inMerge = failed()
        const session = await Session.open(host, dest, all)
        for (const source of sources) await session.add(source)
        assert.ok(failed() > inMerge)
        const error = await failureOf(session.commit())
        assert.deepEqual(toldBy(error), toldBy(expected))
        assert.deepEqual([error.code, error.syscall, error.source], [code, syscall, 'l'])
        assert.equal(error.path, path.join(sources[1]?.dir ?? '', 'f'))
        assert.equal(error.dest, path.join(dest, 'f'))
        assertUntouched()
      })
    }

    for (const code of ['EIO', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EROFS'] as const)
      it(`for ${code}: add() and commit() reject with it, though the file is not wanted in the end`, async () => {
        const sources = stored(base, packages)
        const { host } = failing('copy', code, 'write')
        const session = await Session.open(host, dest, { linkModes: 'copy', conflicts: 'first' })
        const [w, l] = sources as [Source, Source]
        await session.add(w)
        const error = await failureOf(session.add(l))
        assert.deepEqual([error.code, error.syscall, error.source], [code, 'write', 'l'])
        assert.equal(await failureOf(session.commit()), error)
        assertUntouched()
      })
  })

  describe('with all that failed', () => {
    /**
     * Adds them at once and commits; they fail in the order `failing`, each once the one before has. Answers what
     * commit() and each add() reject with.
     */
    const failed = async (
      arriving: readonly { source: Source; rank: number }[],
      failing: readonly string[],
    ): Promise<{ error: Failure; added: Map<string, unknown> }> => {
      const adding = new Map<string, Promise<void>>()
      const host = scriptedHost(defaultHost, async ({ operation, path: at }) => {
        const turn = operation === 'list' ? failing.indexOf(path.basename(at)) : -1
        await adding.get(failing[turn - 1] ?? '')
        return undefined
      })
      const session = await Session.open(host, dest, { concurrency: 8 })
      const added = new Map<string, unknown>()
      for (const { source, rank } of arriving) {
        const note = (error: unknown): void => void added.set(source.name, error)
        adding.set(source.name, session.add(source, { rank }).catch(note))
      }
      const error = await failureOf(session.commit())
      await Promise.all(adding.values())
      return { error, added }
    }

    it('in the order of the ranks, whichever came and failed first', async () => {
      const [good] = stored(base, { good: { x: 'x' } }) as [Source]
      const missing = (name: string): Source => ({ name, dir: path.join(base, name) })
      // By name where the rank is the same.
      const ranked = [
        { source: missing('c'), rank: -1 },
        { source: good, rank: 0 },
        { source: missing('a'), rank: 1 },
        { source: missing('b'), rank: 1 },
        { source: missing('d'), rank: Infinity },
      ]
      const expected = ['c', 'a', 'b', 'd']
      const orders = permutationsOf(ranked)
      for (const [index, arriving] of orders.entries()) {
        const failing = (orders[(index * 7) % orders.length] ?? [])
          .map(({ source }) => source.name)
          .filter((name) => name !== 'good')
        const { error, added } = await failed(arriving, failing)
        const order = arriving.map(({ source }) => source.name)
        const when = `arriving as ${order.join(', ')}, failing as ${failing.join(', ')}`
        assert.deepEqual([...added.keys()], failing, when)
        assert.equal(error, added.get('c'), when)
        const { errors = [] } = error
        assert.equal(errors.length, expected.length, when)
        expected.forEach((name, at) => {
          assert.equal(errors[at], added.get(name), when)
        })
        assert.deepEqual(
          errors.map(({ code, path: at }) => [code, at]),
          expected.map((name) => ['ENOENT', path.join(base, name)]),
          when,
        )
        assertUntouched(when)
      }
    })

    it('where two have bad names: both are told', async () => {
      const sources = stored(base, {
        one: { 'ns/back\\slash': '', x: 'x' },
        good: { y: 'y' },
        two: { 'back\\slash': '', 'ns/\\': '' },
      })
      const ranked = sources.map((source, rank) => ({ source, rank }))
      // What one merge() tells in a single error.
      const all = await failureOf(mergeOn(defaultHost, sources, dest))
      for (const failing of permutationsOf(['one', 'two'])) {
        const { error } = await failed([...ranked].reverse(), failing)
        const { errors = [] } = error
        assert.equal(errors[0], error)
        assert.deepEqual(
          errors.map(({ code }) => code),
          ['ERR_MERGE_INVALID_PATH', 'ERR_MERGE_INVALID_PATH'],
        )
        const paths = errors.map((each) => each.paths ?? [])
        assert.deepEqual(
          paths.map((own) => own.length),
          [1, 2],
        )
        assert.deepEqual(paths.flat(), all.paths)
        assertUntouched()
      }
    })

    it('where only one failed: its error, and no list', async () => {
      const session = await openMerge(dest)
      const adding = session.add({ name: 'missing', dir: path.join(base, 'missing') })
      const error = await failureOf(adding)
      assert.equal(await failureOf(session.commit()), error)
      assert.equal('errors' in error, false)
    })
  })

  describe("by the caller's signal, and cannot remove what it staged", () => {
    const failing = scriptedHost(defaultHost, ({ operation }) =>
      operation === 'rmdir' ? failWith('EIO', 'rmdir') : undefined,
    )

    /** What commit() rejects with, asked `times` times. */
    const given = async (reason: unknown, times: number): Promise<unknown[]> => {
      const controller = new AbortController()
      const session = await Session.open(failing, dest, { signal: controller.signal })
      for (const source of stored(freshDir(), { a: { 'ns/a': 'a' } })) await session.add(source)
      controller.abort(reason)
      const ended: unknown[] = []
      for (let at = 0; at < times; at++) {
        const ending = session.commit().then(
          (result) => assert.fail(JSON.stringify(result)),
          (error: unknown) => error,
        )
        ended.push(await ending)
      }
      assert.deepEqual(openIn(base), [])
      return ended
    }

    it('commit() rejects with the reason, and tells that failure too', async () => {
      const reason = new Error('no longer wanted')
      const ended = await given(reason, 2)
      assert.equal(ended[0], reason)
      assert.equal(ended[1], reason)
      const { errors = [] } = reason as Failure
      assert.equal(errors.length, 2)
      assert.equal(errors[0], reason)
      assert.deepEqual([errors[1]?.code, errors[1]?.syscall], ['EIO', 'rmdir'])
      const [left] = stagingIn(parent)
      assert.ok(errors[1]?.path?.startsWith(path.join(parent, left ?? 'none')))
    })

    it('as an AbortError, where the caller gave none', async () => {
      const [error] = (await given(undefined, 1)) as [Failure]
      assert.ok(error instanceof DOMException)
      assert.equal(error.name, 'AbortError')
      assert.equal((error as Failure).errors?.[1]?.code, 'EIO')
    })

    it('commit() rejects with a reason that can hold nothing more', async () => {
      const frozen = Object.freeze(new Error('frozen'))
      for (const reason of ['a string', 0, null, frozen]) {
        const [ended] = await given(reason, 1)
        assert.equal(ended, reason)
      }
    })
  })
})
