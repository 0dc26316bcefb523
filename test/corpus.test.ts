import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { merge } from '../lib/index'
import type { MergeResult } from '../lib/index'
import { identities } from './support/identities'
import { sharingOf } from './support/sharing'
import type { Sharing } from './support/sharing'
import { assertTree, digest, snapshot } from './support/snapshot'
import type { TreeEntry } from './support/snapshot'
import { runTool } from './support/tool'
import { orSkip } from './support/unrunnable'
import { makeVolume, MiB } from './support/volumes'
import type { Volume } from './support/volumes'

interface StoreSource {
  name: string
  dir: string
  to: string
}

/** The packages put together by `cp -r`, those that others are nested in first. */
async function copyAll(sources: readonly StoreSource[], dest: string): Promise<void> {
  const levels: StoreSource[][] = []
  for (const source of sources) {
    const depth = source.to.split('/node_modules/').length
    ;(levels[depth] ??= []).push(source)
  }
  // Without the umask, so that files and directories get the modes that they have in the store.
  const script = 'umask 0; while [ $# -gt 0 ]; do cp -rT "$1" "$2" || exit; shift 2; done'
  for (const level of levels.filter(Boolean)) {
    const pairs = level.map(({ dir, to }) => [dir, path.join(dest, to)] as const)
    for (const [, to] of pairs) fs.mkdirSync(path.dirname(to), { recursive: true })
    await runTool('sh', ['-c', script, 'sh', ...pairs.flat()])
  }
}

function countOf(entries: readonly TreeEntry[], type: TreeEntry['type']): number {
  return entries.filter((entry) => entry.type === type).length
}

/** Each file of the store with what the merge made of it. */
function pairsOf(sources: readonly StoreSource[], dest: string): [string, string][] {
  return sources.flatMap(({ dir, to }) =>
    snapshot(dir, { contents: false })
      .filter(({ type }) => type === 'file')
      .map((file): [string, string] => [path.join(dir, file.path), path.join(dest, to, file.path)]),
  )
}

describe('a thousand real npm packages', function () {
  this.timeout(300_000)

  /** What `cp -r` makes of them: the same on every file system. */
  let copied: TreeEntry[] | undefined

  for (const kind of ['btrfs', 'xfs'] as const)
    describe(`on ${kind}`, () => {
      let volume: Volume
      let made: Volume | undefined
      let sources: StoreSource[]
      let dest: string
      let wanted: readonly TreeEntry[]
      let digestBefore: string
      let result: MergeResult

      before('puts them into a store and merges them', async function () {
        volume = made = await orSkip(this, makeVolume(kind, { size: 3072 * MiB }))
        const { ensureCorpus, makeStore } = await import('../bench/corpus/corpus.mjs')
        const store = path.join(volume.path, 'store')
        sources = makeStore(ensureCorpus(), store).sources
        digestBefore = digest(store)
        if (copied === undefined) {
          const copy = path.join(volume.path, 'copy')
          await copyAll(sources, copy)
          copied = snapshot(copy)
          await runTool('rm', ['-rf', copy])
        }
        wanted = copied
        dest = path.join(volume.path, 'node_modules')
        result = await merge(sources, dest)
      })

      after(() => {
        // Not where the volume could not be made.
        made?.remove()
      })

      it('equal what cp -r makes of them', () => {
        assert.ok(sources.length > 900)
        assertTree(dest, wanted)
        assert.equal(result.files, countOf(wanted, 'file'))
        assert.equal(result.symlinks, countOf(wanted, 'symlink'))
        assert.equal(result.directories, countOf(wanted, 'directory'))
        assert.equal(result.created, result.files + result.symlinks)
        assert.deepEqual(
          fs.readdirSync(volume.path).filter((name) => name.startsWith('.reflink-merge-')),
          [],
        )
      })

      it('are clones, every file that has data of its own to share', async () => {
        const { files, fallbacks, linkModes } = result
        assert.deepEqual(linkModes, { clone: files, hardlink: 0, copy: 0, symlink: 0 })
        assert.deepEqual(fallbacks, [])

        const pairs = pairsOf(sources, dest)
        assert.equal(pairs.length, files)
        const kinds = await sharingOf(pairs)
        const of = (wantedKind: Sharing): string[] =>
          pairs.flatMap(([, file], index) => (kinds[index] === wantedKind ? [file] : []))
        assert.deepEqual(of('separate'), [])
        assert.deepEqual(of('partly'), [])
        // Btrfs keeps the smallest files in its metadata, where nothing can be shared.
        const most = kind === 'btrfs' ? 2048 : 0
        const sizes = wanted.flatMap(({ size }) => size ?? [])
        const [shared, inline, empty] = [of('shared'), of('inline'), of('empty')]
        assert.equal(shared.length, sizes.filter((size) => size > most).length)
        assert.equal(inline.length, sizes.filter((size) => size > 0 && size <= most).length)
        assert.equal(empty.length, sizes.filter((size) => size === 0).length)
        // A hard link would share everything too.
        const linked = pairs.filter(([, file]) => fs.lstatSync(file).nlink !== 1)
        assert.deepEqual(linked, [])
        console.log(
          `        ${kind}: ${files} files, ${shared.length} share their extents, ` +
            `${inline.length} are inline, ${empty.length} empty`,
        )
      })

      it('are all unchanged by a second merge', async () => {
        const before = identities(dest)
        const again = await merge(sources, dest)
        const { created, replaced, kept, unchanged } = again
        const total = result.files + result.symlinks
        assert.deepEqual(
          { created, replaced, kept, unchanged },
          { created: 0, replaced: 0, kept: 0, unchanged: total },
        )
        assert.ok(isDeepStrictEqual(identities(dest), before), 'something in dest was touched')
      })

      it('are as they were in the store', () => {
        assert.equal(digest(path.join(volume.path, 'store')), digestBefore)
      })
    })
})
