import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import { openMerge } from '../lib/index'
import type { MergeOptions, Source, SourceOptions } from '../lib/index'
import { Session } from '../lib/session'
import { failureOf, type Failure } from './support/failure'
import { failpoints } from './support/failpoints'
import { freshDir } from './support/fresh'
import { scriptedHost, type Operation, type ScriptedCall } from './support/scripted-host'
import { cloningEverywhere, failWith } from './support/scripts'
import { openIn, stagingIn, stored } from './support/session'
import { assertTree, digest } from './support/snapshot'
import { writeTree, type TreeSpec } from './support/tree'

const packages: Readonly<Record<string, TreeSpec>> = {
  a: { 'ns/a': 'a', 'ns/same': 'same', 'a/b/c': 'c', 'ns/link': { symlink: 'a' } },
  b: { 'ns/b': 'b', 'ns/same': 'same', run: { data: 'run', mode: 0o755 } },
}
const held: TreeSpec = { 'ns/own': 'own', own: 'own' }

const union = Object.assign({}, held, ...Object.values(packages)) as TreeSpec

describe('a merge session that fails', function () {
  let base: string
  let parent: string
  let dest: string
  let sources: Source[]
  let before: string
  beforeEach(() => {
    base = freshDir()
    parent = path.join(base, 'parent')
    dest = path.join(parent, 'dest')
    sources = stored(base, packages)
    writeTree(dest, held)
    before = digest(parent)
  })

  /** dest is as it was, and nothing is left open or behind. */
  const assertUntouched = (when?: string): void => {
    assert.equal(digest(parent), before, when)
    assert.deepEqual(openIn(base), [], when)
  }

  describe('for a source that cannot be added', () => {
    const bad: Readonly<
      Record<string, readonly [Partial<SourceOptions>, TreeSpec | undefined, string]>
    > = {
      'that is missing': [{}, undefined, 'ENOENT'],
      'with a bad name': [{}, { 'ns/back\\slash': '' }, 'ERR_MERGE_INVALID_PATH'],
      'with a fifo': [{}, { 'ns/fifo': { fifo: true } }, 'ERR_MERGE_UNSUPPORTED_FILE'],
      'with a symlink that leads out': [
        ...([{}, { out: { symlink: '../../x' } }, 'ERR_MERGE_UNSUPPORTED_FILE'] as const),
      ],
      'that goes out of dest': [{ to: '../x' }, { x: '' }, 'ERR_MERGE_INVALID_PATH'],
      'that goes where dest stages': [
        ...([{ to: '.reflink-merge-x' }, { x: '' }, 'ERR_MERGE_INVALID_PATH'] as const),
      ],
      'with a filter that throws': [
        {
          filter: () => {
            throw Object.assign(new Error('thrown by a filter'), { code: 'THROWN' })
          },
        },
        ...([{ x: '' }, 'THROWN'] as const),
      ],
    }
    for (const [what, [also, spec, code]] of Object.entries(bad))
      for (const at of [0, 1, 2])
        it(`${what}, after ${String(at)} others, rejects both with the same error, and leaves dest as it was`, async () => {
          const dir = path.join(base, 'bad')
          if (spec !== undefined) writeTree(dir, spec)
          const session = await openMerge(dest)
          const added: Promise<unknown>[] = []
          const all: Source[] = sources.toSpliced(at, 0, { name: 'bad', dir, ...also })
          for (const source of all) {
            const adding = session.add(source)
            if (source.name === 'bad') added.unshift(adding)
            else added.push(adding)
          }
          const [adding, ...others] = added as [Promise<void>, ...Promise<void>[]]
          const error = await failureOf(adding)
          assert.equal(error.code, code)
          await Promise.all(others)
          assert.equal(await failureOf(session.commit()), error)
          assertUntouched()
          const late = session.add({ name: 'late', dir })
          assert.equal((await failureOf(late)).code, 'ERR_INVALID_STATE')
          assert.equal((await failureOf(session.commit())).code, 'ERR_INVALID_STATE')
          await session.abort()
        })

    it('that is a source in dest, or around it', async () => {
      for (const dir of [dest, path.join(dest, 'ns'), parent]) {
        const session = await openMerge(dest)
        const error = await failureOf(session.add({ name: 'bad', dir }))
        assert.equal(error.code, 'ERR_MERGE_INTO_SELF')
        assert.equal(await failureOf(session.commit()), error)
        assertUntouched()
      }
    })

    it('and commit() called before it is known: it rejects with the same error', async () => {
      const session = await openMerge(dest)
      const adding = session.add({ name: 'bad', dir: path.join(base, 'missing') })
      const committing = session.commit()
      const error = await failureOf(adding)
      assert.equal(await failureOf(committing), error)
      assertUntouched()
    })
  })

  describe('while it stages', () => {
    const placing: readonly (readonly [Operation, string, MergeOptions])[] = [
      ['clone', 'ficlone', { linkModes: 'clone' }],
      ['copy', 'write', { linkModes: 'copy' }],
      ['hardlink', 'link', { linkModes: 'hardlink' }],
      ['symlink', 'symlink', { linkModes: 'symlink' }],
      ['mkdir', 'mkdir', {}],
      ['copyTimes', 'utimensat', { preserveTimestamps: true }],
    ]
    for (const [operation, syscall, options] of placing)
      for (const code of ['ENOSPC', 'EIO'] as const)
        it(`with ${code} of any ${operation}: add() or commit() rejects with it, and dest is as it was`, async () => {
          for (let index = 0; ; index++) {
            let calls = 0
            let failed: ScriptedCall | undefined
            const host = scriptedHost(cloningEverywhere(defaultHost), (call) => {
              if (call.operation !== operation || calls++ !== index) return undefined
              failed = call
              return failWith(code, syscall)
            })
            // One add after the other, so that the calls are in the same order each time.
            const session = await Session.open(host, dest, { ...options, concurrency: 1 })
            const errors = new Set<unknown>()
            for (const source of sources) {
              await session.add(source).catch((error: unknown) => errors.add(error))
            }
            const ended = await session.commit().catch((error: unknown) => error as Failure)
            if (failed === undefined) {
              assert.ok(!(ended instanceof Error))
              assert.ok(index > 1, `${operation} was called ${String(index)} times`)
              return
            }
            const when = `${operation} ${failed.path}`
            assert.ok(ended instanceof Error, `it merged in spite of it: ${when}`)
            if (errors.size > 0) assert.deepEqual([...errors], [ended], when)
            assert.deepEqual([ended.code, ended.syscall], [code, syscall], when)
            assertUntouched(when)
          }
        })

    it('where nothing can be made to try names in: it merges, and nothing is left behind', async () => {
      const spec = { 'ns/Foo': '1', 'ns/foo': '2' }
      const alike = stored(path.join(base, 'alike'), { c: spec })
      // Two sources have one each by then.
      let refused = 0
      const host = scriptedHost(defaultHost, ({ operation, path: at }) => {
        if (operation !== 'mkdir' || !at.endsWith('/room-2')) return undefined
        refused++
        return failWith('EACCES', 'mkdir')
      })
      const session = await Session.open(host, dest, undefined)
      for (const source of [...sources, ...alike]) void session.add(source)
      await session.commit()
      assert.equal(refused, 1)
      assertTree(dest, writeTree(path.join(base, 'expected'), { ...union, ...spec }))
      assert.deepEqual(stagingIn(parent, dest), [])
      assert.deepEqual(openIn(base), [])
    })

    it('at every call that changes anything, also while commit() runs', async () => {
      for (let n = 1; ; n++) {
        const { host, hit: failed } = failpoints(defaultHost, n, () => failWith('EIO', 'scripted'))
        const session = await Session.open(host, dest, { concurrency: 1, linkModes: 'copy' })
        const errors = new Set<unknown>()
        for (const source of sources) {
          await session.add(source).catch((error: unknown) => errors.add(error))
        }
        const ended = await session.commit().catch((error: unknown) => error as Failure)
        if (!(ended instanceof Error)) {
          // Only what is swept at the end may fail and not matter: it is tried again.
          assertTree(dest, writeTree(path.join(base, 'expected'), union))
          if (failed.length === 0) {
            assert.ok(n > 20)
            return
          }
          assert.deepEqual(stagingIn(parent, dest), [])
          fs.rmSync(path.join(base, 'expected'), { recursive: true })
          fs.rmSync(dest, { recursive: true })
          writeTree(dest, held)
          continue
        }
        const when = `${failed[0]?.operation ?? ''} ${failed[0]?.path ?? ''}`
        if (errors.size > 0) assert.deepEqual([...errors], [ended], when)
        assert.equal(ended.code, 'EIO', when)
        assertUntouched(when)
      }
    })
  })
})
