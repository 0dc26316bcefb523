import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

import { defaultHost } from '../lib/host'
import { nodeHost } from '../lib/host/node'
import { merge, openMerge } from '../lib/index'
import type { MergeOptions, MergeSession, Source } from '../lib/index'
import { Session } from '../lib/session'
import { runText } from './support/child'
import { describeOn } from './support/describe-on'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { guards } from './support/needs'
import { merged, openIn, reportOf, stagingIn, stored } from './support/session'
import { assertTree, digest, snapshot } from './support/snapshot'
import { namespaceStore } from './support/store'
import { writeTree, type TreeSpec } from './support/tree'

const packages: Readonly<Record<string, TreeSpec>> = {
  a: { 'ns/a': 'a', 'ns/same': 'same', 'a/b/c': 'c', 'ns/link': { symlink: 'a' } },
  b: { 'ns/b': 'b', 'ns/same': 'same', run: { data: 'run', mode: 0o755 } },
}
const held: TreeSpec = { 'ns/own': 'own', own: 'own' }

describe('a merge session', function () {
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

  const assertMerged = async (result: Awaited<ReturnType<typeof merge>>): Promise<void> => {
    assert.deepEqual(openIn(base), [])
    assert.deepEqual(stagingIn(parent, dest), [])
    const expected = path.join(parent, 'expected')
    writeTree(expected, held)
    assert.deepEqual(reportOf(result, dest), (await merged(defaultHost, sources, dest)).report)
    assertTree(dest, expected)
  }

  for (const host of new Set([defaultHost, nodeHost]))
    it(`gives what merge() gives, on the ${host.kind} host`, async () => {
      const session = await Session.open(host, dest, undefined)
      for (const source of sources) void session.add(source)
      const result = await session.commit()
      // What guards dest is told, and the only thing that differs.
      assert.equal(result.locking, host === nodeHost ? 'degraded' : 'exclusive')
      await assertMerged({ ...result, ...guards })
    })

  it('is what openMerge() gives', async () => {
    const session: MergeSession = await openMerge(dest)
    for (const source of sources) await session.add(source)
    await assertMerged(await session.commit())
  })

  for (const state of ['there', 'absent'])
    it(`without any source gives what merge() gives, with dest ${state}`, async () => {
      if (state === 'absent') fs.rmSync(dest, { recursive: true })
      const session = await openMerge(dest)
      const result = await session.commit()
      assert.equal(fs.existsSync(dest), true)
      const again = path.join(base, 'again')
      if (state === 'there') writeTree(again, held)
      assert.deepEqual(reportOf(result, dest), reportOf(await merge([], again), again))
      assertTree(dest, again)
      assert.deepEqual(stagingIn(parent, dest), [])
    })

  it('is not opened where merge() would reject, and leaves nothing open', async () => {
    const file = path.join(writeTree(path.join(base, 'x'), { file: '' }), 'file')
    const dangling = path.join(base, 'dangling')
    fs.symlinkSync('nowhere', dangling)
    const bad: (readonly [unknown, unknown, string])[] = [
      [5, undefined, 'ERR_INVALID_ARG_TYPE'],
      ['', undefined, 'ERR_INVALID_ARG_VALUE'],
      [dest, { concurrency: 0 }, 'ERR_INVALID_ARG_VALUE'],
      [dest, { conflicts: 'both' }, 'ERR_INVALID_ARG_VALUE'],
      [dest, 'options', 'ERR_INVALID_ARG_TYPE'],
      [file, undefined, 'ENOTDIR'],
      [path.join(file, 'below'), undefined, 'ENOTDIR'],
      [dangling, undefined, 'ENOENT'],
    ]
    for (const [to, options, code] of bad) {
      const opening = openMerge(to as string, options as MergeOptions)
      assert.equal((await failureOf(opening)).code, code)
      const { message } = await failureOf(merge([], to as string, options as MergeOptions))
      assert.equal(await opening.catch((error: unknown) => (error as Error).message), message)
    }
    assertUntouched()
  })

  describe('given a bad argument', () => {
    const bad: Readonly<Record<string, readonly [unknown, string]>> = {
      'no source': [undefined, 'ERR_INVALID_ARG_TYPE'],
      null: [null, 'ERR_INVALID_ARG_TYPE'],
      'a string': ['a', 'ERR_INVALID_ARG_TYPE'],
      'no name': [{ dir: '/' }, 'ERR_INVALID_ARG_TYPE'],
      'neither dir nor files': [{ name: 'x' }, 'ERR_INVALID_ARG_VALUE'],
      'both dir and files': [{ name: 'x', dir: '/', files: new Map() }, 'ERR_INVALID_ARG_VALUE'],
      'an empty dir': [{ name: 'x', dir: '' }, 'ERR_INVALID_ARG_VALUE'],
      'files that are no map': [{ name: 'x', files: [] }, 'ERR_INVALID_ARG_TYPE'],
      'a place that is no string': [{ name: 'x', dir: '/', to: 1 }, 'ERR_INVALID_ARG_TYPE'],
      'a filter that is no function': [{ name: 'x', dir: '/', filter: 1 }, 'ERR_INVALID_ARG_TYPE'],
      'a name that is taken': [{ name: 'a', dir: '/' }, 'ERR_INVALID_ARG_VALUE'],
    }
    it('rejects that add() alone, with the error of merge(), and goes on', async () => {
      const session = await openMerge(dest)
      const [a, b] = sources as [Source, Source]
      await session.add(a)
      for (const [what, [source, code]] of Object.entries(bad)) {
        const error = await failureOf(session.add(source as Source))
        assert.equal(error.code, code, what)
        const all = what === 'a name that is taken' ? [a, source] : [source]
        const { message } = await failureOf(merge(all as Source[], dest))
        assert.equal(error.message.replace('source', ''), message.replace(/sources\[\d\]/, ''))
      }
      // None of them has taken a rank, or the name x.
      await session.add(b)
      await assertMerged(await session.commit())
    })

    it('rejects, and does not throw', async () => {
      const session = await openMerge(dest)
      const adding: unknown = session.add(undefined as unknown as Source)
      assert.ok(adding instanceof Promise)
      await failureOf(adding)
      await session.abort()
    })
  })

  it('has no rejection unhandled though nobody waits for add()', async () => {
    const text = `
      const { openMerge } = require(process.argv[1])
      const { dest, dir } = JSON.parse(process.argv[2])
      process.on('unhandledRejection', (error) => console.log('unhandled', error.message))
      const pause = () => new Promise((resolve) => setTimeout(resolve, 50))
      async function main() {
        const failing = await openMerge(dest)
        failing.add({ name: 'missing', dir: dir + '/missing' })
        failing.add({ name: 'a', dir })
        failing.add({ name: 'gone', dir: dir + '/gone' })
        await pause()
        failing.add({ name: 'b', dir })
        await failing.commit().catch(({ code }) => console.log(code))

        const aborted = await openMerge(dest)
        aborted.add({ name: 'a', dir })
        await aborted.abort()
        aborted.add({ name: 'late', dir })
        await pause()

        const controller = new AbortController()
        const signalled = await openMerge(dest, { signal: controller.signal })
        signalled.add({ name: 'a', dir })
        controller.abort()
        // It comes from elsewhere, and whoever adds cannot know yet.
        signalled.add({ name: 'late', dir })
        await pause()
        console.log('done')
      }
      main()`
    const lib = path.resolve(__dirname, '../lib/index.ts')
    const args = [lib, JSON.stringify({ dest, dir: sources[0]?.dir })]
    const { code, stdout, stderr } = await runText(text, args)
    assert.equal(stderr, '')
    assert.equal(stdout, 'ENOENT\ndone\n')
    assert.equal(code, 0)
    assertUntouched()
  })

  it('ends with commit(): what comes later rejects, and abort() does nothing', async () => {
    const session = await openMerge(dest)
    const [a, b] = sources as [Source, Source]
    void session.add(a)
    void session.add(b)
    const committing = session.commit()
    const late = { name: 'late', dir: a.dir ?? '' }
    for (let twice = 0; twice < 2; twice++) {
      assert.equal((await failureOf(session.commit())).code, 'ERR_INVALID_STATE')
      assert.equal((await failureOf(session.add(late))).code, 'ERR_INVALID_STATE')
      await committing
    }
    await session.abort()
    await session.abort()
    await assertMerged(await committing)
  })

  it('does not take what is added between commit() and its end', async () => {
    const session = await openMerge(dest)
    const committing = session.commit()
    await turn()
    await failureOf(session.add(sources[0] as Source))
    assert.equal((await committing).files, 0)
    assertUntouched()
  })
})

describe('64 sessions at once', function () {
  describeOn(['btrfs', 'tmpfs'], (volume) => {
    for (const below of ['node_modules', 'a/b/node_modules'])
      it(`into one absent ${below} make all of it, and leave nothing`, async () => {
        const dir = volume.fresh()
        const store = namespaceStore(path.join(dir, 'store'), 64)
        const parent = path.join(dir, 'parent')
        fs.mkdirSync(parent)
        const dest = path.join(parent, below)
        const sessions = await Promise.all(store.packages.map(() => openMerge(dest)))
        for (const [index, source] of store.packages.entries()) {
          void sessions[index]?.add(source)
          // Each has one package of another, too.
          const other = store.packages[(index + 7) % 64]
          if (other !== undefined) void sessions[index]?.add(other)
        }
        const results = await Promise.all(sessions.map((session) => session.commit()))
        assertTree(dest, writeTree(path.join(dir, 'expected'), store.union))
        const files = snapshot(dest, { contents: false }).filter(({ type }) => type === 'file')
        const sum = (key: 'created' | 'unchanged'): number =>
          results.reduce((total, result) => total + result[key], 0)
        assert.deepEqual([sum('created'), sum('unchanged')], [files.length, files.length])
        assert.deepEqual(stagingIn(parent, path.dirname(dest), dest), [])
        assert.deepEqual(openIn(dir), [])
      })
  })
})
