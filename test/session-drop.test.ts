import assert from 'node:assert/strict'
import fs from 'node:fs'
import Module from 'node:module'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import vm from 'node:vm'

import ts from 'typescript'

import { defaultHost } from '../lib/host'
import type { Host } from '../lib/host/host'
import { nodeHost } from '../lib/host/node'
import { openMerge } from '../lib/index'
import type { MergeProgress, MergeSession, DirectorySource } from '../lib/index'
import { Progress } from '../lib/progress'
import { Session } from '../lib/session'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { scriptedHost } from './support/scripted-host'
import { cloningEverywhere, failWith } from './support/scripts'
import { merged, openIn, reportOf, stagingIn, stored } from './support/session'
import { assertTree, digest } from './support/snapshot'
import { writeTree, type TreeSpec } from './support/tree'

const packages: Readonly<Record<string, TreeSpec>> = {
  a: { 'ns/a': 'a', 'ns/same': 'same', 'a/b/c': 'c', 'ns/link': { symlink: 'a' } },
  b: { 'ns/b': 'b', 'ns/same': 'same', run: { data: 'run', mode: 0o755 } },
}
const held: TreeSpec = { 'ns/own': 'own', own: 'own' }

/** What a merge of all packages gives where dest is there. */
const union = Object.assign({}, held, ...Object.values(packages)) as TreeSpec

for (const host of new Set([defaultHost, nodeHost]))
  describe(`a merge session, a source of which is dropped or added again, on the ${host.kind} host`, function () {
    this.timeout(60_000)

    let base: string
    let parent: string
    let dest: string
    let a: DirectorySource
    let b: DirectorySource
    let before: string
    beforeEach(() => {
      base = freshDir()
      parent = path.join(base, 'parent')
      dest = path.join(parent, 'dest')
      ;[a, b] = stored(base, packages) as [DirectorySource, DirectorySource]
      writeTree(dest, held)
      before = digest(parent)
    })

    const open = (on: Host = host): Promise<Session> => Session.open(on, dest, undefined)

    /** dest is as it was, and nothing is left open or behind. */
    const assertUntouched = (): void => {
      assert.equal(digest(parent), before)
      assert.deepEqual(openIn(base), [])
    }

    const assertHolds = (spec: TreeSpec): void => {
      assert.deepEqual(openIn(base), [])
      assert.deepEqual(stagingIn(parent, dest), [])
      assertTree(dest, writeTree(path.join(base, 'expected'), spec))
    }

    /** What lies in the directories in which sources are staged alone. */
    const staged = (): string[] =>
      stagingIn(dest)
        .flatMap((name) => fs.readdirSync(path.join(dest, name)))
        .filter((name) => name.startsWith('room-'))

    describe('that failed', () => {
      it('is merged if it was added again under its name', async () => {
        const session = await open()
        await session.add(a)
        const missing = { ...b, dir: path.join(base, 'missing') }
        assert.equal((await failureOf(session.add(missing))).code, 'ENOENT')
        assert.equal((await failureOf(session.add(missing))).code, 'ENOENT')
        await session.add(b)
        const { sources } = await session.commit()
        assert.deepEqual(
          sources.map(({ name }) => name),
          ['a', 'b'],
        )
        assertHolds(union)
      })

      it('makes commit() reject if it failed again, with the last error', async () => {
        const session = await open()
        const [one, two] = ['one', 'two'].map((name) => path.join(base, name))
        await failureOf(session.add({ ...b, dir: one ?? '' }))
        const error = await failureOf(session.add({ ...b, dir: two ?? '' }))
        assert.equal(error.path, two)
        assert.equal(await failureOf(session.commit()), error)
        assert.equal('errors' in error, false)
        assertUntouched()
      })

      it('is merged without it if it was dropped', async () => {
        const session = await open()
        const bad = { name: 'bad', dir: path.join(base, 'missing') }
        // Nobody waits for any of it.
        void session.add(a)
        void session.add(bad)
        void session.drop('bad')
        void session.add(b)
        const { sources } = await session.commit()
        assert.deepEqual(
          sources.map(({ name }) => name),
          ['a', 'b'],
        )
        assertHolds(union)
      })

      it('comes last when it is added again, unless a rank is given', async () => {
        for (const rank of [undefined, 0]) {
          const session = await Session.open(host, dest, { conflicts: 'last', existing: 'replace' })
          const [one, two] = stored(path.join(base, String(rank)), {
            one: { both: '1' },
            two: { both: '2' },
          }) as [DirectorySource, DirectorySource]
          await failureOf(session.add({ ...one, dir: path.join(base, 'missing') }))
          await session.add(two)
          await session.add(one, rank === undefined ? undefined : { rank })
          await session.commit()
          const winner = rank === undefined ? '1' : '2'
          assert.equal(fs.readFileSync(path.join(dest, 'both'), 'utf8'), winner)
        }
      })

      it('by a full disk leaves nothing of it there, and is staged once there is room', async () => {
        let isFull = true
        const full = scriptedHost(cloningEverywhere(host), ({ operation, path: at }) =>
          isFull && operation === 'clone' && at.endsWith('/run')
            ? failWith('ENOSPC', 'ficlone')
            : undefined,
        )
        const session = await open(full)
        await session.add(a)
        assert.deepEqual(staged(), ['room-0'])
        assert.equal((await failureOf(session.add(b))).code, 'ENOSPC')
        assert.deepEqual(staged(), ['room-0'])
        isFull = false
        await session.add(b)
        await session.commit()
        assertHolds(union)
      })

      it('since no staging directory could be made is staged where one can', async () => {
        let failures = 1
        const failing = scriptedHost(host, ({ operation, path: at }) =>
          operation === 'mkdir' && at.includes('.reflink-merge-') && failures-- > 0
            ? failWith('ENOSPC', 'mkdir')
            : undefined,
        )
        const session = await open(failing)
        assert.equal((await failureOf(session.add(a))).code, 'ENOSPC')
        await session.add(a)
        await session.add(b)
        await session.commit()
        assertHolds(union)
      })
    })

    describe('that was added', () => {
      it('is not merged if it was dropped, and what was staged of it is removed at once', async () => {
        const session = await open()
        await session.add(a)
        await session.add(b)
        assert.deepEqual(staged(), ['room-0', 'room-1'])
        await session.drop('b')
        assert.deepEqual(staged(), ['room-0'])
        const result = await session.commit()
        assertHolds({ ...held, ...packages['a'] })
        fs.rmSync(dest, { recursive: true })
        const one = await merged(host, [a], dest)
        assert.equal(result.files, 3)
        assert.deepEqual(Object.keys(reportOf(result, dest)), Object.keys(one.report))
      })

      it('does not conflict any more with what stays', async () => {
        const [one, two] = stored(path.join(base, 'more'), {
          one: { both: '1' },
          two: { both: '2' },
        }) as [DirectorySource, DirectorySource]
        const session = await open()
        await Promise.all([session.add(one), session.add(two)])
        await session.drop('one')
        const { conflicts } = await session.commit()
        assert.deepEqual(conflicts, [])
        assertHolds({ ...held, both: '2' })
      })

      it('is refused under its name, but not once it was dropped', async () => {
        const session = await open()
        const adding = session.add(a)
        assert.equal((await failureOf(session.add(a))).code, 'ERR_INVALID_ARG_VALUE')
        await adding
        assert.equal((await failureOf(session.add(a))).code, 'ERR_INVALID_ARG_VALUE')
        const dropping = session.drop('a')
        // Its name is free from the call on.
        const again = session.add({ ...b, name: 'a' })
        await Promise.all([dropping, again])
        await session.commit()
        assertHolds({ ...held, ...packages['b'] })
      })

      for (const when of ['before it was read', 'while it was staged'])
        it(`and is dropped ${when}: add() rejects with an AbortError, and nothing of it is left`, async () => {
          let reached: (() => void) | undefined
          const staging = new Promise<void>((resolve) => (reached = resolve))
          const slow = scriptedHost(cloningEverywhere(host), ({ operation }) => {
            if (operation === 'clone') reached?.()
            return undefined
          })
          const session = await open(slow)
          const adding = session.add(b)
          if (when === 'while it was staged') await staging
          const dropping = session.drop('b')
          const error: unknown = await adding.catch((reason: unknown) => reason)
          assert.ok(error instanceof DOMException && error.name === 'AbortError')
          assert.match(error.message, /"b" was dropped/)
          await dropping
          assert.deepEqual(staged(), [])
          await session.add(a)
          await session.commit()
          assertHolds({ ...held, ...packages['a'] })
        })

      it('and is dropped just before commit() or abort(): nothing of it is left', async () => {
        for (const end of ['commit', 'abort'] as const) {
          const session = await open()
          void session.add(b).catch(() => undefined)
          void session.drop('b')
          await session[end]()
          assertUntouched()
        }
      })
    })

    it('of which no source has the name rejects, and changes nothing', async () => {
      const session = await open()
      await session.add(a)
      await session.add(b)
      await session.drop('b')
      for (const name of ['b', 'c', '', '__proto__'])
        assert.equal((await failureOf(session.drop(name))).code, 'ERR_INVALID_ARG_VALUE', name)
      for (const name of [undefined, null, 1, a, Symbol('a')]) {
        const dropping: unknown = session.drop(name as unknown as string)
        assert.ok(dropping instanceof Promise)
        assert.equal((await failureOf(dropping)).code, 'ERR_INVALID_ARG_TYPE')
      }
      await session.commit()
      assertHolds({ ...held, ...packages['a'] })
    })

    it('and cannot be dropped after commit() or abort()', async () => {
      const session = await open()
      await session.add(a)
      const committing = session.commit()
      assert.equal((await failureOf(session.drop('a'))).code, 'ERR_INVALID_STATE')
      await committing
      assert.equal((await failureOf(session.drop('a'))).code, 'ERR_INVALID_STATE')
      assertHolds({ ...held, ...packages['a'] })
      const aborted = await open()
      await aborted.abort()
      const error: unknown = await aborted.drop('a').catch((reason: unknown) => reason)
      assert.ok(error instanceof DOMException && error.name === 'AbortError')
    })
  })

describe('the disposal of a merge session', () => {
  let base: string
  let dest: string
  let sources: DirectorySource[]
  let before: string
  beforeEach(() => {
    base = freshDir()
    dest = path.join(base, 'dest')
    sources = stored(base, packages)
    writeTree(dest, held)
    before = digest(base)
  })

  const dispose = (session: MergeSession): Promise<void> => session[Symbol.asyncDispose]()

  it('before it has ended gives it up: nothing is left of it', async () => {
    const session = await openMerge(dest)
    const adding = sources.map((source) => session.add(source).catch((error: unknown) => error))
    await dispose(session)
    for (const error of await Promise.all(adding)) assert.equal((error as Error).name, 'AbortError')
    assert.equal(digest(base), before)
    assert.deepEqual(openIn(base), [])
    await dispose(session)
  })

  it('after commit() waits for it, and takes nothing back', async () => {
    const session = await openMerge(dest)
    for (const source of sources) void session.add(source)
    let committed = false
    const committing = session.commit().then(() => (committed = true))
    await dispose(session)
    await committing
    assert.equal(committed, true)
    await dispose(session)
    assertTree(dest, writeTree(path.join(base, 'expected'), union))
  })

  it('does not reject for what has been told: neither by commit(), abort() nor the signal', async () => {
    const failed = await openMerge(dest)
    void failed.add({ name: 'missing', dir: path.join(base, 'missing') })
    await failureOf(failed.commit())
    await dispose(failed)

    const kept = scriptedHost(defaultHost, ({ operation }) =>
      operation === 'rmdir' ? failWith('EIO', 'rmdir') : undefined,
    )
    const aborted = await Session.open(kept, dest, undefined)
    await aborted.add(sources[0] as DirectorySource)
    assert.equal((await failureOf(aborted.abort())).code, 'EIO')
    await dispose(aborted)

    const reason = new Error('enough')
    const signalled = await openMerge(dest, { signal: AbortSignal.abort(reason) }).catch(
      (error: unknown) => error,
    )
    assert.equal(signalled, reason)
    const controller = new AbortController()
    const session = await openMerge(dest, { signal: controller.signal })
    controller.abort(reason)
    await dispose(session)
    assert.deepEqual(openIn(base), [])
  })

  it('is found where Symbol has none, as in jest: by the name that compilers look for', () => {
    const file = path.resolve(__dirname, '../lib/session.ts')
    const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 }
    const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions })
    const context = vm.createContext()
    vm.runInContext('Object.defineProperty(Symbol, "asyncDispose", { value: undefined })', context)
    const load = vm.runInContext(Module.wrap(outputText), context) as (...args: unknown[]) => void
    const own: { Session?: { readonly prototype: object } } = {}
    load(own, Module.createRequire(file))
    const { prototype } = own.Session ?? assert.fail()
    assert.deepEqual(Object.getOwnPropertySymbols(prototype), [Symbol.for('Symbol.asyncDispose')])
    assert.equal('undefined' in prototype, false)
  })
})

describe('the progress of work that failed', () => {
  it('is expected no more, so that the rest can be complete', async () => {
    const reports: MergeProgress[] = []
    const progress = new Progress((report) => void reports.push(report))
    const [failed, done] = [progress.placing(), progress.placing()]
    failed.expect(10, 100)
    failed.add(4, 40)
    failed.giveUp()
    done.expect(6, 60)
    done.add(6, 60)
    await sleep(200)
    progress.enter('commit')
    const { files, totalFiles, bytes, totalBytes } = reports.at(-1) ?? assert.fail()
    assert.deepEqual([files, totalFiles, bytes, totalBytes], [10, 10, 100, 100])
  })
})
