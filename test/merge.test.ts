import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import { nodeHost } from '../lib/host/node'
import { merge } from '../lib/index'
import type { ExistingPolicy, LinkMode, MergeOptions, MergeProgress, Source } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { startNode } from './support/child'
import { withClock } from './support/clock'
import { keepsTimesOfEntries } from './support/clonefile-everywhere'
import { describeOn } from './support/describe-on'
import type { DescribedVolume } from './support/describe-on'
import { failureOf } from './support/failure'
import { identities } from './support/identities'
import { mergeInChild, resultOf } from './support/merge-in-child'
import { guards } from './support/needs'
import { asNobody, giveToNobody } from './support/nobody'
import { scriptedHost } from './support/scripted-host'
import { sharingOf } from './support/sharing'
import { assertTree, digest, snapshot } from './support/snapshot'
import type { TreeEntry } from './support/snapshot'
import { packageStore, packageTree } from './support/store'
import { writeTree } from './support/tree'
import type { TreeNode, TreeSpec } from './support/tree'

const linkModes: readonly LinkMode[] = ['clone', 'hardlink', 'copy', 'symlink']
const policies: readonly ExistingPolicy[] = ['error', 'keep', 'replace']

/** A package `a` with this tree, and a place for dest beside it. */
function scene(volume: DescribedVolume, spec: TreeSpec): { dir: string; a: Source; dest: string } {
  const dir = volume.fresh()
  return { dir, a: sourceOf(dir, 'a', spec), dest: path.join(dir, 'dest') }
}

function sourceOf(dir: string, name: string, spec: TreeSpec): Source & { dir: string } {
  return { name, dir: writeTree(path.join(dir, 'store', name), spec) }
}

/** In dest a symlink stands on the way to `to`. */
function sceneWithLink(volume: DescribedVolume, spec: TreeSpec) {
  const its = scene(volume, spec)
  const outside = writeTree(path.join(its.dir, 'outside'), { file: 'outside' })
  writeTree(its.dest, { '@scope': { symlink: '../outside' } })
  return { ...its, outside, to: '@scope/deep/a' }
}

/** What a tree of this spec looks like. */
function treeOf(volume: DescribedVolume, spec: TreeSpec): TreeEntry[] {
  return snapshot(writeTree(path.join(volume.fresh(), 'tree'), spec))
}

const read = (...parts: string[]): string => fs.readFileSync(path.join(...parts), 'utf8')
const modeOf = (...parts: string[]): number => fs.lstatSync(path.join(...parts)).mode & 0o7777
const inodeOf = (...parts: string[]): number => fs.lstatSync(path.join(...parts)).ino
const effects = ({ created, replaced, kept, unchanged }: Effects): Effects => ({
  ...{ created, replaced, kept, unchanged },
})
interface Effects {
  created: number
  replaced: number
  kept: number
  unchanged: number
}

/** What may stand in dest. */
const inDest: Readonly<Record<string, TreeSpec>> = {
  'another file': { it: 'old' },
  'a directory with files': { 'it/own': 'mine' },
  'an empty directory': { 'it/': {} },
  'a symlink to a file': { it: { symlink: '../outside/file' } },
  'a symlink to a directory': { it: { symlink: '../outside' } },
  'a dangling symlink': { it: { symlink: 'nowhere' } },
  'a fifo': { it: { fifo: true } },
}

/** What a package may want there. */
const inPackage: Readonly<Record<string, TreeSpec>> = {
  'a file': { it: 'new', other: 'other' },
  'a symlink': { it: { symlink: 'other' }, other: 'other' },
  'a directory': { 'it/deep/file': 'new', 'it/link': { symlink: 'deep' }, other: 'other' },
}

/** What must come of it. */
function verdictOn(
  wanted: string,
  found: string,
  policy: ExistingPolicy,
): 'merged' | 'error' | 'kept' | 'replaced' {
  const isLink = found.includes('symlink')
  const isDirectory = found.includes('directory') && !isLink
  if (wanted === 'a directory') {
    if (isDirectory) return 'merged'
    // Nothing is written through it, and only what is asked for takes its place.
    if (isLink && policy === 'keep') return 'error'
  } else if (found === 'a directory with files' && policy === 'replace') return 'error'
  if (policy === 'error') return 'error'
  return policy === 'keep' ? 'kept' : 'replaced'
}

describe('merge', function () {
  for (const host of [defaultHost, nodeHost])
    describe(`into what is there already, with the ${host.kind} host`, () => {
      const mergeHere = (sources: readonly Source[], dest: string, options?: MergeOptions) =>
        mergeOn(host, sources, dest, options)

      describeOn(['btrfs', 'tmpfs'], (volume) => {
        const files = { file: 'new', 'sub/file': 'new', 'sub/more': 'new' }
        const held = { file: 'old', 'sub/file': 'old!', 'sub/own': 'mine', own: 'mine' }

        it("fails with existing: 'error' before anything changed, and names every conflict", async () => {
          const { a, dest } = scene(volume, files)
          writeTree(dest, held)
          const before = identities(dest)
          const { code, conflicts, message } = await failureOf(mergeHere([a], dest))
          assert.equal(code, 'ERR_MERGE_CONFLICT')
          assert.deepEqual(
            conflicts,
            ['file', 'sub/file'].map((name) => ({
              ...{ path: name, kind: 'existing', sources: ['a'], winner: null },
            })),
          )
          assert.match(message, /sub\/file/)
          assert.deepEqual(identities(dest), before)
        })

        it("keeps what differs with existing: 'keep', and adds the rest", async () => {
          const { a, dest } = scene(volume, files)
          writeTree(dest, held)
          const result = await mergeHere([a], dest, { existing: 'keep' })
          assertTree(dest, treeOf(volume, { ...held, 'sub/more': 'new' }))
          assert.deepEqual(effects(result), { created: 1, replaced: 0, kept: 2, unchanged: 0 })
          assert.deepEqual(
            result.conflicts.map(({ path: at, kind, winner }) => [at, kind, winner]),
            [
              ['file', 'existing', null],
              ['sub/file', 'existing', null],
            ],
          )
        })

        it("replaces what differs with existing: 'replace', and nothing else", async () => {
          const { a, dest } = scene(volume, files)
          writeTree(dest, held)
          const before = identities(dest)
          const result = await mergeHere([a], dest, { existing: 'replace' })
          assertTree(dest, treeOf(volume, { ...held, ...files }))
          assert.deepEqual(effects(result), { created: 1, replaced: 2, kept: 0, unchanged: 0 })
          assert.deepEqual(
            result.conflicts.map(({ path: at, kind, winner }) => [at, kind, winner]),
            [
              ['file', 'existing', 'a'],
              ['sub/file', 'existing', 'a'],
            ],
          )
          const after = identities(dest)
          for (const own of ['own', 'sub/own']) assert.equal(after.get(own), before.get(own))
        })

        it('replaces a file that has another name without changing what is under that name', async () => {
          const { dir, a, dest } = scene(volume, files)
          writeTree(dest, held)
          fs.linkSync(path.join(dest, 'file'), path.join(dir, 'other name'))
          await mergeHere([a], dest, { existing: 'replace' })
          assert.equal(read(dir, 'other name'), 'old')
          assert.equal(read(dest, 'file'), 'new')
          assert.equal(fs.statSync(path.join(dir, 'other name')).nlink, 1)
        })

        for (const existing of policies)
          it(`leaves identical entries alone with existing: '${existing}'`, async () => {
            const same: TreeSpec = {
              file: 'same',
              nothing: '',
              'sub/run': { data: '#!/bin/sh', mode: 0o755 },
              'sub/link': { symlink: 'run' },
              'sub/big': Buffer.alloc(70_000, 'same'),
              'empty/': {},
            }
            // Of what has the same bytes, the executable bits alone make a conflict.
            const { a, dest } = scene(volume, { ...same, plain: { data: 'same', mode: 0o600 } })
            writeTree(dest, { ...same, plain: { data: 'same', mode: 0o644 } })
            const before = identities(dest)
            const result = await mergeHere([a], dest, { existing })
            const isReplaced = existing === 'replace'
            const expected = isReplaced
              ? { created: 0, replaced: 1, kept: 0, unchanged: 5 }
              : { created: 0, replaced: 0, kept: 0, unchanged: 6 }
            assert.deepEqual(effects(result), expected)
            assert.deepEqual(result.attributes, {
              unsupported: [],
              differing: isReplaced ? 0 : 1,
            })
            assert.deepEqual(result.conflicts, [])
            assert.equal(modeOf(dest, 'plain'), isReplaced ? 0o600 : 0o644)
            const after = identities(dest)
            for (const name of before.keys())
              if (!isReplaced || !['', 'plain'].includes(name))
                assert.equal(after.get(name), before.get(name))
            assert.equal(after.size, before.size)
          })

        for (const [what, old] of Object.entries<TreeNode>({
          'the same size and other bytes': 'OLD',
          'the same bytes and another executable bit': { data: 'new', mode: 0o755 },
          'other bytes at the very end': `${'x'.repeat(200_000)}y`,
        }))
          it(`takes ${what} for another file`, async () => {
            const data = what.includes('end') ? `${'x'.repeat(200_000)}z` : 'new'
            const { a, dest } = scene(volume, { file: data })
            writeTree(dest, { file: old })
            const { conflicts } = await failureOf(mergeHere([a], dest))
            assert.deepEqual(
              conflicts?.map((conflict) => conflict.path),
              ['file'],
            )
            await mergeHere([a], dest, { existing: 'replace' })
            assert.equal(read(dest, 'file'), data)
            assert.equal(modeOf(dest, 'file'), 0o644)
          })

        it('takes hard links to the store for what they are: unchanged, whatever the policy', async () => {
          const { a, dest } = scene(volume, files)
          await mergeHere([a], dest, { linkModes: 'hardlink' })
          const before = identities(dest)
          for (const existing of policies) {
            const result = await mergeHere([a], dest, { linkModes: 'hardlink', existing })
            assert.deepEqual(effects(result), { created: 0, replaced: 0, kept: 0, unchanged: 3 })
          }
          assert.deepEqual(identities(dest), before)
        })

        it('replaces a hard link to one package by a hard link to another', async () => {
          const { dir, a, dest } = scene(volume, files)
          const b = sourceOf(dir, 'b', { file: 'newer' })
          await mergeHere([a], dest, { linkModes: 'hardlink' })
          await mergeHere([b], dest, { linkModes: 'hardlink', existing: 'replace' })
          assert.equal(inodeOf(dest, 'file'), inodeOf(b.dir, 'file'))
          assert.equal(read(a.dir ?? '', 'file'), 'new')
          assert.equal(fs.statSync(path.join(a.dir ?? '', 'file')).nlink, 1)
        })

        for (const [wanted, spec] of Object.entries(inPackage))
          for (const [found, old] of Object.entries(inDest))
            it(`where ${wanted} is wanted and ${found} stands: ${policies
              .map((policy) => `${policy} → ${verdictOn(wanted, found, policy)}`)
              .join(', ')}`, async () => {
              for (const existing of policies) {
                const { dir, a, dest } = scene(volume, spec)
                const outside = writeTree(path.join(dir, 'outside'), { file: 'outside' })
                writeTree(dest, old)
                const untouched = digest(outside)
                const before = identities(dest)
                const merging = mergeHere([a], dest, { existing })
                const verdict = verdictOn(wanted, found, existing)
                if (verdict === 'error') {
                  const { code, conflicts } = await failureOf(merging)
                  assert.equal(code, 'ERR_MERGE_CONFLICT')
                  assert.deepEqual(
                    conflicts?.map((conflict) => conflict.path),
                    ['it'],
                  )
                  assert.deepEqual(identities(dest), before)
                } else {
                  const { files: count, symlinks, ...result } = await merging
                  const own = count + symlinks - 1
                  assert.deepEqual(
                    effects(result),
                    {
                      merged: { created: own + 1, replaced: 0, kept: 0, unchanged: 0 },
                      kept: { created: 1, replaced: 0, kept: own, unchanged: 0 },
                      replaced:
                        wanted === 'a directory'
                          ? { created: own + 1, replaced: 0, kept: 0, unchanged: 0 }
                          : { created: 1, replaced: 1, kept: 0, unchanged: 0 },
                    }[verdict],
                  )
                  assertTree(
                    dest,
                    treeOf(volume, {
                      ...(verdict === 'replaced' ? {} : old),
                      ...(verdict === 'kept' ? { other: 'other' } : spec),
                    }),
                  )
                }
                assert.equal(digest(outside), untouched)
                assert.deepEqual(fs.readdirSync(dir).sort(), ['dest', 'outside', 'store'])
              }
            })

        for (const existing of ['error', 'keep'] as const)
          it(`never goes through a symlink on the way to \`to\` with existing: '${existing}'`, async () => {
            const { dir, a, dest, to } = sceneWithLink(volume, files)
            const before = digest(dir)
            const { code, conflicts } = await failureOf(
              mergeHere([{ ...a, to }], dest, { existing }),
            )
            assert.equal(code, 'ERR_MERGE_CONFLICT')
            assert.deepEqual(
              conflicts?.map((conflict) => conflict.path),
              ['@scope'],
            )
            assert.equal(digest(dir), before)
          })

        it("puts a directory in the place of a symlink on the way to `to` with existing: 'replace'", async () => {
          const { dir, a, dest, to, outside } = sceneWithLink(volume, files)
          const before = identities(outside)
          const untouched = digest(outside)
          const { conflicts, ...result } = await mergeHere([{ ...a, to }], dest, {
            existing: 'replace',
          })
          assert.deepEqual(effects(result), { created: 3, replaced: 0, kept: 0, unchanged: 0 })
          assert.deepEqual(conflicts, [
            { path: '@scope', kind: 'existing', sources: ['a'], winner: 'a' },
          ])
          assert.ok(fs.lstatSync(path.join(dest, '@scope')).isDirectory())
          const wanted = Object.entries(files).map(([name, data]) => [`${to}/${name}`, data])
          assertTree(dest, treeOf(volume, Object.fromEntries(wanted) as TreeSpec))
          // What it led to has nothing new in it, and lost nothing.
          assert.equal(digest(outside), untouched)
          assert.deepEqual(identities(outside), before)
          assert.deepEqual(fs.readdirSync(dir).sort(), ['dest', 'outside', 'store'])
        })
      })
    })

  describe("with existing: 'replace', seen by a reader", () => {
    // Opens and reads the file again and again, until it has seen it change twenty times.
    const reader = `
      const fs = require('node:fs')
      const [file, ready, size] = process.argv.slice(1)
      let last = ''
      let changes = 0
      for (let reads = 0; changes < 20 || reads < 500; reads++) {
        const data = fs.readFileSync(file, 'latin1')
        const seen = data[0] ?? ''
        if (data !== seen.repeat(Number(size))) {
          throw new Error(data.length + ' bytes, neither the old nor the new file')
        }
        if (last !== '' && seen !== last) changes++
        last = seen
        if (reads === 0) fs.writeFileSync(ready, '')
      }`

    describeOn(['btrfs', 'xfs', 'tmpfs'], (volume) => {
      for (const linkMode of ['clone', 'hardlink', 'copy'] as const)
        it(`shows the whole old or the whole new file, placed by ${linkMode}`, async () => {
          const size = 100_000
          const { dir, a, dest } = scene(volume, { 'sub/file': 'a'.repeat(size) })
          const b = sourceOf(dir, 'b', { 'sub/file': 'b'.repeat(size) })
          const options = { linkModes: [...new Set([linkMode, 'copy'] as const)] } as const
          await merge([a], dest, options)
          const ready = path.join(dir, 'ready')
          const file = path.join(dest, 'sub', 'file')
          const child = startNode(['--eval', reader, '--', file, ready, String(size)])
          const state = { running: true }
          const done = child.done.finally(() => {
            state.running = false
          })
          const both = [b, a] as const
          for (let round = 0; state.running; round++) {
            const source = both[round % 2 === 0 ? 0 : 1]
            await merge([source], dest, { ...options, existing: 'replace' })
          }
          const { code, stderr } = await done
          assert.equal(code, 0, stderr)
        })
    })
  })

  describe('of all kinds of trees', () => {
    describeOn(['btrfs', 'tmpfs'], (volume) => {
      const roundTrip = async (spec: TreeSpec): Promise<string> => {
        const { a, dest } = scene(volume, spec)
        await merge([a], dest)
        assertTree(dest, a.dir ?? '')
        return dest
      }

      it('takes names with special characters', async () => {
        const names = [
          ...['with space', ' leading', 'trailing ', '-dash', '--', '~', '*', '?', '$HOME', '`id`'],
          ...['"quoted"', "it's", 'semi;colon', 'a&b', '(x)', '[x]', '{x}', '#', '%2e%2e', '^'],
          ...['new\nline', 'tab\there', '\u0001', '\u007f', '...', '..x', 'x..', 'CON', 'a:b'],
          ...['ümlaut', 'u\u0308mlaut', '漢字', '😀', '\u200b', '\ufeffbom', 'ﬁ', 'İ'],
          ...['n'.repeat(255), 'é'.repeat(127), '漢'.repeat(85)],
        ]
        const spec: Record<string, TreeNode> = {}
        for (const name of names) {
          spec[`files/${name}`] = name
          spec[`dirs/${name}/${name}`] = name
          spec[`links/${name}`] = { symlink: name }
        }
        const dest = await roundTrip(spec)
        assert.deepEqual(fs.readdirSync(path.join(dest, 'files')).sort(), names.sort())
      })

      it('takes hidden files and directories', () =>
        roundTrip({
          ...{ '.npmrc': 'x', '.git/config': 'y', '.a/.b/.c': 'z', '.empty/': {}, '.link': 'w' },
        }))

      it('takes nested and empty directories', () =>
        roundTrip({
          ...{ 'a/b/c/d/e/f/g/h': 'deep', 'x/y/z/': {}, 'lone/': {}, 'a/b/empty/': {} },
        }))

      it('takes a tree fifty directories deep', () =>
        roundTrip({ [`${'d/'.repeat(50)}file`]: 'deep', ['e/'.repeat(50)]: {} }))

      it('takes symlinks that stay in dest as they are, dangling ones too', () =>
        roundTrip({
          ...{ 'bin/run': { symlink: '../lib/run.js' }, 'lib/run.js': 'x' },
          ...{ 'lib/self': { symlink: '.' }, 'lib/up': { symlink: '..' } },
          ...{ dangling: { symlink: 'no/such/file' }, 'a/b/c': { symlink: '../../lib' } },
        }))

      it('takes a package-like tree with files of many sizes', () => roundTrip(packageTree(3, 200)))

      it('takes 0-byte files by every link mode', async () => {
        for (const linkMode of linkModes) {
          const { a, dest } = scene(volume, { empty: '', 'sub/also': { data: '', mode: 0o755 } })
          const result = await merge([a], dest, {
            linkModes: [...new Set([linkMode, 'copy'] as const)],
          })
          assert.deepEqual([result.files, result.bytes, result.created], [2, 0, 2])
          for (const name of ['empty', 'sub/also']) assert.equal(read(dest, name), '')
          assert.equal(fs.statSync(path.join(dest, 'sub/also')).mode & 0o777, 0o755)
        }
      })

      it('makes an empty directory of an empty package, and of no packages at all', async () => {
        const { dir, a } = scene(volume, {})
        const results = [
          await merge([a], path.join(dir, 'from empty')),
          await merge([], path.join(dir, 'deep/from nothing')),
          await merge([{ name: 'map', files: new Map() }], path.join(dir, 'from no files')),
        ]
        for (const { files, directories, symlinks, bytes, created } of results) {
          assert.deepEqual([files, directories, symlinks, bytes, created], [0, 0, 0, 0, 0])
        }
        assert.deepEqual(
          snapshot(dir).map((entry) => entry.path),
          ['deep', 'deep/from nothing', 'from empty', 'from no files', 'store', 'store/a'],
        )
      })

      it('makes the place of an empty package that has one', async () => {
        const { a, dest } = scene(volume, {})
        const result = await merge([{ ...a, to: '@scope/a' }], dest)
        assert.equal(result.directories, 2)
        assertTree(dest, treeOf(volume, { '@scope/a/': {} }))
      })

      it('changes nothing where nothing is merged into what is there', async () => {
        const { a, dest } = scene(volume, {})
        writeTree(dest, { own: 'mine', 'sub/own': 'mine' })
        const before = identities(dest)
        for (const sources of [[], [a]]) {
          const result = await merge(sources, dest)
          assert.deepEqual(effects(result), { created: 0, replaced: 0, kept: 0, unchanged: 0 })
        }
        assert.deepEqual(identities(dest), before)
      })

      it('adds an empty directory to what is there', async () => {
        const { a, dest } = scene(volume, { 'sub/empty/': {} })
        writeTree(dest, { 'sub/own': 'mine' })
        await merge([a], dest)
        assertTree(dest, treeOf(volume, { 'sub/own': 'mine', 'sub/empty/': {} }))
      })

      it('merges the directories that packages share, and takes what is identical once', async () => {
        const { dir, a, dest } = scene(volume, { 'ns/a': 'a', 'ns/same': 'same', 'ns/sub/a': 'a' })
        const b = sourceOf(dir, 'b', { 'ns/b': 'b', 'ns/same': 'same', 'ns/sub/b': 'b' })
        const result = await merge([a, b], dest)
        assert.deepEqual([result.files, result.created, result.directories], [5, 5, 2])
        assert.deepEqual(result.conflicts, [])
        assertTree(
          dest,
          treeOf(volume, {
            ...{ 'ns/a': 'a', 'ns/b': 'b', 'ns/same': 'same', 'ns/sub/a': 'a', 'ns/sub/b': 'b' },
          }),
        )
      })
    })
  })

  describe('of sources', () => {
    describeOn(['btrfs'], (volume) => {
      it('fails if one is missing, naming all that are, and dest stays absent', async () => {
        const { dir, a, dest } = scene(volume, { file: 'x' })
        const missing = ['b', 'c'].map((name) => ({ name, dir: path.join(dir, 'no', name) }))
        const before = digest(dir)
        const error = await failureOf(merge([a, ...missing], dest))
        assert.deepEqual(
          [error.code, error.errno, error.syscall, error.path, error.source],
          ['ENOENT', -2, 'open', missing[0]?.dir, 'b'],
        )
        assert.deepEqual(
          error.errors?.map((each) => (each as { source?: string }).source),
          ['b', 'c'],
        )
        assert.equal(digest(dir), before)
      })

      it('fails if one is a file', async () => {
        const { a, dest } = scene(volume, { file: 'x' })
        const file = path.join(a.dir ?? '', 'file')
        const error = await failureOf(merge([{ name: 'b', dir: file }], dest))
        assert.deepEqual([error.code, error.path, error.source], ['ENOTDIR', file, 'b'])
        assert.ok(!fs.existsSync(dest))
      })

      it('takes one that is a symlink to a directory, or behind one', async () => {
        const { dir, a, dest } = scene(volume, { 'sub/file': 'x' })
        fs.symlinkSync('store', path.join(dir, 'link'))
        fs.symlinkSync('store/a', path.join(dir, 'direct'))
        await merge([{ name: 'a', dir: path.join(dir, 'link', 'a') }], dest)
        const again = await merge([{ name: 'a', dir: path.join(dir, 'direct') }], dest)
        assert.equal(again.unchanged, 1)
        assertTree(dest, a.dir ?? '')
      })

      it('takes a relative path', async () => {
        const { a, dest } = scene(volume, { 'sub/file': 'x' })
        const relative = path.relative(process.cwd(), a.dir ?? '')
        for (const linkMode of linkModes) {
          const place = path.join(dest, linkMode)
          await merge([{ name: 'a', dir: relative }], place, { linkModes: linkMode })
          assert.equal(read(place, 'sub/file'), 'x')
        }
      })

      it('puts each into its place', async () => {
        const { dir, a, dest } = scene(volume, { 'package.json': 'a', 'lib/index.js': 'a' })
        const b = sourceOf(dir, 'b', { 'package.json': 'b' })
        const c = sourceOf(dir, 'c', { 'nested.js': 'c' })
        const d = sourceOf(dir, 'd', { '.package-lock.json': 'd' })
        const result = await merge(
          [
            { ...a, to: '@scope/a' },
            { ...b, to: '@scope/a/node_modules/b' },
            { ...c, to: '@scope/a/lib' },
            d,
            { name: 'a again', dir: a.dir ?? '', to: 'copy' },
          ],
          dest,
        )
        assertTree(
          dest,
          treeOf(volume, {
            '@scope/a/package.json': 'a',
            '@scope/a/lib/index.js': 'a',
            '@scope/a/lib/nested.js': 'c',
            '@scope/a/node_modules/b/package.json': 'b',
            '.package-lock.json': 'd',
            'copy/package.json': 'a',
            'copy/lib/index.js': 'a',
          }),
        )
        assert.equal(result.directories, 7)
        assert.deepEqual(
          result.sources.map(({ name, files, bytes, lost }) => [name, files, bytes, lost]),
          [
            ['a', 2, 2, []],
            ['b', 1, 1, []],
            ['c', 1, 1, []],
            ['d', 1, 1, []],
            ['a again', 2, 2, []],
          ],
        )
      })

      it('leaves out what `filter` does, and never looks below it', async () => {
        const { a, dest } = scene(volume, {
          'keep/file': 'x',
          'keep/not.md': 'x',
          'drop/deep/fifo': { fifo: true },
          'drop/escaping': { symlink: '../../..' },
          'docs/readme.md': 'x',
          fifo: { fifo: true },
        })
        const asked: string[] = []
        const listed: string[] = []
        const host = scriptedHost(defaultHost, ({ operation, path: at }) => {
          if (operation === 'list') listed.push(path.relative(a.dir ?? '', at))
          return undefined
        })
        const filter = (at: string): boolean => {
          asked.push(at)
          return at !== 'drop' && at !== 'fifo' && !at.endsWith('.md')
        }
        const result = await mergeOn(host, [{ ...a, filter }], dest)
        assertTree(dest, treeOf(volume, { 'keep/file': 'x', 'docs/': {} }))
        assert.deepEqual([result.files, result.directories], [1, 2])
        assert.deepEqual(asked.sort(), [
          ...['docs', 'docs/readme.md', 'drop', 'fifo'],
          ...['keep', 'keep/file', 'keep/not.md'],
        ])
        assert.deepEqual(listed.filter((at) => !at.startsWith('..')).sort(), ['', 'docs', 'keep'])
      })

      it('leaves out a directory that may not be read, if `filter` does', async () => {
        const { dir, a, dest } = scene(volume, {
          file: 'x',
          'secret/': { mode: 0o000 },
          'other/file': 'y',
        })
        giveToNobody(dir)
        await asNobody(async () => {
          const { code, path: at } = await failureOf(merge([a], dest))
          assert.deepEqual([code, at], ['EACCES', path.join(a.dir ?? '', 'secret')])
          await merge([{ ...a, filter: (name) => name !== 'secret' }], dest)
        })
        assertTree(dest, treeOf(volume, { file: 'x', 'other/file': 'y' }))
      })

      it('passes paths within the package to `filter`, not places in dest', async () => {
        const { a, dest } = scene(volume, { 'lib/index.js': 'x' })
        const asked: string[] = []
        const filter = (at: string): boolean => asked.push(at) > 0
        await merge([{ ...a, to: '@scope/a', filter }], dest)
        assert.deepEqual(asked, ['lib', 'lib/index.js'])
      })

      describe('given as a map of files', () => {
        const storeSpec: TreeSpec = {
          '01/aa': 'one',
          '01/ab': { data: '#!/bin/sh\n', mode: 0o755 },
          '02/aa': { data: 'read-only', mode: 0o444 },
          '02/empty': '',
        }

        it('puts each where the map says, one file in several places too', async () => {
          const { a, dest } = scene(volume, storeSpec)
          const at = (name: string): string => path.join(a.dir ?? '', name)
          const files = new Map([
            ['package.json', at('01/aa')],
            ['lib/deep/er/index.js', at('01/aa')],
            ['lib/again.js', at('01/aa')],
            ['bin/run', at('01/ab')],
            ['.hidden/ro', at('02/aa')],
            ['.hidden/empty', at('02/empty')],
          ])
          const before = identities(a.dir ?? '')
          const result = await merge([{ name: 'mapped', files, to: 'pkg/mapped' }], dest)
          assert.deepEqual([result.files, result.directories, result.bytes], [6, 7, 28])
          assertTree(
            dest,
            treeOf(volume, {
              'pkg/mapped/package.json': 'one',
              'pkg/mapped/lib/deep/er/index.js': 'one',
              'pkg/mapped/lib/again.js': 'one',
              'pkg/mapped/bin/run': { data: '#!/bin/sh\n', mode: 0o755 },
              'pkg/mapped/.hidden/ro': { data: 'read-only', mode: 0o444 },
              'pkg/mapped/.hidden/empty': '',
            }),
          )
          assert.deepEqual(identities(a.dir ?? ''), before)
        })

        it('places them by every link mode', async () => {
          const { a, dest } = scene(volume, storeSpec)
          const file = path.join(a.dir ?? '', '01/aa')
          const files = new Map([
            ['x', file],
            ['sub/y', file],
          ])
          for (const linkMode of linkModes) {
            const place = path.join(dest, linkMode)
            const source = { name: 'mapped', files }
            const result = await merge([source], place, { linkModes: linkMode })
            assert.equal(result.linkModes[linkMode], 2)
            assert.deepEqual([read(place, 'x'), read(place, 'sub/y')], ['one', 'one'])
            const again = await merge([source], place, { linkModes: linkMode })
            assert.deepEqual(effects(again), { created: 0, replaced: 0, kept: 0, unchanged: 2 })
          }
          assert.equal(inodeOf(dest, 'hardlink', 'x'), inodeOf(file))
          assert.equal(fs.readlinkSync(path.join(dest, 'symlink', 'sub/y')), file)
        })

        it('asks `filter` as for a directory', async () => {
          const { a, dest } = scene(volume, storeSpec)
          const file = path.join(a.dir ?? '', '01/aa')
          const files = new Map([
            ['drop/deep/file', '/no/such/file'],
            ['keep/file', file],
            ['keep/not', '/no/such/file'],
          ])
          const asked = new Set<string>()
          const filter = (at: string): boolean => {
            asked.add(at)
            return at !== 'drop' && at !== 'keep/not'
          }
          await merge([{ name: 'mapped', files, filter }], dest)
          assertTree(dest, treeOf(volume, { 'keep/file': 'one' }))
          assert.deepEqual([...asked].sort(), ['drop', 'keep', 'keep/file', 'keep/not'])
        })

        it('merges with a directory that shares its directories', async () => {
          const { dir, a, dest } = scene(volume, storeSpec)
          const b = sourceOf(dir, 'b', { 'lib/b': 'b', 'lib/same': 'one' })
          const file = path.join(a.dir ?? '', '01/aa')
          const files = new Map([
            ['lib/a', file],
            ['lib/same', file],
          ])
          const result = await merge([{ name: 'mapped', files }, b], dest)
          assert.deepEqual([result.files, result.conflicts], [3, []])
          assertTree(dest, treeOf(volume, { 'lib/a': 'one', 'lib/b': 'b', 'lib/same': 'one' }))
        })

        it('fails if a file is missing, naming all that are', async () => {
          const { dir, a, dest } = scene(volume, storeSpec)
          const files = new Map([
            ['there', path.join(a.dir ?? '', '01/aa')],
            ['gone', path.join(dir, 'gone')],
            ['lost', path.join(dir, 'no/such/lost')],
          ])
          const error = await failureOf(merge([{ name: 'mapped', files }], dest))
          assert.deepEqual(
            [error.code, error.syscall, error.path, error.source, error.errors?.length],
            ['ENOENT', 'open', path.join(dir, 'gone'), 'mapped', 2],
          )
          assert.ok(!fs.existsSync(dest))
        })
      })
    })
  })

  describe('into dest', () => {
    describeOn(['btrfs'], (volume) => {
      const spec = { 'sub/file': 'x' }

      it('given as a relative path', async () => {
        const { a, dest } = scene(volume, spec)
        await merge([a], path.relative(process.cwd(), dest))
        assertTree(dest, a.dir ?? '')
      })

      it('given with a slash at its end, or with dots on the way', async () => {
        const { dir, a, dest } = scene(volume, spec)
        await merge([a], `${dest}/`)
        const again = await merge([a], `${dir}/./store/../dest/.`)
        assert.equal(again.unchanged, 1)
        assertTree(dest, a.dir ?? '')
      })

      it('that is a symlink to a directory: the link stays', async () => {
        const { dir, a, dest } = scene(volume, spec)
        const real = path.join(dir, 'real')
        fs.mkdirSync(real)
        fs.symlinkSync('real', dest)
        await merge([a], dest)
        assert.equal(fs.readlinkSync(dest), 'real')
        assertTree(real, a.dir ?? '')
        assert.deepEqual(fs.readdirSync(dir).sort(), ['dest', 'real', 'store'])
      })

      it('behind a symlink: an absent directory in the directory that it leads to', async () => {
        const { dir, a } = scene(volume, spec)
        fs.mkdirSync(path.join(dir, 'real'))
        fs.symlinkSync('real', path.join(dir, 'link'))
        await merge([a], path.join(dir, 'link', 'deep', 'dest'))
        assertTree(path.join(dir, 'real', 'deep', 'dest'), a.dir ?? '')
        assert.deepEqual(fs.readdirSync(path.join(dir, 'real')), ['deep'])
      })

      it('with several levels of parents missing', async () => {
        const { dir, a } = scene(volume, spec)
        const dest = path.join(dir, 'a', 'b', 'c', 'd', 'dest')
        await merge([a], dest)
        assertTree(dest, a.dir ?? '')
        assert.deepEqual(
          snapshot(path.join(dir, 'a')).map((entry) => `${entry.path} ${entry.mode ?? ''}`),
          [
            ...['b 755', 'b/c 755', 'b/c/d 755', 'b/c/d/dest 755'],
            ...['b/c/d/dest/sub 755', 'b/c/d/dest/sub/file 644'],
          ],
        )
      })

      it('that is empty', async () => {
        const { a, dest } = scene(volume, spec)
        fs.mkdirSync(dest, { mode: 0o700 })
        const inode = inodeOf(dest)
        await merge([a], dest)
        assertTree(dest, a.dir ?? '')
        assert.deepEqual([inodeOf(dest), modeOf(dest)], [inode, 0o700])
        assert.deepEqual(fs.readdirSync(dest), ['sub'])
      })

      it('that is a dangling symlink: fails, and leaves it alone', async () => {
        const { dir, a, dest } = scene(volume, spec)
        fs.symlinkSync('nowhere', dest)
        const { code, path: at, message } = await failureOf(merge([a], dest))
        assert.deepEqual([code, at], ['ENOENT', dest])
        assert.match(message, /symlink to nowhere/)
        assert.deepEqual(fs.readdirSync(dir).sort(), ['dest', 'store'])
      })

      it('that is a file, or below one: fails, and leaves it alone', async () => {
        const { dir, a, dest } = scene(volume, spec)
        fs.writeFileSync(dest, 'mine')
        for (const place of [dest, path.join(dest, 'below')]) {
          const { code } = await failureOf(merge([a], place))
          assert.equal(code, 'ENOTDIR')
        }
        assert.equal(read(dest), 'mine')
        assert.deepEqual(fs.readdirSync(dir).sort(), ['dest', 'store'])
      })
    })
  })

  describe('of permission bits', () => {
    const fileModes = [0o644, 0o755, 0o600, 0o444, 0o400, 0o555, 0o664, 0o666, 0o777, 0o711, 0o000]
    const directoryModes = [0o755, 0o700, 0o555, 0o500, 0o775, 0o777]
    const everyMode: Record<string, TreeNode> = {}
    for (const mode of fileModes)
      everyMode[`file ${mode.toString(8)}`] = { data: mode.toString(8), mode }
    for (const mode of directoryModes) {
      everyMode[`directory ${mode.toString(8)}/`] = { dir: true, mode }
      everyMode[`directory ${mode.toString(8)}/sub/file`] = mode.toString(8)
      everyMode[`directory ${mode.toString(8)}/empty/`] = { dir: true, mode }
    }

    describeOn(['btrfs', 'xfs', 'tmpfs'], (volume) => {
      for (const umask of [0o022, 0o077, 0o000, 0o777])
        it(`keeps them in every link mode, whatever the umask: ${umask.toString(8)}`, async () => {
          const { dir, a } = scene(volume, everyMode)
          const parent = path.join(dir, 'parent')
          const jobs = linkModes.map((linkMode) => ({
            sources: [{ name: 'a', dir: a.dir ?? '', to: 'to' }],
            dest: path.join(parent, linkMode),
            options: { linkModes: [...new Set([linkMode, 'copy'] as const)] },
          }))
          const outcomes = await mergeInChild(jobs, { umask })
          for (const outcome of outcomes) resultOf(outcome)
          const wanted = snapshot(a.dir ?? '')
          for (const linkMode of linkModes) {
            const made = path.join(parent, linkMode, 'to')
            const links = linkMode === 'symlink'
            assertTree(
              made,
              wanted.map((entry): TreeEntry => {
                if (!links || entry.type !== 'file') return entry
                const target = path.join(a.dir ?? '', entry.path)
                return { path: entry.path, type: 'symlink', target }
              }),
            )
            // Not in any source: as mkdir makes them. What is, is not the umask's.
            assert.equal(modeOf(path.dirname(made)), 0o777 & ~umask)
            assert.equal(modeOf(made), 0o755)
          }
          assert.equal(modeOf(parent), 0o777 & ~umask)
        })

      it('moves directories that their owner may not write, for a user without privileges', async () => {
        const readable = Object.fromEntries(
          Object.entries(everyMode).filter(([name]) => !name.includes('file 0')),
        )
        const { dir, a, dest } = scene(volume, readable)
        giveToNobody(dir)
        await asNobody(() => merge([a], dest))
        assertTree(dest, a.dir ?? '')

        // And into what is there: each of them is moved by itself.
        const other = path.join(dir, 'other')
        fs.mkdirSync(other)
        giveToNobody(other)
        await asNobody(() => merge([a], other))
        assertTree(other, a.dir ?? '')
        assert.deepEqual(fs.readdirSync(dir).sort(), ['dest', 'other', 'store'])
      })

      it('never passes on setuid, setgid and sticky bits, in any link mode', async () => {
        const special: TreeSpec = {
          'file 4755': { data: 'u', mode: 0o4755 },
          'file 2755': { data: 'g', mode: 0o2755 },
          'file 1644': { data: 't', mode: 0o1644 },
          'file 7777': { data: 'all', mode: 0o7777 },
          'directory 2755/file': 'x',
          'directory 2755/': { mode: 0o2755 },
          'directory 1777/': { mode: 0o1777 },
          'directory 4755/': { mode: 0o4755 },
          plain: 'x',
        }
        for (const linkMode of linkModes) {
          const { a, dest } = scene(volume, special)
          const before = identities(a.dir ?? '')
          const result = await merge([a], dest, {
            linkModes: [...new Set([linkMode, 'copy'] as const)],
          })
          const names = snapshot(a.dir ?? '').map((entry) => entry.path)
          for (const name of names) {
            const [, mode] = / (\d+)$/.exec(name) ?? []
            if (mode === undefined) continue
            assert.equal(modeOf(dest, name), Number.parseInt(mode, 8) & 0o777, name)
            if (name.startsWith('file')) {
              assert.ok(fs.lstatSync(path.join(dest, name)).isFile(), name)
              assert.equal(fs.lstatSync(path.join(dest, name)).nlink, 1, name)
              assert.notEqual(inodeOf(dest, name), inodeOf(a.dir ?? '', name))
            }
          }
          assert.equal(result.files, 6)
          // The store keeps its own; only what was hard-linked has got another name.
          const after = identities(a.dir ?? '')
          for (const name of names.filter((each) => each.startsWith('file'))) {
            assert.equal(after.get(name), before.get(name), name)
          }
        }
      })

      it('does not take a file with such a bit where only hard links are allowed for a link', async () => {
        for (const linkMode of ['hardlink', 'symlink'] as const) {
          const { a, dest } = scene(volume, { su: { data: 'u', mode: 0o4755 }, plain: 'x' })
          const result = await merge([a], dest, { linkModes: linkMode })
          assert.equal(modeOf(dest, 'su'), 0o755)
          assert.deepEqual([result.linkModes.copy, result.linkModes[linkMode]], [1, 1])
        }
      })

      it('adds u+w to files with `writable`, and never to a file of the store', async () => {
        const modes = { ro: 0o444, rx: 0o555, secret: 0o400, none: 0o000, rw: 0o644 }
        const spec: Record<string, TreeNode> = {}
        for (const [name, mode] of Object.entries(modes)) spec[name] = { data: name, mode }
        for (const linkMode of linkModes) {
          const { a, dest } = scene(volume, { ...spec, 'dir/': { mode: 0o555 } })
          const options = { linkModes: [...new Set([linkMode, 'copy'] as const)], writable: true }
          await merge([a], dest, options)
          for (const [name, mode] of Object.entries(modes)) {
            const file = path.join(dest, name)
            assert.equal(fs.statSync(file).mode & 0o7777, mode | 0o200, name)
            assert.equal(modeOf(a.dir ?? '', name), mode)
            const own = linkMode === 'clone' || linkMode === 'copy' || (mode & 0o200) === 0
            const { ino } = fs.statSync(file)
            assert.equal(ino !== inodeOf(a.dir ?? '', name), own, `${linkMode} ${name}`)
          }
          assert.equal(modeOf(dest, 'dir'), 0o555)
          const again = await merge([a], dest, options)
          assert.deepEqual(effects(again), { created: 0, replaced: 0, kept: 0, unchanged: 5 })
        }
      })
    })
  })

  describe('of files that will be edited', () => {
    describeOn(['btrfs', 'tmpfs'], (volume) => {
      for (const linkMode of ['hardlink', 'symlink'] as const)
        for (const others of [[], ['clone', 'copy'], ['copy']] as const)
          it(`never links them to the store: ${[linkMode, ...others].join(', ')}`, async () => {
            const { a, dest } = scene(volume, {
              'config.json': 'store',
              'sub/config.json': 'store',
              'index.js': 'store',
              link: { symlink: 'index.js' },
            })
            const asked = new Set<string>()
            const mutable = (at: string): boolean => {
              asked.add(at)
              return at.endsWith('.json')
            }
            const options = { linkModes: [linkMode, ...others], mutable }
            const result = await merge([{ ...a, to: 'pkg' }], dest, options)
            assert.deepEqual([...asked].sort(), [
              ...['pkg/config.json', 'pkg/index.js', 'pkg/sub/config.json'],
            ])
            for (const name of ['pkg/config.json', 'pkg/sub/config.json']) {
              const { nlink } = fs.lstatSync(path.join(dest, name))
              assert.ok(fs.lstatSync(path.join(dest, name)).isFile())
              assert.equal(nlink, 1)
              fs.appendFileSync(path.join(dest, name), ' edited')
            }
            assert.equal(read(a.dir ?? '', 'config.json'), 'store')
            assert.equal(read(a.dir ?? '', 'sub/config.json'), 'store')
            assert.equal(
              fs.statSync(path.join(dest, 'pkg/index.js')).ino,
              inodeOf(a.dir ?? '', 'index.js'),
            )
            assert.equal(result.linkModes[linkMode], 1)
            assert.equal(result.linkModes.clone + result.linkModes.copy, 2)
          })

      for (const linkMode of ['hardlink', 'symlink'] as const)
        it(`takes an earlier ${linkMode} into the store for another file`, async () => {
          const { a, dest } = scene(volume, { 'config.json': 'store' })
          await merge([a], dest, { linkModes: linkMode })
          const options = { linkModes: [linkMode], mutable: () => true }
          const { code } = await failureOf(merge([a], dest, options))
          assert.equal(code, 'ERR_MERGE_CONFLICT')

          const result = await merge([a], dest, { ...options, existing: 'replace' })
          assert.deepEqual(effects(result), { created: 0, replaced: 1, kept: 0, unchanged: 0 })
          fs.appendFileSync(path.join(dest, 'config.json'), ' edited')
          assert.equal(read(a.dir ?? '', 'config.json'), 'store')
        })
    })
  })

  describe('of timestamps', () => {
    describeOn(['btrfs', 'xfs', 'ext4', 'tmpfs'], (volume) => {
      // In seconds, to a microsecond, and a sum of powers of two: any other Node 24 sets a few nanoseconds later.
      const past = 981_173_106.015_625
      const spec: TreeSpec = {
        file: 'x',
        empty: '',
        'sub/big': Buffer.alloc(50_000, 'y'),
        'sub/deep/file': 'z',
        'sub/link': { symlink: 'big' },
        'none/': {},
        'ro/file': 'ro',
        'ro/': { mode: 0o555 },
      }
      const oldScene = (): ReturnType<typeof scene> => {
        const made = scene(volume, spec)
        const source = made.a.dir ?? ''
        const names = snapshot(source, { contents: false }).map((entry) => entry.path)
        // What is in a directory first: making it changes the directory's own.
        for (const name of ['', ...names].reverse()) {
          fs.lutimesSync(path.join(source, name), past, past)
        }
        return made
      }
      const times = (dir: string, name: string): bigint[] => {
        const { mtimeNs, atimeNs } = fs.lstatSync(path.join(dir, name), { bigint: true })
        return [mtimeNs, atimeNs]
      }
      const ns = BigInt(past * 1e6) * 1000n

      for (const linkMode of ['clone', 'hardlink', 'copy'] as const)
        it(`keeps those of files, directories and symlinks if asked: ${linkMode}`, async () => {
          const { a, dest } = oldScene()
          const options = { linkModes: [...new Set([linkMode, 'copy'] as const)] }
          await merge([{ ...a, to: 'pkg' }], dest, { ...options, preserveTimestamps: true })
          const found: Record<string, bigint> = {}
          const accessed: Record<string, bigint> = {}
          const entries = snapshot(a.dir ?? '', { contents: false })
          for (const { path: name, type } of [{ path: '', type: 'directory' }, ...entries]) {
            const [mtime = 0n, atime = 0n] = times(path.join(dest, 'pkg'), name)
            found[name] = mtime
            if (type === 'file' && linkMode !== 'hardlink') accessed[name] = atime
          }
          for (const wrong of Object.entries(found).filter(([, time]) => time !== ns))
            assert.fail(`mtime of ${wrong.join(': ')}`)
          for (const wrong of Object.entries(accessed).filter(([, time]) => time !== ns))
            assert.fail(`atime of ${wrong.join(': ')}`)
        })

      it('makes new ones by default', async () => {
        const { a, dest } = oldScene()
        await merge([a], dest)
        const entries = snapshot(dest, { contents: false })
        for (const { path: name, type } of entries) {
          if (type !== 'directory' && keepsTimesOfEntries) continue
          const [mtime = 0n] = times(dest, name)
          assert.ok(mtime > ns, name)
        }
      })

      it('leaves those of directories alone that dest had already', async () => {
        const { a, dest } = oldScene()
        writeTree(dest, { 'sub/own': 'mine' })
        await merge([a], dest, { preserveTimestamps: true })
        const [sub = 0n] = times(dest, 'sub')
        const [deep = 0n] = times(dest, 'sub/deep')
        assert.ok(sub > ns, 'the parent of new entries looks untouched')
        assert.equal(deep, ns)
      })
    })
  })

  describe('by copy', () => {
    const MiB = 1 << 20

    describeOn(['ext4', 'xfs', 'btrfs', 'tmpfs'], (volume) => {
      it('keeps the holes of a sparse file', async () => {
        const { a, dest } = scene(volume, {})
        const file = path.join(a.dir ?? '', 'sparse')
        const fd = fs.openSync(file, 'w')
        fs.writeSync(fd, Buffer.alloc(5000, 'start'), 0, 5000, 0)
        fs.writeSync(fd, Buffer.alloc(5000, 'middle'), 0, 5000, 16 * MiB + 100)
        fs.ftruncateSync(fd, 32 * MiB + 7)
        fs.closeSync(fd)
        fs.truncateSync(path.join(a.dir ?? '', 'sparse'), 32 * MiB + 7)
        const hole = path.join(a.dir ?? '', 'all hole')
        fs.writeFileSync(hole, '')
        fs.truncateSync(hole, 3 * MiB)
        await merge([a], dest, { linkModes: 'copy' })
        assertTree(dest, a.dir ?? '')
        const blocks = (name: string): number => fs.statSync(path.join(dest, name)).blocks * 512
        assert.ok(blocks('sparse') < MiB, `${blocks('sparse')} bytes`)
        assert.ok(blocks('all hole') < MiB, `${blocks('all hole')} bytes`)
      })
    })

    describeOn(['btrfs', 'xfs'], (volume) => {
      it('really copies: nothing is shared', async () => {
        const { a, dest } = scene(volume, { 'sub/big': Buffer.alloc(300_000, 'x') })
        const result = await merge([a], dest, { linkModes: 'copy' })
        assert.equal(result.linkModes.copy, 1)
        const pair = [path.join(a.dir ?? '', 'sub/big'), path.join(dest, 'sub/big')] as const
        assert.deepEqual(await sharingOf([pair]), ['separate'])
        assert.equal(fs.statSync(pair[1]).nlink, 1)
      })
    })
  })

  describe('reports', () => {
    describeOn(['btrfs'], (volume) => {
      it('counts that add up, for a merge that does everything at once', async () => {
        const { dir, a, dest } = scene(volume, {
          'new/one': 'new',
          'new/two': 'new',
          replaced: 'new',
          same: 'same',
          'file where a directory stands': 'x',
          link: { symlink: 'same' },
        })
        const b = sourceOf(dir, 'b', { 'new/b': 'bbb', 'empty/': {} })
        writeTree(dest, {
          replaced: 'old',
          same: 'same',
          'file where a directory stands/own': 'x',
          own: 'mine',
        })
        const result = await merge([a, b], dest, { existing: 'keep' })
        assert.deepEqual(effects(result), { created: 4, replaced: 0, kept: 2, unchanged: 1 })
        assert.equal(4 + 2 + 1, result.files + result.symlinks)
        assert.deepEqual(
          [result.files, result.symlinks, result.directories, result.bytes],
          [6, 1, 2, 3 + 3 + 3 + 4 + 1 + 3],
        )
        assert.deepEqual(result.sources, [
          { name: 'a', files: 5, bytes: 14, lost: [] },
          { name: 'b', files: 1, bytes: 3, lost: [] },
        ])
        assert.deepEqual(result.linkModes, { clone: 3, hardlink: 0, copy: 0, symlink: 0 })
        const { locking, containment } = result
        assert.deepEqual({ locking, containment }, guards)
        const { total, ...phases } = result.duration
        for (const [phase, time] of Object.entries(phases)) {
          assert.ok(time >= 0 && time <= total, `${phase}: ${time} of ${total} ms`)
        }
      })

      it('the same whatever the concurrency', async () => {
        const dir = volume.fresh()
        const { packages } = packageStore(path.join(dir, 'store'), { seed: 5, count: 20 })
        const dest = path.join(dir, 'dest')
        const reports: unknown[] = []
        const trees: string[] = []
        for (const concurrency of [1, 2, 8, 64]) {
          const result = await merge(packages, dest, { concurrency })
          reports.push({ ...result, duration: undefined })
          trees.push(digest(dest))
          fs.rmSync(dest, { recursive: true })
        }
        for (const report of reports) assert.deepEqual(report, reports[0])
        assert.equal(new Set(trees).size, 1)
      })
    })
  })

  describe('tells its progress', () => {
    describeOn(['btrfs'], (volume) => {
      const watched = async (
        step: number,
        sources: readonly Source[],
        dest: string,
      ): Promise<{ events: MergeProgress[]; times: number[] }> => {
        const events: MergeProgress[] = []
        const times: number[] = []
        await withClock(step, (now) =>
          merge(sources, dest, {
            concurrency: 1,
            onProgress: (event) => {
              events.push(event)
              times.push(now())
            },
          }),
        )
        return { events, times }
      }

      // More than one trip to the kernel takes.
      const MANY = 20_000
      const manyFiles = (dir: string): Source => {
        const spec: Record<string, TreeNode> = {}
        for (let index = 0; index < MANY; index++)
          spec[`${index % 30}/${index % 2}/${index}`] = 'xy'
        return sourceOf(dir, 'many', spec)
      }

      for (const state of ['absent', 'there'] as const)
        it(`phase by phase, with growing numbers and their totals: dest is ${state}`, async () => {
          const { dir, dest } = scene(volume, {})
          if (state === 'there') writeTree(dest, { own: 'mine' })
          const source = manyFiles(dir)
          // A second goes by between any two looks at the clock: nothing is held back.
          const { events } = await watched(1000, [source], dest)
          const phases = events.map(({ phase }) => phase)
          assert.deepEqual([...new Set(phases)], ['scan', 'plan', 'stage', 'lock', 'commit'])
          const order = phases.map((phase) =>
            ['scan', 'plan', 'stage', 'lock', 'commit'].indexOf(phase),
          )
          assert.deepEqual(order, [...order].sort())

          const scanned = events.filter(({ phase }) => phase === 'scan')
          const staged = events.filter(({ phase }) => phase === 'stage')
          for (const some of [scanned, staged]) {
            assert.ok(some.length > 2)
            assert.equal(some[0]?.files, 0)
            const counts = some.map(({ files }) => files)
            assert.deepEqual(
              counts,
              [...counts].sort((x, y) => x - y),
            )
            assert.equal(counts.at(-1), MANY)
          }
          assert.ok(scanned.every(({ totalFiles, totalBytes }) => totalFiles + totalBytes === 0))
          // Once it is known what there is to place: what that phase begins with comes before.
          const placed = events.slice(phases.indexOf('stage') + 1)
          for (const { files, totalFiles, bytes, totalBytes } of placed) {
            assert.deepEqual([totalFiles, totalBytes], [MANY, 2 * MANY])
            assert.equal(bytes, 2 * files)
          }
          assert.equal(placed.at(-1)?.files, MANY)
        })

      it('at most ten times a second', async () => {
        const { dir, dest } = scene(volume, {})
        const source = manyFiles(dir)
        const { events, times } = await watched(30, [source], dest)
        assert.ok(events.length > 1)
        times.forEach((time, index) => {
          const before = times[index - 1]
          assert.ok(before === undefined || time - before >= 100, `${time} after ${before ?? ''}`)
        })
      })

      it('counting only what there is to place', async () => {
        const { dir, dest } = scene(volume, {})
        const source = manyFiles(dir)
        await merge([{ ...source, filter: (at) => !at.startsWith('1') }], dest)
        const there = snapshot(dest, { contents: false }).filter(({ type }) => type === 'file')
        assert.ok(there.length > 100 && there.length < MANY - 100)
        const { events } = await watched(1000, [source], dest)
        const last = events.at(-1)
        const missing = MANY - there.length
        assert.deepEqual([last?.files, last?.totalFiles], [missing, missing])
        assert.deepEqual([last?.bytes, last?.totalBytes], [2 * missing, 2 * missing])
      })
    })
  })
})
