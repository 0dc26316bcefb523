import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { nodeHost } from '../lib/host/node'
import { merge } from '../lib/index'
import type { MergeResult } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { describeOn } from './support/describe-on'
import type { DescribedVolume } from './support/describe-on'
import { mergeInChildren } from './support/merge-in-child'
import { assertTree, snapshot } from './support/snapshot'
import { namespaceStore } from './support/store'
import type { StoredPackage } from './support/store'
import { writeTree } from './support/tree'

const PACKAGES = 64
const PROCESSES = 8

/** The store, what all of its packages make together, and an absent directory in an empty one. */
function scene(volume: DescribedVolume): {
  packages: StoredPackage[]
  expected: string
  parent: string
  dest: string
} {
  const dir = volume.fresh()
  const { packages, union } = namespaceStore(path.join(dir, 'store'), PACKAGES)
  const expected = writeTree(path.join(dir, 'expected'), union)
  const parent = path.join(dir, 'parent')
  fs.mkdirSync(parent)
  return { packages, expected, parent, dest: path.join(parent, 'node_modules') }
}

function assertMerged(
  dest: string,
  parent: string,
  expected: string,
  results: readonly MergeResult[],
): void {
  assertTree(dest, expected)
  assert.deepEqual(fs.readdirSync(parent), [path.basename(dest)])
  const files = snapshot(expected, { contents: false }).filter(({ type }) => type === 'file')
  const total = (key: 'created' | 'replaced' | 'kept' | 'unchanged'): number =>
    results.reduce((sum, result) => sum + result[key], 0)
  assert.equal(total('created'), files.length)
  assert.equal(total('replaced') + total('kept') + total('unchanged'), 0)
}

describe('64 packages that share namespace directories', function () {
  describeOn(['btrfs', 'xfs', 'ext4', 'tmpfs'], (volume) => {
    it('are all there after 64 merges at once into one absent directory', async () => {
      const { packages, expected, parent, dest } = scene(volume)
      const results = await Promise.all(packages.map((source) => merge([source], dest)))
      assertMerged(dest, parent, expected, results)
    })

    it('are all there after 64 merges at once into a directory whose parents are absent too', async () => {
      const { packages, expected, parent } = scene(volume)
      const dest = path.join(parent, 'a', 'b', 'node_modules')
      const results = await Promise.all(packages.map((source) => merge([source], dest)))
      assertMerged(dest, path.dirname(dest), expected, results)
      assert.deepEqual(fs.readdirSync(parent), ['a'])
      assert.deepEqual(fs.readdirSync(path.join(parent, 'a')), ['b'])
    })

    it('are all there after 64 merges at once without the addon', async () => {
      const { packages, expected, parent, dest } = scene(volume)
      const results = await Promise.all(packages.map((source) => mergeOn(nodeHost, [source], dest)))
      assertMerged(dest, parent, expected, results)
    })

    it('are each there after 64 merges at once into neighbours below one absent directory', async () => {
      const { packages, parent } = scene(volume)
      const merged = packages.map((source) => path.join(parent, 'a', source.name, 'node_modules'))
      await Promise.all(packages.map((source, index) => merge([source], merged[index] ?? '')))
      packages.forEach(({ dir }, index) => {
        assertTree(merged[index] ?? '', dir)
      })
      assert.deepEqual(fs.readdirSync(parent), ['a'])
      const names = packages.map(({ name }) => name).sort()
      assert.deepEqual(fs.readdirSync(path.join(parent, 'a')).sort(), names)
    })

    it('are all there after 8 processes merged 8 of them each at once', async () => {
      const { packages, expected, parent, dest } = scene(volume)
      const barrier = volume.fresh()
      const jobs = packages.map((source) => ({ sources: [source], dest }))
      const lists = Array.from({ length: PROCESSES }, (_, process) =>
        jobs.filter((_job, index) => index % PROCESSES === process),
      )
      const outcomes = await mergeInChildren(lists, barrier)
      assert.deepEqual(
        outcomes.flatMap(({ error }) => error ?? []),
        [],
      )
      const results = outcomes.flatMap(({ result }) => result ?? [])
      assert.equal(results.length, PACKAGES)
      assertMerged(dest, parent, expected, results)
    })
  })
})
