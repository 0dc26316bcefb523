import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

import type { DirectorySource } from '../../lib/index'
import { defaultHost } from '../../lib/host'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { tell } from '../support/figures'
import { rounds } from '../support/long'
import { randomFrom } from '../support/random'
import { Scene } from './scene'

const seed = Number(process.env['REFLINK_MERGE_SEED'] ?? Date.now() % 2 ** 32)
const script = path.join(__dirname, '../support/unseen-edits.py')
const hows = ['content', 'clock', 'mmap', 'twin', 'exchange', 'inode', 'link'] as const

describe(`edits that leave size and mtime (seed ${String(seed)})`, function () {
  this.timeout(600_000)

  describeOn(['btrfs', 'xfs', 'ext4'], (volume) => {
    it('are found, each of them, by verify() and by sync(), which repairs them', async () => {
      const random = randomFrom(seed)
      const scene = new Scene(volume.fresh(), defaultHost)
      const count = rounds(70, 3400)
      const nameOf = (index: number): string => `d${String(index % 37)}/f${String(index)}`
      const textOf = (index: number): string => `text of file ${String(index).padStart(8, '0')}`
      // As many again stay as they are.
      const all = Array.from({ length: 2 * count }, (_, index) => index)
      const spec = Object.fromEntries(all.map((index) => [nameOf(index), textOf(index)]))
      const source = scene.version('pkg', spec) as DirectorySource
      await scene.sync([source])
      const told = new Map(hows.map((how) => [how, 0]))
      const orders = all.slice(0, count).map((index) => {
        const how = random.pick(hows)
        told.set(how, (told.get(how) ?? 0) + 1)
        const store = path.join(source.dir, nameOf((index + 1) % all.length))
        return JSON.stringify({ how, file: scene.at(nameOf(index)), store })
      })
      execFileSync('python3', [script], { input: orders.join('\n') })
      const edited = all.slice(0, count).map(nameOf).sort()
      const found = (await scene.verify()).modified
      assert.deepEqual(
        found.map(({ path: at, how }) => [at, how]),
        edited.map((at) => [at, 'content']),
      )
      const { code, conflicts = [] } = await failureOf(scene.sync([source]))
      assert.equal(code, 'ERR_MERGE_CONFLICT')
      assert.deepEqual(
        conflicts.map(({ path: at }) => at),
        edited,
      )
      const result = await scene.sync([source], { modified: 'replace' })
      assert.equal(result.replaced, count)
      assert.deepEqual(
        result.modified.map(({ path: at }) => at),
        edited,
      )
      for (const index of all) {
        assert.equal(scene.read(nameOf(index)), textOf(index))
        // Hard links in dest led to the store.
        assert.equal(fs.readFileSync(path.join(source.dir, nameOf(index)), 'utf8'), textOf(index))
      }
      assert.deepEqual((await scene.verify({ bytes: true })).modified, [])
      for (const [how, times] of told) tell(`unseen edits (${how})`, times)
    })
  })
})
