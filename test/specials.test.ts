import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

import { mergeOn, openOn, planOn } from '../lib/merge'
import type { MergeOptions, MergePlan, MergeResult, Source } from '../lib/types'
import { onBothHosts } from './support/both-hosts'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { assertTree, snapshot } from './support/snapshot'
import { writeTree } from './support/tree'

const skip: MergeOptions = { specials: 'skip' }

function skippedOf({ sources }: MergeResult | MergePlan): (readonly string[] | undefined)[] {
  return sources.map(({ skipped }) => skipped)
}

describe('fifos, sockets and devices in sources', () => {
  onBothHosts((host) => {
    let base = ''
    let sources: Source[] = []
    let server: net.Server | undefined

    beforeEach(async () => {
      base = writeTree(freshDir(), {
        'a/pipe': { fifo: true },
        'a/deep/pipe': { fifo: true },
        'a/deep/good': 'good',
        'a/only/pipe': { fifo: true },
        'a/good': 'good',
        'b/pipe': 'a file',
      })
      const named = path.join(base, 'a/deep/socket')
      await new Promise<void>((resolve) => {
        server = net.createServer().listen(named, resolve)
      })
      sources = ['a', 'b'].map((name) => ({ name, dir: path.join(base, name) }))
    })

    afterEach(() => {
      server?.close()
    })

    const expected = (): string =>
      writeTree(freshDir(), {
        'deep/good': 'good',
        'only/': {},
        good: 'good',
        pipe: 'a file',
      })
    const skipped = [['deep/pipe', 'deep/socket', 'only/pipe', 'pipe'], undefined]

    it("are left out with 'skip', listed, and in nobody's way", async () => {
      const dest = path.join(base, 'dest')
      const plan = await planOn(host, sources, dest, skip)
      const result = await mergeOn(host, sources, dest, skip)
      assertTree(dest, expected())
      assert.deepEqual(skippedOf(plan), skipped)
      assert.deepEqual(skippedOf(result), skipped)
      assert.deepEqual([result.files, result.created, result.conflicts], [3, 3, []])
      assert.deepEqual(
        [...plan.entries()].map(({ path: at }) => at),
        ['deep', 'deep/good', 'good', 'only', 'pipe'],
      )
    })

    it('are left out of a session, whatever comes first', async () => {
      const dest = path.join(base, 'dest')
      const session = await openOn(host, dest, skip)
      for (const [rank, source] of [...sources.entries()].reverse())
        await session.add(source, { rank })
      assert.deepEqual(skippedOf(await session.commit()), skipped)
      assertTree(dest, expected())
    })

    it("are an error with 'error', the default, which names the way out", async () => {
      const before = snapshot(base)
      for (const options of [{}, { specials: 'error' } as const]) {
        const error = await failureOf(mergeOn(host, sources, path.join(base, 'dest'), options))
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
        assert.equal(error.paths?.length, 4)
        assert.match(error.message, /specials: 'skip'/)
      }
      assertTree(base, before)
    })

    it('are left out under names that dest could not hold, and no other such name is', async () => {
      const dir = writeTree(path.join(base, 'c'), { 'x\\y': { fifo: true }, file: '' })
      const result = await mergeOn(host, [{ name: 'c', dir }], path.join(base, 'dest'), skip)
      assert.deepEqual(skippedOf(result), [['x\\y']])
      writeTree(dir, { 'v\\w': '' })
      const error = await failureOf(
        mergeOn(host, [{ name: 'c', dir }], path.join(base, 'dest'), skip),
      )
      assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
    })

    it('that a filter leaves out are not listed', async () => {
      const [a] = sources as [Source, Source]
      const filter = (at: string): boolean => at === 'deep' || at.endsWith('good')
      const result = await mergeOn(host, [{ ...a, filter }], path.join(base, 'dest'), skip)
      assert.deepEqual(skippedOf(result), [undefined])
    })

    it("are an error in a file map even with 'skip': a store has none", async () => {
      const files = { x: path.join(base, 'a/pipe'), y: path.join(base, 'a/good') }
      for (const options of [skip, { ...skip, linkModes: 'hardlink' } as const]) {
        const dest = path.join(base, 'dest')
        const error = await failureOf(mergeOn(host, [{ name: 'm', files }], dest, options))
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
        assert.ok(!fs.existsSync(dest))
      }
    })
  })
})
