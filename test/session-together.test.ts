import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import { nodeHost } from '../lib/host/node'
import type { MergeOptions, Source } from '../lib/index'
import { Session } from '../lib/session'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { merged, openIn, reportOf, stagingIn, stored } from './support/session'
import { assertTree } from './support/snapshot'
import { writeTree, type TreeSpec } from './support/tree'

/** What sources may have of each other: shared directories, the same files, and conflicts. */
const packages: Readonly<Record<string, TreeSpec>> = {
  first: { 'own/of-first': '1' },
  a: { 'ns/a': 'a', 'ns/same': 'same', 'ns/both': 'of a', 'deep/in/a': 'a' },
  b: { 'ns/b': 'b', 'ns/same': 'same', 'ns/both': 'of b!', run: { data: 'run', mode: 0o755 } },
  c: { 'ns/c/in/c': 'c', 'deep/in/c': 'c', 'ns/size': '123' },
  d: { 'ns/d': 'd', 'ns/size': '456', 'deep/in/link': { symlink: 'a' } },
  e: { 'alone/in/e': 'e', 'ns/same': 'same' },
}
/** Names that are one entry to some file systems. */
const alike: Readonly<Record<string, TreeSpec>> = {
  upper: { Name: 'upper', 'é/a': 'a' },
  lower: { name: 'lower', 'ns/same': 'same' },
}
const held: TreeSpec = { 'ns/held': 'held', 'deep/in/a': 'a', 'own/of-held': 'held' }

for (const host of new Set([defaultHost, nodeHost]))
  describe(`sources of a session that are added at once, on the ${host.kind} host`, function () {
    this.timeout(60_000)

    let base: string
    let parent: string
    let dest: string
    beforeEach(() => {
      base = freshDir()
      parent = path.join(base, 'parent')
      dest = path.join(parent, 'dest')
      fs.mkdirSync(parent)
    })

    /** All but the first wait, since one batch is in flight at most, and are taken together. */
    const open = (options: MergeOptions): Promise<Session> =>
      Session.open(host, dest, { ...options, concurrency: 1 })

    const assertNothingLeft = (): void => {
      assert.deepEqual(stagingIn(parent, dest), [])
      assert.deepEqual(openIn(base), [])
    }

    for (const conflicts of ['first', 'last', 'exclusive'] as const)
      for (const [isThere, names] of [
        [false, 'plain'],
        [true, 'plain'],
        [false, 'alike'],
      ] as const)
        it(`give what a merge of them gives: conflicts ${conflicts}, dest is ${isThere ? '' : 'not '}there, ${names} names`, async () => {
          const sources = stored(base, names === 'plain' ? packages : { ...packages, ...alike })
          if (isThere) {
            writeTree(dest, held)
            writeTree(path.join(parent, 'expected'), held)
          }
          const options: MergeOptions = { conflicts, symlinks: 'verbatim' }
          const session = await open(options)
          await Promise.all(sources.map((source) => session.add(source)))
          const result = await session.commit()
          const expected = await merged(host, sources, dest, { ...options, concurrency: 1 })
          assertTree(dest, expected.dest)
          assert.deepEqual(reportOf(result, dest), expected.report)
          assertNothingLeft()
        })

    it('and conflict, reject in commit() as in a merge, and change nothing', async () => {
      const sources = stored(base, packages)
      const session = await open({ symlinks: 'verbatim' })
      await Promise.all(sources.map((source) => session.add(source)))
      const error = await failureOf(session.commit())
      const expected = await failureOf(
        merged(host, sources, dest, { symlinks: 'verbatim', concurrency: 1 }),
      )
      assert.equal(error.code, 'ERR_MERGE_CONFLICT')
      assert.equal(error.message, expected.message.replaceAll(path.join(parent, 'expected'), dest))
      assert.equal(fs.existsSync(dest), false)
      assertNothingLeft()
    })

    it('have a bad one among them: it alone rejects, and without it they are merged', async () => {
      const bad: Source = { name: 'bad', files: { 'in/bad': path.join(base, 'nowhere') } }
      const sources = [...stored(base, packages), bad]
      const session = await open({ conflicts: 'last', symlinks: 'verbatim' })
      const ends = await Promise.allSettled(sources.map((source) => session.add(source)))
      const failed = sources.filter((_, index) => ends[index]?.status === 'rejected')
      assert.deepEqual(failed, [bad])
      await session.drop('bad')
      await session.commit()
      assert.equal(fs.readFileSync(path.join(dest, 'ns/both'), 'utf8'), 'of b!')
      assert.equal(fs.existsSync(path.join(dest, 'in')), false)
      assertNothingLeft()
    })

    it('and of which one is dropped: nothing of it is in dest, and what the others have is', async () => {
      const sources = stored(base, packages)
      const session = await open({ conflicts: 'last', symlinks: 'verbatim' })
      await Promise.all(sources.map((source) => session.add(source)))
      await session.drop('b')
      await session.commit()
      assert.equal(fs.readFileSync(path.join(dest, 'ns/both'), 'utf8'), 'of a')
      assert.equal(fs.existsSync(path.join(dest, 'ns/b')), false)
      assert.equal(fs.readFileSync(path.join(dest, 'ns/same'), 'utf8'), 'same')
      assertNothingLeft()
    })

    it('and all are dropped: what was staged of them is removed at once', async () => {
      writeTree(dest, held)
      const sources = stored(base, { a: { 'ns/a': 'a' }, b: { 'ns/b': 'b' }, c: { 'ns/c': 'c' } })
      const session = await open({})
      await Promise.all(sources.map((source) => session.add(source)))
      const rooms = (): string[] =>
        stagingIn(dest)
          .flatMap((name) => fs.readdirSync(path.join(dest, name)))
          .filter((name) => name.startsWith('room-'))
      assert.equal(rooms().length, 2)
      for (const { name } of sources) await session.drop(name)
      assert.deepEqual(rooms(), [])
      await session.commit()
      assertTree(dest, writeTree(path.join(base, 'as-it-was'), held))
      assertNothingLeft()
    })
  })
