import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { merge, planMerge } from '../../lib/index'
import type { MergeOptions, MergeResult, Source } from '../../lib/index'
import { planOn } from '../../lib/merge'
import { randomFrom } from '../support/random'
import { treeOf } from './model-case'
import { identical, parentOf, scopeOf } from './model-tree'
import type { ModelTree } from './model-tree'
import { assertMerges, assertRefused, contentsOf, scene } from './on-disk'
import type { Outcome, Scene } from './on-disk'
import type { TreeNode, TreeSpec } from '../support/tree'

const conflicts = 'exclusive'

function assertGives(at: Scene, outcome: Outcome, more: MergeOptions = {}): Promise<MergeResult> {
  return assertMerges(at, { ...more, conflicts }, outcome)
}

describe("conflicts: 'exclusive'", () => {
  describe('a directory that holds a conflict', () => {
    it('gets the files of one package, not some of each', async () => {
      const at = scene({
        old: { 'pkg/index.js': 'old', 'pkg/util.js': 'old', 'pkg/only-in-old.js': '' },
        new: { 'pkg/index.js': 'new', 'pkg/util.js': 'new', 'pkg/only-in-new.js': '' },
      })
      const { files, sources } = await assertGives(at, {
        tree: { 'pkg/index.js': 'new', 'pkg/util.js': 'new', 'pkg/only-in-new.js': '' },
        conflicts: ['content pkg/index.js: old, new → new', 'content pkg/util.js: old, new → new'],
        lost: { old: ['pkg/index.js', 'pkg/only-in-old.js', 'pkg/util.js'] },
      })
      assert.equal(files, 3)
      assert.deepEqual(
        sources.map((source) => [source.files, source.bytes]),
        [
          [0, 0],
          [3, 6],
        ],
      )
    })

    it('gets nothing of the loser from below either, where their conflicts are told as well', async () => {
      const at = scene({
        a: { 'ns/x': 'a', 'ns/sub/x': 'a', 'ns/sub/deep/a': '', 'ns/own/a': '', 'ns/void/': {} },
        b: { 'ns/x': 'b', 'ns/sub/x': 'b', 'ns/sub/deep/b': '' },
      })
      await assertGives(at, {
        tree: { 'ns/x': 'b', 'ns/sub/x': 'b', 'ns/sub/deep/b': '' },
        conflicts: ['content ns/sub/x: a, b → b', 'content ns/x: a, b → b'],
        lost: { a: ['ns/own', 'ns/sub', 'ns/void', 'ns/x'] },
      })
    })

    it('takes nothing from the loser around it, where the two merely share directories', async () => {
      const at = scene({
        a: { 'ns/pkg/x': 'a', 'ns/pkg/a': '', 'ns/more/a': '', 'other/a': '' },
        b: { 'ns/pkg/x': 'b', 'ns/pkg/b': '', 'ns/more/b': '', 'other/b': '' },
      })
      await assertGives(at, {
        tree: {
          ...{ 'ns/more/a': '', 'ns/more/b': '', 'ns/pkg/b': '', 'ns/pkg/x': 'b' },
          ...{ 'other/a': '', 'other/b': '' },
        },
        conflicts: ['content ns/pkg/x: a, b → b'],
        lost: { a: ['ns/pkg/a', 'ns/pkg/x'] },
      })
    })

    it('is lost to a package with all that it has there, but for what stands there all the same', async () => {
      const shared = { 'ns/__init__.py': '', 'ns/link': { symlink: 'x' }, 'ns/dir/same': '' }
      const at = scene({ a: { ...shared, 'ns/x': 'a' }, b: { ...shared, 'ns/x': 'b' } })
      // Nothing of a's directory is there, so it is lost, whatever stands there.
      await assertGives(at, {
        tree: { 'ns/__init__.py': '', 'ns/link': '→ x', 'ns/dir/same': '', 'ns/x': 'b' },
        conflicts: ['content ns/x: a, b → b'],
        lost: { a: ['ns/dir', 'ns/x'] },
      })
    })

    const disagreements: [what: string, one: TreeNode, other: TreeNode, kind: string][] = [
      ['other bytes', 'one', 'two', 'content'],
      ['other executable bits', 'x', { data: 'x', mode: 0o755 }, 'content'],
      ['other symlinks', { symlink: 'one' }, { symlink: 'two' }, 'content'],
      ['a file and a symlink', 'x', { symlink: 'y' }, 'type'],
      ['a file and a directory', 'x', { dir: true }, 'type'],
      ['a directory and a symlink', { dir: true }, { symlink: 'y' }, 'type'],
    ]
    for (const [what, one, other, kind] of disagreements)
      it(`is one with ${what}`, async () => {
        const at = scene({ a: { 'ns/x': one, 'ns/a': '' }, b: { 'ns/x': other, 'ns/b': '' } })
        await assertGives(at, {
          tree: contentsOf(path.join(at.dir, 'store', 'b')),
          conflicts: [`${kind} ns/x: a, b → b`],
          lost: { a: ['ns/a', 'ns/x'] },
        })
      })

    it('is one by itself, though those that merely share it have another below', async () => {
      const at = scene({
        a: { 'ns/x': 'a', 'ns/in/y': 'a', 'ns/in/a': '' },
        b: { 'ns/x': 'bc', 'ns/in/y': 'b', 'ns/in/b': '' },
        c: { 'ns/x': 'bc', 'ns/in/y': 'c', 'ns/in/c': '' },
      })
      await assertGives(at, {
        tree: { 'ns/x': 'bc', 'ns/in/y': 'c', 'ns/in/c': '' },
        conflicts: ['content ns/in/y: a, b, c → c', 'content ns/x: a, b, c → c'],
        lost: { a: ['ns/in', 'ns/x'], b: ['ns/in/b', 'ns/in/y'] },
      })
    })
  })

  describe('a directory with a conflict below it', () => {
    it('gets the files of one package, if both have entries of their own in it', async () => {
      const at = scene({
        a: { 'ns/mod/a.js': '', 'ns/mod/sub/x': 'a' },
        b: { 'ns/mod/b.js': '', 'ns/mod/sub/x': 'b' },
      })
      await assertGives(at, {
        tree: { 'ns/mod/b.js': '', 'ns/mod/sub/x': 'b' },
        conflicts: ['content ns/mod/sub/x: a, b → b'],
        lost: { a: ['ns/mod/a.js', 'ns/mod/sub'] },
      })
    })

    for (const [what, one, other] of [
      ['an entry of the first alone', { 'ns/own': '' }, {}],
      ['an entry of the last alone', {}, { 'ns/own': '' }],
      ['a directory of one alone', { 'ns/own/': {} }, {}],
    ] as [string, TreeSpec, TreeSpec][])
      it(`gets those of one for ${what}`, async () => {
        const at = scene({
          a: { 'ns/deep/est/x': 'a', 'ns/deep/est/a': '', 'ns/more/a': '', ...one },
          b: { 'ns/deep/est/x': 'b', 'ns/deep/est/b': '', 'ns/more/b': '', ...other },
        })
        const own = Object.keys(one).map((name) => name.replace(/\/$/, ''))
        await assertGives(at, {
          tree: contentsOf(path.join(at.dir, 'store', 'b')),
          conflicts: ['content ns/deep/est/x: a, b → b'],
          lost: { a: ['ns/deep', 'ns/more', ...own] },
        })
      })

    it('is left alone, if both merely share directories and identical files in it', async () => {
      const shared = { 'ns/__init__.py': '', 'ns/link': { symlink: 'x' }, 'ns/deep/same': 's' }
      const at = scene({
        a: { ...shared, 'ns/deep/est/x': 'a', 'ns/deep/est/a': '', 'ns/more/a': '' },
        b: { ...shared, 'ns/deep/est/x': 'b', 'ns/deep/est/b': '', 'ns/more/b': '' },
      })
      await assertGives(at, {
        tree: {
          ...{ 'ns/__init__.py': '', 'ns/link': '→ x', 'ns/deep/same': 's', 'ns/more/a': '' },
          ...{ 'ns/more/b': '', 'ns/deep/est/b': '', 'ns/deep/est/x': 'b' },
        },
        conflicts: ['content ns/deep/est/x: a, b → b'],
        lost: { a: ['ns/deep/est/a', 'ns/deep/est/x'] },
      })
    })

    it('is judged for each two by what these have in it', async () => {
      const at = scene({
        a: { 'ns/deep/x': 'a', 'ns/deep/a': '', 'ns/more/a': '' },
        b: { 'ns/deep/b': '', 'ns/own': '' },
        c: { 'ns/deep/x': 'c', 'ns/deep/c': '', 'ns/more/c': '' },
      })
      // That b has entries of its own is nothing to a and c, with whom it has no conflict.
      await assertGives(at, {
        tree: {
          ...{ 'ns/deep/b': '', 'ns/deep/c': '', 'ns/deep/x': 'c', 'ns/own': '' },
          ...{ 'ns/more/a': '', 'ns/more/c': '' },
        },
        conflicts: ['content ns/deep/x: a, c → c'],
        lost: { a: ['ns/deep/a', 'ns/deep/x'] },
      })
    })

    it('gets those of one for a file against a directory, which is one conflict', async () => {
      const at = scene({
        a: { 'ns/deep/x/one': '', 'ns/deep/x/two': '', 'ns/a': '' },
        b: { 'ns/deep/x': 'b', 'ns/b': '' },
      })
      await assertGives(at, {
        tree: { 'ns/b': '', 'ns/deep/x': 'b' },
        conflicts: ['type ns/deep/x: a, b → b'],
        lost: { a: ['ns/a', 'ns/deep'] },
      })
    })

    it('tells what somebody left for, also where nobody stands in the end', async () => {
      const at = scene({
        a: { 'ns/in/x': 'a', 'ns/in/only/y': 'a', 'ns/a': '' },
        b: { 'ns/in/x': 'b', 'ns/in/only/y': 'b', 'ns/in/z': 'b' },
        c: { 'ns/in/z': 'c' },
      })
      // a leaves ns for b, which loses ns/in to c.
      await assertGives(at, {
        tree: { 'ns/in/z': 'c' },
        conflicts: [
          'content ns/in/only/y: a, b → nobody',
          'content ns/in/x: a, b → nobody',
          'content ns/in/z: b, c → c',
        ],
        lost: { a: ['ns/a', 'ns/in'], b: ['ns/in/only', 'ns/in/x', 'ns/in/z'] },
      })
    })

    it('tells nothing of what two disagree about that both left', async () => {
      const at = scene({
        a: { 'ns/x': 'a', 'ns/in/y': 'a' },
        b: { 'ns/x': 'b', 'ns/in/y': 'b' },
        c: { 'ns/x': 'c', 'ns/in/c': '' },
      })
      await assertGives(at, {
        tree: { 'ns/x': 'c', 'ns/in/c': '' },
        conflicts: ['content ns/x: a, b, c → c'],
        lost: { a: ['ns/in', 'ns/x'], b: ['ns/in', 'ns/x'] },
      })
    })

    it('reads each file no more than once for that', async () => {
      const at = scene({
        a: { 'ns/a': '', 'ns/p/q/x': 'same', 'ns/p/q/y': 'a' },
        b: { 'ns/b': '', 'ns/p/q/x': 'same', 'ns/p/q/y': 'b' },
      })
      const pairs: string[] = []
      const host: Host = {
        ...defaultHost,
        compare: (jobs) => {
          pairs.push(...jobs.flatMap(({ names }) => names))
          return defaultHost.compare(jobs)
        },
      }
      await planOn(host, at.sources, at.dest, { conflicts })
      assert.deepEqual(pairs.toSorted(), ['x', 'y'])
    })
  })

  describe('a directory without a conflict', () => {
    it('is shared, with empty and equal files in it', async () => {
      const shared = {
        'ns/__init__.py': '',
        'ns/py.typed': 'partial\n',
        'ns/link': { symlink: 'a' },
      }
      const at = scene({ a: { ...shared, 'ns/a/x': 'a' }, b: { ...shared, 'ns/b/x': 'b' } })
      await assertGives(at, {
        tree: {
          ...{ 'ns/__init__.py': '', 'ns/py.typed': 'partial\n', 'ns/link': '→ a' },
          ...{ 'ns/a/x': 'a', 'ns/b/x': 'b' },
        },
      })
    })
  })

  describe('dest itself', () => {
    it("is no such directory: there it is as with 'last'", async () => {
      const at = scene({
        a: { x: 'a', 'own-a': '', y: 'a', 'shared/a': '' },
        b: { x: 'b', 'own-b': '', 'y/b': '', 'shared/b': '' },
      })
      await assertGives(at, {
        tree: { x: 'b', 'own-a': '', 'own-b': '', 'y/b': '', 'shared/a': '', 'shared/b': '' },
        conflicts: ['content x: a, b → b', 'type y: a, b → b'],
        lost: { a: ['x', 'y'] },
      })
    })

    for (const to of ['pkg', '@scope/pkg'])
      it(`is not meant where packages go to ${to} in it`, async () => {
        const at = scene({ a: { x: 'a', 'own-a': '' }, b: { x: 'b', 'own-b': '' } })
        const sources = at.sources.map((source) => ({ ...source, to }))
        await assertGives(
          { ...at, sources },
          {
            tree: { [`${to}/x`]: 'b', [`${to}/own-b`]: '' },
            conflicts: [`content ${to}/x: a, b → b`],
            lost: { a: [`${to}/own-a`, `${to}/x`] },
          },
        )
      })
  })

  describe('among several packages', () => {
    // Each pair of letters is a file that these two have differently. The others: who stays, found from the last to
    // the first: whoever differs from a later one that stays is out.
    const letters = ['a', 'b', 'c', 'd']
    const graphs: [what: string, pairs: readonly string[], staying: string][] = [
      ['none of which conflict', [], 'abcd'],
      ['of which two conflict', ['ac'], 'bcd'],
      ['in a chain of three, first to last', ['ab', 'bc'], 'acd'],
      ['in a chain of four, first to last', ['ab', 'bc', 'cd'], 'bd'],
      ['in a chain with the first in the middle', ['ab', 'ac'], 'bcd'],
      ['in a chain with the last in the middle', ['ac', 'bc'], 'cd'],
      ['in a chain that jumps', ['ac', 'ad', 'bd'], 'cd'],
      ['in two pairs', ['ab', 'cd'], 'bd'],
      ['in two pairs that cross', ['ac', 'bd'], 'cd'],
      ['in two pairs of which one holds the other', ['ad', 'bc'], 'cd'],
      ['in a star around the first', ['ab', 'ac', 'ad'], 'bcd'],
      ['in a star around the second', ['ab', 'bc', 'bd'], 'acd'],
      ['in a star around the third', ['ac', 'bc', 'cd'], 'abd'],
      ['in a star around the last', ['ad', 'bd', 'cd'], 'd'],
      ['in a ring', ['ab', 'bc', 'cd', 'ad'], 'bd'],
      ['of which three conflict with each other', ['ab', 'ac', 'bc'], 'cd'],
      ['that all conflict with each other', ['ab', 'ac', 'ad', 'bc', 'bd', 'cd'], 'd'],
    ]
    for (const [what, pairs, staying] of graphs)
      it(`${what} these stay: ${staying}`, async () => {
        const has = (name: string): string[] => [
          ...pairs.filter((pair) => pair.includes(name)),
          `own-${name}`,
        ]
        const winnerOf = (file: string): string | undefined =>
          letters.findLast((name) => has(name).includes(file) && staying.includes(name))
        const packages = letters.map((name): [string, TreeSpec] => {
          return [name, Object.fromEntries(has(name).map((file) => [`ns/${file}`, name]))]
        })
        const tree: Record<string, string> = {}
        for (const file of letters.flatMap(has)) {
          const winner = winnerOf(file)
          if (winner !== undefined) tree[`ns/${file}`] = winner
        }
        const told = (pair: string): string =>
          `content ns/${pair}: ${Array.from(pair).join(', ')} → ${winnerOf(pair) ?? 'nobody'}`
        const out = letters.filter((name) => !staying.includes(name))
        await assertGives(scene(Object.fromEntries(packages)), {
          tree,
          conflicts: pairs.toSorted().map(told),
          lost: Object.fromEntries(
            out.map((name) => [name, has(name).map((file) => `ns/${file}`)]),
          ),
        })
      })

    it('one that has what the last has stays beside it', async () => {
      const at = scene({
        a: { 'ns/x': 'same', 'ns/a': '' },
        b: { 'ns/x': 'other', 'ns/b': '' },
        c: { 'ns/x': 'same', 'ns/c': '' },
      })
      await assertGives(at, {
        tree: { 'ns/a': '', 'ns/c': '', 'ns/x': 'same' },
        conflicts: ['content ns/x: a, b, c → c'],
        lost: { b: ['ns/b', 'ns/x'] },
      })
    })

    it('a path that only losers want gets nothing, which is no error', async () => {
      const at = scene(
        {
          a: { 'ns/y': 'a', 'ns/ab': 'a' },
          b: { 'ns/y': 'b', 'ns/ab': 'b' },
          c: { 'ns/y': 'c' },
        },
        { 'ns/ab': 'of dest' },
      )
      const outcome = {
        tree: { 'ns/ab': 'of dest', 'ns/y': 'c' },
        conflicts: ['content ns/ab: a, b → nobody', 'content ns/y: a, b, c → c'],
        lost: { a: ['ns/ab', 'ns/y'], b: ['ns/ab', 'ns/y'] },
      }
      // What dest holds there is in nobody's way.
      for (const existing of ['error', 'replace', 'keep'] as const)
        await assertGives(at, outcome, { existing })
    })

    it('a path that only losers want, and want alike, gets nothing either', async () => {
      const at = scene({
        a: { 'ns/y': 'a', 'ns/ab': 'ab', 'ns/dir/a': '' },
        b: { 'ns/y': 'b', 'ns/ab': 'ab', 'ns/dir/b': '' },
        c: { 'ns/y': 'c' },
      })
      await assertGives(at, {
        tree: { 'ns/y': 'c' },
        conflicts: ['content ns/y: a, b, c → c'],
        lost: { a: ['ns/ab', 'ns/dir', 'ns/y'], b: ['ns/ab', 'ns/dir', 'ns/y'] },
      })
    })
  })

  describe('with what dest holds', () => {
    const packages = { a: { 'ns/x': 'a', 'ns/a': 'a' }, b: { 'ns/x': 'b', 'ns/b': 'b' } }
    const decided = 'content ns/x: a, b → b'
    const lost = { a: ['ns/a', 'ns/x'] }

    it('leaves there what the loser put there before', async () => {
      const at = scene(packages)
      const [a, b] = at.sources as [Source, Source]
      await merge([a], at.dest)
      const tree = { 'ns/x': 'b', 'ns/a': 'a', 'ns/b': 'b' }
      const conflict = 'existing ns/x: b → b'
      await assertGives(
        { ...at, sources: [b] },
        { tree, conflicts: [conflict] },
        { existing: 'replace' },
      )
      await assertGives(at, { tree, conflicts: [decided], lost })
    })

    it("fails with existing: 'error' for what the winner finds, not for what the loser would", async () => {
      const at = scene(packages, { 'ns/a': 'of dest', 'ns/b': 'of dest' })
      const options = { conflicts, existing: 'error' } as const
      await assertRefused(at, options, ['existing ns/b: b → nobody'])
      fs.rmSync(path.join(at.dest, 'ns/b'))
      const tree = { 'ns/a': 'of dest', 'ns/b': 'b', 'ns/x': 'b' }
      await assertGives(at, { tree, conflicts: [decided], lost })
    })

    for (const [existing, x, winner] of [
      ['keep', 'of dest', 'nobody'],
      ['replace', 'b', 'b'],
    ] as const)
      it(`with existing: '${existing}' decides about the winner's files alone`, async () => {
        const at = scene(packages, { 'ns/a': 'of dest', 'ns/x': 'of dest' })
        const tree = { 'ns/a': 'of dest', 'ns/b': 'b', 'ns/x': x }
        const all = [decided, `existing ns/x: b → ${winner}`]
        await assertGives(at, { tree, conflicts: all, lost }, { existing })
      })

    it("with existing: 'keep' merges nothing where dest has no directory", async () => {
      const at = scene(packages, { ns: 'a file' })
      const all = ['existing ns: a, b → nobody', decided]
      await assertGives(at, { tree: { ns: 'a file' }, conflicts: all, lost }, { existing: 'keep' })
    })
  })

  describe('sources of every form', () => {
    it('are judged by their place in dest', async () => {
      const at = scene({ a: { 'x/y': 'a', 'x/a': '' }, b: { y: 'b', b: '' }, c: { 'ns/c': '' } })
      const [a, b, c] = at.sources as [Source, Source, Source]
      const sources = [{ ...a, to: 'ns' }, { ...b, to: 'ns/x' }, c]
      await assertGives(
        { ...at, sources },
        {
          tree: { 'ns/c': '', 'ns/x/b': '', 'ns/x/y': 'b' },
          conflicts: ['content ns/x/y: a, b → b'],
          lost: { a: ['ns/x/a', 'ns/x/y'] },
        },
      )
    })

    it('may be maps of files', async () => {
      const at = scene({
        store: { 1: 'one', 2: 'two', 3: 'three' },
        b: { 'ns/x': 'two', 'ns/y': 'b' },
      })
      const [store, b] = at.sources as [Source, Source]
      const file = (name: string): string => path.join(store.dir ?? '', name)
      const files = new Map([
        ['ns/x', file('2')],
        ['ns/y', file('1')],
        ['ns/own', file('3')],
        ['other/z', file('3')],
      ])
      await assertGives(
        { ...at, sources: [{ name: 'a', files }, b] },
        {
          tree: { 'ns/x': 'two', 'ns/y': 'b', 'other/z': 'three' },
          conflicts: ['content ns/y: a, b → b'],
          // It wants the same ns/x as b.
          lost: { a: ['ns/own', 'ns/y'] },
        },
      )
    })

    it('do not conflict about what a filter leaves out', async () => {
      const at = scene({ a: { 'ns/x': 'a', 'ns/a': '' }, b: { 'ns/x': 'b', 'ns/b': '' } })
      const [a, b] = at.sources as [Source, Source]
      const sources = [a, { ...b, filter: (file: string) => file !== 'ns/x' }]
      await assertGives({ ...at, sources }, { tree: { 'ns/a': '', 'ns/b': '', 'ns/x': 'a' } })
    })
  })

  it('never leaves two packages in the scope of what they disagree about', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomFrom(seed)
      const packages: Record<string, Record<string, string>> = {}
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        const files = (packages[name] = {} as Record<string, string>)
        for (const dir of ['n', 'n/m', 'n/m/o', 'p', 'q/r/s'])
          for (const file of ['1', '2', '3'])
            if (random.below(8) > 0) files[`${dir}/${file}`] = random.below(9) > 0 ? 'x' : 'y'
      }
      const at = scene(packages)
      const plan = await planMerge(at.sources, at.dest, { conflicts })
      const entries = [...plan.entries()]
      const isIn = (scope: string, name: string): boolean =>
        entries.some((each) => each.source === name && each.path.startsWith(`${scope}/`))
      const trees = Object.entries(packages).map(([name, files]): [string, ModelTree] => {
        const written = Object.entries(files).map(([file, text]) => [file, `${text} 644`])
        const given = Object.fromEntries(written) as Record<string, string>
        return [name, treeOf(given, (a, b) => a === b, undefined)]
      })
      for (const [one, tree] of trees)
        for (const [other, others] of trees)
          for (const [file, entry] of tree) {
            const rival = others.get(file)
            if (rival?.type !== 'file' || identical(entry, rival)) continue
            const scope = scopeOf(tree, others, parentOf(file))
            const both = isIn(scope, one) && isIn(scope, other)
            assert.ok(!both, `seed ${String(seed)}: ${file} of ${one} and ${other} in ${scope}`)
          }
    }
  })
})
