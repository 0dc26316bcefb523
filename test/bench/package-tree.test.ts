import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

import { bytesOf } from '../../lib/bench/bytes'
import { packagesFor, packageTree } from '../../lib/bench/package-tree'
import { filesOf, writeFiles } from '../../lib/bench/sources'
import { countTree } from '../../lib/bench/tree-count'
import { freshDir } from '../support/fresh'
import { snapshot } from '../support/snapshot'

describe('the tree that bench makes', () => {
  it('has the file sizes of npm packages', () => {
    const files = packageTree(packagesFor(5000))
    const sizes = files.map(({ size }) => size).sort((a, b) => a - b)
    const at = (share: number): number => sizes[Math.floor(share * sizes.length)] ?? NaN
    assert.equal(files.length, 4992)
    assert.equal(new Set(files.map((file) => file.path)).size, files.length)
    // In bench/corpus: 795 and 12,658.
    assert.ok(at(0.5) > 750 && at(0.5) < 850, String(at(0.5)))
    assert.ok(at(0.95) > 11_000 && at(0.95) < 14_000, String(at(0.95)))
    assert.ok((sizes.at(-1) ?? 0) > 500_000)
  })

  it('is the same every time, byte by byte', async () => {
    const dirs = [path.join(freshDir(), 'a'), path.join(freshDir(), 'b')]
    for (const dir of dirs) await writeFiles(dir, packageTree(1), undefined)
    const [a = '', b = ''] = dirs
    assert.deepEqual(snapshot(a), snapshot(b))
    const { files, directories, symlinks } = await countTree(a)
    assert.deepEqual([files, directories, symlinks], [78, 13, 0])
  })

  it('has files that differ, of the size asked for', async () => {
    const hash = (seed: number): string =>
      createHash('sha256').update(bytesOf(5000, seed)).digest('hex')
    assert.equal(new Set(Array.from({ length: 1000 }, (_, seed) => hash(seed))).size, 1000)
    assert.equal(bytesOf(3 * 2 ** 20 + 1, 7).length, 3 * 2 ** 20 + 1)
    const dir = path.join(freshDir(), 'sizes')
    await writeFiles(dir, filesOf(4096, 3), undefined)
    assert.deepEqual(
      fs.readdirSync(dir).map((name) => fs.statSync(path.join(dir, name)).size),
      [4096, 4096, 4096],
    )
  })
})
