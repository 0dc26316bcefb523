import assert from 'node:assert/strict'
import { getMaxListeners, setMaxListeners } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { defaultHost } from '../lib/host'
import type { Host } from '../lib/host/host'
import { openMerge } from '../lib/index'
import type { MergeOptions, MergeResult, Source } from '../lib/index'
import { Session } from '../lib/session'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { itWith } from './support/needs'
import { mutating, scriptedHost, type ScriptedCall } from './support/scripted-host'
import { recordingHost } from './support/scripts'
import { listenersOf, openIn, stagingIn, stored } from './support/session'
import { assertTree, digest } from './support/snapshot'
import { writeTree, type TreeSpec } from './support/tree'

const packages: Readonly<Record<string, TreeSpec>> = {
  a: { 'ns/a': 'a', 'ns/same': 'same', 'a/b/c': 'c', 'ns/link': { symlink: 'a' }, old: 'new' },
  b: {
    'ns/b': 'b',
    'ns/same': 'same',
    run: { data: 'run', mode: 0o755 },
    'shut/': { mode: 0o500 },
  },
}
const held: TreeSpec = { 'ns/own': 'own', own: 'own', old: 'old' }
const reason = new Error('no longer wanted')

/** How a promise ends; the reason may be anything. */
type Ending = { result: unknown } | { reason: unknown }

const endOf = (promise: Promise<unknown>): Promise<Ending> =>
  promise.then(
    (result) => ({ result }),
    (error: unknown) => ({ reason: error }),
  )

function isAbortError(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

/** Waits until it holds; what never does fails before the test takes too long. */
async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 200_000
  while (!holds()) {
    assert.ok(performance.now() < end, `it never came about: ${holds.toString()}`)
    await sleep(1)
  }
}

describe('a merge session that is given up', function () {
  let base: string
  let parent: string
  let dest: string
  let sources: Source[]
  let before: string

  const prepare = (state: 'absent' | 'there'): void => {
    fs.rmSync(parent, { recursive: true, force: true })
    fs.mkdirSync(parent)
    if (state === 'there') writeTree(dest, held)
    before = digest(parent)
  }

  beforeEach(() => {
    base = freshDir()
    parent = path.join(base, 'parent')
    dest = path.join(parent, 'dest')
    sources = stored(base, packages)
    prepare('there')
  })

  /** dest is as it was, and nothing is left open or behind. */
  const assertUntouched = (when?: string): void => {
    assert.equal(digest(parent), before, when)
    assert.deepEqual(openIn(base), [], when)
  }

  const assertMerged = (state: 'absent' | 'there', when: string): void => {
    const all = Object.assign({}, state === 'there' && held, ...Object.values(packages)) as TreeSpec
    const expected = path.join(base, 'expected')
    fs.rmSync(expected, { recursive: true, force: true })
    assertTree(dest, writeTree(expected, all))
    assert.deepEqual(stagingIn(parent, dest), [], when)
    assert.deepEqual(openIn(base), [], when)
  }

  it('before anything: nothing is changed, and what comes later rejects with an AbortError', async () => {
    const { host, calls } = recordingHost(defaultHost)
    const session = await Session.open(host, dest, undefined)
    await session.abort()
    assert.deepEqual(
      calls.filter(({ operation }) => mutating.has(operation)),
      [],
    )
    assertUntouched()
    const added = await failureOf(session.add(sources[0] as Source))
    assert.ok(isAbortError(added))
    assert.equal(await failureOf(session.commit()), added)
    assert.equal(await failureOf(session.commit()), added)
    await session.abort()
  })

  it('twice at once: both wait until nothing is left', async () => {
    const session = await openMerge(dest)
    const added = sources.map((source) => endOf(session.add(source)))
    const untouched = (): void => {
      assertUntouched()
    }
    await Promise.all([session.abort().then(untouched), session.abort().then(untouched)])
    for (const ending of await Promise.all(added)) {
      assert.ok('reason' in ending && isAbortError(ending.reason))
    }
  })

  it('once all is staged: it is removed', async () => {
    const session = await openMerge(dest)
    for (const source of sources) await session.add(source)
    assert.equal(stagingIn(dest).length, 1)
    await session.abort()
    assertUntouched()
  })

  it('after a source has failed: abort() resolves, and nothing is left', async () => {
    const session = await openMerge(dest)
    await session.add(sources[0] as Source)
    await failureOf(session.add({ name: 'missing', dir: path.join(base, 'missing') }))
    await session.abort()
    assertUntouched()
    assert.ok(isAbortError(await failureOf(session.commit())))
  })

  itWith(
    'locks',
    'while it waits for the lock: commit() rejects though the lock is never given',
    async () => {
      const directory = await defaultHost.open({ base: dest, path: '' })
      try {
        assert.equal(defaultHost.tryLock(directory), 0)
        let refused = 0
        const tryLock: Host['tryLock'] = (held) => {
          const number = defaultHost.tryLock(held)
          if (held.path === dest && number !== 0) refused++
          return number
        }
        const all: MergeOptions = { existing: 'replace' }
        const session = await Session.open({ ...defaultHost, tryLock }, dest, all)
        for (const source of sources) void session.add(source)
        const committing = endOf(session.commit())
        await until(() => refused > 1)
        await session.abort()
        const ending = await committing
        assert.ok('reason' in ending && isAbortError(ending.reason))
        assert.equal(digest(parent), before)
      } finally {
        await defaultHost.close(directory)
      }
      assertUntouched()
    },
  )

  /** A session on a host that calls `at` before each operation, by its number since the session was opened. */
  async function opened(
    at: (session: Session, call: ScriptedCall, index: number) => void,
    options: MergeOptions = {},
  ): Promise<{ session: Session; count: () => number }> {
    const own: { session?: Session } = {}
    let calls = 0
    const host = scriptedHost(defaultHost, (call) => {
      if (own.session !== undefined) at(own.session, call, calls++)
      return undefined
    })
    const all: MergeOptions = { existing: 'replace', concurrency: 1, ...options }
    const session = (own.session = await Session.open(host, dest, all))
    return { session, count: () => calls }
  }

  interface Ended {
    readonly added: readonly Ending[]
    readonly committed: Ending | undefined
  }

  async function run(session: Session, commits: boolean): Promise<Ended> {
    const added: Ending[] = []
    for (const source of sources) added.push(await endOf(session.add(source)))
    return { added, committed: commits ? await endOf(session.commit()) : undefined }
  }

  /** Whatever was not done by then rejects like this; what is done is all there. */
  function assertEnded(
    { added, committed }: Ended,
    state: 'absent' | 'there',
    isReason: (error: unknown) => boolean,
    when: string,
  ): void {
    for (const ending of added) {
      if ('reason' in ending)
        assert.ok(isReason(ending.reason), `${when}: ${String(ending.reason)}`)
    }
    if (committed !== undefined && 'result' in committed) {
      assert.equal((committed.result as MergeResult).leftover, undefined)
      assert.ok(added.every((ending) => 'result' in ending))
      assertMerged(state, when)
      prepare(state)
      return
    }
    if (committed !== undefined) {
      assert.ok(isReason(committed.reason), `${when}: ${String(committed.reason)}`)
    }
    assertUntouched(when)
  }

  for (const state of ['there', 'absent'] as const)
    describe(`with dest ${state}`, () => {
      beforeEach(() => {
        prepare(state)
      })

      for (const commits of [false, true])
        it(`at any call of ${commits ? 'its commit' : 'its staging'}, by abort(): all or nothing`, async () => {
          const settled = { published: 0, undone: 0 }
          for (let index = 0; ; index++) {
            let when = ''
            const aborted: Promise<void>[] = []
            const { session, count } = await opened((own, { operation, path: at }, now) => {
              if (now !== index) return
              when = `at call ${String(index)}, ${operation} ${at}`
              aborted.push(own.abort())
            })
            const ended = await run(session, commits)
            const isDone = count() <= index
            if (isDone) await session.abort()
            await Promise.all(aborted)
            const isPublished = ended.committed !== undefined && 'result' in ended.committed
            settled[isPublished ? 'published' : 'undone']++
            assertEnded(ended, state, isAbortError, when)
            if (isDone) break
          }
          assert.ok(settled.undone > (commits ? 30 : 20), JSON.stringify(settled))
          // Once only what is left is swept, it is too late to give up.
          if (commits) assert.ok(settled.published > 1, JSON.stringify(settled))
        })

      for (const commits of [false, true])
        it(`at any call, by the signal${commits ? '' : ', and neither commit() nor abort() is ever called'}: all or nothing`, async () => {
          for (let index = 0; ; index++) {
            let when = ''
            const controller = new AbortController()
            const { signal } = controller
            const aborting = (_: unknown, { operation, path: at }: ScriptedCall, now: number) => {
              if (now !== index) return
              when = `at call ${String(index)}, ${operation} ${at}`
              controller.abort(reason)
            }
            const { session, count } = await opened(aborting, { signal })
            const ended = await run(session, commits)
            const isDone = count() <= index
            if (isDone) controller.abort(reason)
            // Nobody is told when all is removed.
            await until(() => openIn(base).length === 0)
            assert.equal(listenersOf(signal), 0, when)
            assertEnded(ended, state, (error) => error === reason, when)
            if (!isDone) continue
            assert.ok(index > (commits ? 30 : 20), `there were ${String(index)} calls`)
            break
          }
        })
    })

  describe("by the caller's signal", () => {
    it('before it is opened: it is not opened, and asks the system nothing', async () => {
      const { host, calls } = recordingHost(defaultHost)
      for (const given of [reason, 'a string', 0, null]) {
        const signal = AbortSignal.abort(given)
        const ending = await endOf(Session.open(host, dest, { signal }))
        assert.deepEqual(ending, { reason: given })
        assert.equal(listenersOf(signal), 0)
      }
      assert.deepEqual(calls, [])
    })

    it('while it is opened: add() and commit() reject with the reason, and nothing is left', async () => {
      const controller = new AbortController()
      const { signal } = controller
      const host = scriptedHost(defaultHost, () => {
        controller.abort(reason)
        return undefined
      })
      const session = await Session.open(host, dest, { signal })
      assert.equal(signal.aborted, true)
      assert.deepEqual(await endOf(session.add(sources[0] as Source)), { reason })
      assert.deepEqual(await endOf(session.commit()), { reason })
      assert.equal(listenersOf(signal), 0)
      assertUntouched()
    })

    it('with a reason that is no error: it is what everything rejects with', async () => {
      for (const given of ['a string', 0, null]) {
        const controller = new AbortController()
        const session = await openMerge(dest, { signal: controller.signal })
        const adding = endOf(session.add(sources[0] as Source))
        controller.abort(given)
        assert.deepEqual(await adding, { reason: given })
        assert.deepEqual(await endOf(session.add(sources[1] as Source)), { reason: given })
        assert.deepEqual(await endOf(session.commit()), { reason: given })
        await session.abort()
        assertUntouched()
      }
    })

    it('which nobody listens to once the session has ended, however it did', async () => {
      const { signal } = new AbortController()
      const missing = { name: 'missing', dir: path.join(base, 'missing') }
      const ends: Readonly<Record<string, (session: Session) => Promise<unknown>>> = {
        'abort()': (session) => session.abort(),
        'a commit() that fails': async (session) => {
          void session.add(missing)
          await failureOf(session.commit())
        },
        'a commit() that finds conflicts': async (session) => {
          for (const source of sources) void session.add(source)
          assert.equal((await failureOf(session.commit())).code, 'ERR_MERGE_CONFLICT')
        },
        'commit()': async (session) => {
          void session.add(sources[1] as Source)
          await session.commit()
        },
      }
      for (const [how, end] of Object.entries(ends)) {
        const session = await Session.open(defaultHost, dest, { signal })
        assert.equal(listenersOf(signal), 1)
        await end(session)
        assert.equal(listenersOf(signal), 0, how)
        assert.deepEqual(openIn(base), [], how)
      }
    })

    it('after commit(): dest stays as it is', async () => {
      const controller = new AbortController()
      const { signal } = controller
      const session = await openMerge(dest, { signal, existing: 'replace' })
      for (const source of sources) void session.add(source)
      await session.commit()
      assert.equal(listenersOf(signal), 0)
      controller.abort(reason)
      await session.abort()
      assertMerged('there', '')
    })

    it('which any number may listen to, ends it like any other', async () => {
      const controller = new AbortController()
      setMaxListeners(0, controller.signal)
      const session = await openMerge(dest, { signal: controller.signal })
      controller.abort(reason)
      assert.deepEqual(await endOf(session.commit()), { reason })
      assert.equal(listenersOf(controller.signal), 0)
      assert.deepEqual(openIn(base), [])
    })

    it('that many sessions share: all of them end, and Node warns of no leak', async () => {
      const controller = new AbortController()
      const { signal } = controller
      const most = getMaxListeners(signal)
      const warnings: Error[] = []
      const note = (warning: Error): void => void warnings.push(warning)
      process.on('warning', note)
      try {
        const sessions = await Promise.all(
          Array.from({ length: 64 }, () => openMerge(dest, { signal })),
        )
        const added = sessions.flatMap((session) =>
          sources.map((source) => endOf(session.add(source))),
        )
        await Promise.race(added)
        controller.abort(reason)
        const endings = await Promise.all(added)
        assert.ok(endings.some((ending) => 'reason' in ending && ending.reason === reason))
        await until(() => openIn(base).length === 0)
        assert.equal(listenersOf(signal), 0)
        assert.equal(getMaxListeners(signal), most)
        assertUntouched()
      } finally {
        process.off('warning', note)
      }
      assert.deepEqual(warnings, [])
    })
  })
})
