import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

import { defaultHost } from '../../lib/host'
import type { Host, Outcomes } from '../../lib/host/host'
import { throttled } from '../../lib/host/throttled'
import type { MergeOptions } from '../../lib/index'
import { Session } from '../../lib/session'
import { runText } from '../support/child'
import { isThere } from '../support/needs'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { recordingHost } from '../support/scripts'
import { placing, stagingIn, stored } from '../support/session'
import { assertTree, digest } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

/** Every operation that takes a batch. */
const batches = [
  ...([
    'writeRecord',
    'readRecord',
    'sync',
    'list',
    'stat',
    'identify',
    'compare',
    'clone',
    'hardlink',
    'copy',
    'symlink',
    'compareContent',
    'write',
  ] as const),
  ...(['mkdir', 'chmod', 'copyTimes', 'rename', 'exchange', 'unlink', 'rmdir'] as const),
  ...(isThere('trees') ? (['inheritance', 'scanTrees', 'matchTrees', 'placeTrees'] as const) : []),
] as const

type Batch = (typeof batches)[number]

/** What each of them is called by, whatever its arguments. */
type AnyCall = (...args: unknown[]) => Promise<unknown>

/** A host with each of its batches in the hands of `around`. */
function wrapped(
  host: Host,
  around: (operation: Batch, call: () => Promise<unknown>) => Promise<unknown>,
): Host {
  const own = batches.map((operation): [Batch, AnyCall] => {
    const inner: AnyCall = (...args) => (host[operation] as AnyCall)(...args)
    return [operation, (...args) => around(operation, () => inner(...args))]
  })
  return { ...host, ...Object.fromEntries(own) }
}

/** A host that knows how many batches are in flight, and how many there ever were at once. */
function counting(host: Host, pause: () => Promise<unknown> = () => turn()) {
  const seen = { now: 0, most: 0, calls: 0 }
  const counted = wrapped(host, async (_, call) => {
    seen.calls++
    seen.most = Math.max(seen.most, ++seen.now)
    try {
      await pause()
      return await call()
    } finally {
      seen.now--
    }
  })
  return { host: counted, seen }
}

/** A host whose calls wait until they are told how to end. */
function waiting() {
  const begun: { operation: Batch; end: (error?: Error) => void }[] = []
  const host = wrapped(
    defaultHost,
    (operation) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => {
          if (error === undefined) resolve(operation)
          else reject(error)
        }
        begun.push({ operation, end })
      }),
  )
  return { host, begun }
}

const callOn = (host: Host, operation: Batch): Promise<unknown> =>
  (host[operation] as AnyCall)([], true)

describe('limited host', () => {
  it('lets so many batches begin, of whatever kind, and the others in their order', async () => {
    const { host, begun } = waiting()
    const gated = throttled(host, 3)
    const done = batches.map((operation) => callOn(gated, operation))
    for (let ended = 0; ended < batches.length; ended++) {
      await turn()
      const expected = batches.slice(0, ended + 3)
      assert.deepEqual(
        begun.map(({ operation }) => operation),
        expected,
      )
      begun[ended]?.end()
    }
    assert.deepEqual(await Promise.all(done), batches)
  })

  it('is free again after all of them, for as many as before', async () => {
    const { host, begun } = waiting()
    const gated = throttled(host, 2)
    for (let round = 0; round < 3; round++) {
      const before = begun.length
      const done = Array.from({ length: 5 }, () => callOn(gated, 'stat'))
      for (let ended = 0; ended < 5; ended++) {
        await turn()
        assert.equal(begun.length - before, Math.min(ended + 2, 5))
        begun[before + ended]?.end()
      }
      await Promise.all(done)
    }
  })

  it('gives the place of a batch that failed to the next, and the failure to its caller', async () => {
    const { host, begun } = waiting()
    const gated = throttled(host, 1)
    const error = new Error('it failed')
    const first = callOn(gated, 'mkdir')
    const second = callOn(gated, 'rename')
    begun[0]?.end(error)
    assert.equal(await failureOf(first), error)
    await turn()
    begun[1]?.end()
    assert.equal(await second, 'rename')
  })

  it('gives the place of a batch that threw at once to the next', async () => {
    const error = new TypeError('bad argument')
    let calls = 0
    const stat = (): Promise<never> => {
      calls++
      throw error
    }
    const gated = throttled({ ...defaultHost, stat }, 1)
    assert.equal(await failureOf(gated.stat([])), error)
    assert.equal(await failureOf(gated.stat([])), error)
    assert.equal(calls, 2)
  })

  it('passes arguments and answers on, and all else as it is', async () => {
    const dir = writeTree(freshDir(), { a: 'a', b: 'b' })
    const gated = throttled(defaultHost, 1)
    const to = { base: dir, path: '' }
    const rename = (replace: boolean): Promise<Outcomes> =>
      gated.rename([{ from: to, to, names: ['a'], toNames: ['b'] }], replace)
    assert.notEqual((await rename(false)).errnos[0], 0)
    assert.equal((await rename(true)).errnos[0], 0)
    assert.deepEqual(fs.readdirSync(dir), ['b'])
    assert.equal(fs.readFileSync(path.join(dir, 'b'), 'utf8'), 'a')
    for (const key of Object.keys(defaultHost) as (keyof Host)[]) {
      const isBatch = ([...batches, 'cloneDirectory'] as readonly string[]).includes(key)
      assert.equal(gated[key] === defaultHost[key], !isBatch, key)
    }
  })
})

describe('a session with many sources at once', function () {
  const PACKAGES = 200
  let base: string
  let dest: string
  beforeEach(() => {
    base = freshDir()
    dest = path.join(base, 'dest')
  })

  const packages = (count: number, files = 1): Readonly<Record<string, TreeSpec>> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => {
        const name = `p${String(index)}`
        const entries = Array.from({ length: files }, (_unused, file) => [
          `ns/${name}/${String(file)}`,
          name,
        ])
        return [name, Object.fromEntries(entries) as TreeSpec]
      }),
    )

  const assertMerged = (): void => {
    const union: TreeSpec = Object.assign({}, ...Object.values(packages(PACKAGES))) as TreeSpec
    assertTree(dest, writeTree(path.join(base, 'expected'), union))
  }

  for (const concurrency of [1, 3, 16, undefined])
    it(`has at most ${String(concurrency ?? 'the default')} batches in flight, and as many as that`, async () => {
      const { host, seen } = counting(defaultHost)
      const options: MergeOptions = concurrency === undefined ? {} : { concurrency }
      const session = await Session.open(host, dest, options)
      for (const source of stored(base, packages(PACKAGES))) void session.add(source)
      await session.commit()
      assert.equal(seen.most, concurrency ?? defaultHost.parallelism)
      // Those that wait are taken together.
      assert.ok(seen.calls < PACKAGES, String(seen.calls))
      assert.equal(seen.now, 0)
      assertMerged()
    })

  it('has every batch come to its turn, however slow the others are', async () => {
    const { host, seen } = counting(defaultHost, () => (seen.calls % 50 === 0 ? sleep(20) : turn()))
    const session = await Session.open(host, dest, { concurrency: 2 })
    await Promise.all(stored(base, packages(PACKAGES)).map((source) => session.add(source)))
    await session.commit()
    assertMerged()
  })

  it('begins none of the batches that wait their turn once it is aborted', async () => {
    const abort = new AbortController()
    const { host, calls } = recordingHost(defaultHost, ({ operation, path: at }) => {
      // The first package to come so far: the others wait for their turn by now.
      if (operation === 'copy' && at.endsWith('/1')) abort.abort()
      return undefined
    })
    const { signal } = abort
    const sources = stored(base, packages(20, 2))
    const before = digest(base)
    const session = await Session.open(host, dest, { concurrency: 1, linkModes: 'copy', signal })
    await Promise.allSettled(sources.map((source) => session.add(source)))
    await session.abort()
    const placed = calls.filter(({ operation }) => placing.has(operation))
    assert.equal(placed.length, 2)
    assert.equal(digest(base), before)
    assert.deepEqual(stagingIn(base, dest), [])
  })

  it('leaves threads of the pool to others', async () => {
    // Two threads, so that one batch is in flight: whoever else asks for a thread gets the other one.
    const text = `
      const { openMerge } = require(process.argv[1])
      const fs = require('node:fs')
      const { dest, dir } = JSON.parse(process.argv[2])
      async function main() {
        const session = await openMerge(dest)
        let ended = false
        for (let index = 0; index < 400; index++) {
          const name = 'p' + index
          session.add({ name, dir, to: name }).catch(console.error)
        }
        const merging = session.commit().finally(() => (ended = true))
        let looks = 0
        while (!ended) {
          await fs.promises.stat(dir)
          looks++
        }
        await merging
        console.log(looks)
      }
      main()`
    const [source] = stored(base, packages(1, 50))
    const lib = path.resolve(__dirname, '../../lib/index.ts')
    const args = [lib, JSON.stringify({ dest, dir: source?.dir })]
    const { code, stdout, stderr } = await runText(text, args, { env: { UV_THREADPOOL_SIZE: '2' } })
    assert.equal(stderr, '')
    assert.equal(code, 0)
    assert.equal(fs.readdirSync(dest).length, 400)
    // Behind 400 batches it would have been a handful.
    assert.ok(Number(stdout) > 400, `${stdout.trim()} looks at a file while 400 packages came`)
  })
})
