import assert from 'node:assert/strict'
import path from 'node:path'

import { merge, planMerge } from '../../lib/index'
import type { Conflict, MergeOptions, Source } from '../../lib/index'
import { describeOn } from '../support/describe-on'
import { isThorough, sampled } from '../support/long'
import { mergeInChildren } from '../support/merge-in-child'
import { itWith } from '../support/needs'
import { writeTree } from '../support/tree'
import type { TreeSpec } from '../support/tree'
import { assertMerges, assertRefused, contentsOf, scene, toldOf } from './on-disk'

describe('packages that conflict', () => {
  const packages = {
    a: { 'same.js': 'x', 'ns/x': 'a', 'ns/y': 'a', 'ns/own-a': '', 'ns/z/deep/a': 'a' },
    b: { 'same.js': 'x', 'ns/x': 'b', 'ns/y': { data: 'a', mode: 0o755 }, 'ns/own-b': '' },
    c: { 'same.js': 'x', 'ns/x': 'a', 'ns/z': { symlink: 'x' }, 'other/own-c': '' },
  }
  const others = { 'same.js': 'x', 'ns/own-a': '', 'ns/own-b': '', 'other/own-c': '' }
  const told = (x: string, y: string, z: string): string[] => [
    `content ns/x: a, b, c → ${x}`,
    `content ns/y: a, b → ${y}`,
    `type ns/z: a, c → ${z}`,
  ]

  it('are all told by default, and nothing changes', async () => {
    await assertRefused(scene(packages), {}, told('nobody', 'nobody', 'nobody'))
  })

  it("give each path to the first that has it, with 'first'", async () => {
    const tree = { ...others, 'ns/x': 'a', 'ns/y': 'a', 'ns/z/deep/a': 'a' }
    // c wants the same ns/x as a: it has lost nothing there.
    const lost = { b: ['ns/x', 'ns/y'], c: ['ns/z'] }
    const outcome = { tree, conflicts: told('a', 'a', 'a'), lost }
    await assertMerges(scene(packages), { conflicts: 'first' }, outcome)
  })

  it("give each path to the last that has it, with 'last'", async () => {
    const tree = { ...others, 'ns/x': 'a', 'ns/y': 'a*', 'ns/z': '→ x' }
    const lost = { a: ['ns/y', 'ns/z'], b: ['ns/x'] }
    const outcome = { tree, conflicts: told('c', 'b', 'c'), lost }
    await assertMerges(scene(packages), { conflicts: 'last' }, outcome)
  })

  for (const [winner, conflicts, wins] of [
    ['a', 'first', 'directory'],
    ['d', 'last', 'file'],
    ['c', () => 'c', 'directory'],
    ['b', () => 'b', 'file'],
  ] as [string, NonNullable<MergeOptions['conflicts']>, string][])
    it(`over a directory and a file: where ${winner} wins it is with its ${wins}`, async () => {
      const inA = { 'd/a': '', 'd/e/a': '', 'd/e/same': '' }
      const inC = { 'd/e/c': '', 'd/e/same': '' }
      const at = scene({ a: inA, b: { d: 'b' }, c: inC, d: { d: 'd' } })
      const tree = wins === 'directory' ? { ...inA, ...inC } : { d: winner }
      const kept = wins === 'directory' ? ['a', 'c'] : [winner]
      const losers = ['a', 'b', 'c', 'd'].filter((name) => !kept.includes(name))
      await assertMerges(
        at,
        { conflicts },
        {
          tree,
          conflicts: [`type d: a, b, c, d → ${winner}`],
          lost: Object.fromEntries(losers.map((name) => [name, ['d']])),
        },
      )
    })

  it('name the one whose entry stands, also over what dest holds', async () => {
    const at = scene({ a: { x: 'ac' }, b: { x: 'b' }, c: { x: 'ac' } }, { x: 'of dest' })
    await assertMerges(
      at,
      { conflicts: 'last', existing: 'replace' },
      {
        tree: { x: 'ac' },
        conflicts: ['content x: a, b, c → c', 'existing x: a, c → c'],
        lost: { b: ['x'] },
      },
    )
  })
})

type Thing = 'file' | 'executable' | 'directory' | 'symlink'

/** What package `name` has at a path. */
const things: Record<Thing, (at: string, name: string) => TreeSpec> = {
  file: (at, name) => ({ [at]: `of ${name}` }),
  // The bytes are those of a, so that with a file of a's the bits alone differ.
  executable: (at) => ({ [at]: { data: 'of a', mode: 0o755 } }),
  directory: (at, name) => ({ [`${at}/${name}`]: name, [`${at}/deep/er/${name}`]: name }),
  symlink: (at, name) => ({ [at]: { symlink: `own-${name}` } }),
}

describe('every conflict between two packages, with everything that dest may hold', () => {
  const pairs: [Thing, Thing][] = [
    ['file', 'file'],
    ['file', 'executable'],
    ['symlink', 'symlink'],
    ['file', 'directory'],
    ['directory', 'file'],
    ['file', 'symlink'],
    ['symlink', 'file'],
    ['directory', 'symlink'],
    ['symlink', 'directory'],
  ]
  const chooser = ({ kind }: Conflict): string => (kind === 'type' ? 'a' : 'b')
  const places = ['x', 'a/b/x'].flatMap((at) =>
    (['error', 'keep', 'replace'] as const).flatMap((existing) =>
      (['nothing', 'same', 'file', 'directory', 'symlink'] as const).map((held) => {
        return { at, existing, held }
      }),
    ),
  )

  for (const [row, conflicts] of (
    ['error', 'first', 'last', 'exclusive', chooser] as const
  ).entries())
    for (const [column, pair] of pairs.entries()) {
      const turn = row + column
      const policy = typeof conflicts === 'function' ? 'a function' : `'${conflicts}'`
      it(`${pair.join(' and ')}, with ${policy}`, async () => {
        for (const { at, existing, held } of sampled(places, 11, turn))
          await within(`${at}, existing: '${existing}', dest holds: ${held}`, () =>
            checkOne({ pair, at, conflicts, existing, held }),
          )
      })
    }
})

/** Tells of a failure in which of many cases it was. */
async function within(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
  }
}

interface Case {
  pair: readonly [Thing, Thing]
  at: string
  conflicts: NonNullable<MergeOptions['conflicts']>
  existing: NonNullable<MergeOptions['existing']>
  held: 'nothing' | 'same' | 'file' | 'directory' | 'symlink'
}

async function checkOne({ pair, at, conflicts, existing, held }: Case): Promise<void> {
  const [inA, inB] = pair
  const dir = at.slice(0, at.lastIndexOf('/') + 1)
  const own = (name: string): TreeSpec => ({ [`${dir}own-${name}`]: name })
  const isContent = inA === inB || inB === 'executable'
  const told = `${isContent ? 'content' : 'type'} ${at}: a, b`
  const policy = typeof conflicts === 'function' ? 'chooser' : conflicts
  const chosen = isContent ? 'b' : 'a'
  const winners = { error: '', first: 'a', last: 'b', exclusive: 'b', chooser: chosen }
  const winner = winners[policy]
  const wanted = winner === 'b' ? inB : inA
  const standing = things[wanted](at, winner)

  const holds: TreeSpec = {
    ...{ nothing: {}, same: standing, file: { [at]: 'of dest' } },
    ...{ directory: { [`${at}/of-dest`]: '' }, symlink: { [at]: { symlink: 'of-dest' } } },
  }[held]
  const packages = {
    a: { ...own('a'), ...things[inA](at, 'a') },
    b: { ...own('b'), ...things[inB](at, 'b') },
  }
  const merging = scene(packages, { ...holds, ...own('dest') })
  if (winner === '') {
    await assertRefused(merging, { conflicts, existing }, [`${told} → nobody`])
    return
  }

  // Directories merge, and what is the same is no conflict.
  const merges =
    held === 'nothing' || held === 'same' || (held === 'directory' && wanted === 'directory')
  const isNeverReplaced = held === 'directory'
  const isNeverKept = held === 'symlink' && wanted === 'directory'
  const decided = { error: false, keep: !isNeverKept, replace: !isNeverReplaced }[existing]
  if (!merges && !decided) {
    await assertRefused(merging, { conflicts, existing }, [`existing ${at}: ${winner} → nobody`])
    return
  }
  const all = [`${told} → ${winner}`]
  if (!merges) all.push(`existing ${at}: ${winner} → ${existing === 'replace' ? winner : 'nobody'}`)
  const loser = winner === 'a' ? 'b' : 'a'
  // Directly in dest there is no directory for the loser to leave.
  const leaves = policy === 'exclusive' && dir !== ''
  const tree = {
    ...{ ...own('dest'), ...own(winner), ...(leaves ? {} : own(loser)) },
    ...(merges || existing === 'keep' ? holds : {}),
    ...(merges || existing === 'replace' ? standing : {}),
  }
  const outcome = {
    tree: contentsOf(writeTree(path.join(merging.dir, 'expected'), tree)),
    conflicts: all,
    lost: { [loser]: leaves ? [`${dir}own-${loser}`, at] : [at] },
  }
  await assertMerges(merging, { conflicts, existing }, outcome)
}

describe('a function that decides', () => {
  /** What it is asked in one merge. */
  async function asked(
    packages: Readonly<Record<string, TreeSpec>>,
    decide: (conflict: Conflict) => string,
    held?: TreeSpec,
  ): Promise<{ conflicts: string[]; tree: Record<string, string>; told: string[] }> {
    const at = scene(packages, held)
    const conflicts: string[] = []
    const result = await merge(at.sources, at.dest, {
      existing: 'replace',
      conflicts: (conflict) => {
        conflicts.push(toldOf(conflict))
        return decide(conflict)
      },
    })
    return { conflicts, tree: contentsOf(at.dest), told: result.conflicts.map(toldOf) }
  }

  it('is asked once about each conflict, what lies higher first, then by name', async () => {
    const packages = Object.fromEntries(
      ['a', 'b', 'c'].map((name) => [
        name,
        // The names are in no order on disk.
        { 'n/z': name, 'n/m/1': name, b: name, 'a/x': name, 'n/é': name, 'n/a': name, é: name },
      ]),
    )
    const { conflicts, told, tree } = await asked(packages, ({ path: file }) => {
      return file.startsWith('n/') ? 'b' : 'c'
    })
    const expected = ['b', 'é', 'a/x', 'n/a', 'n/z', 'n/é', 'n/m/1']
    assert.deepEqual(
      conflicts,
      expected.map((file) => `content ${file}: a, b, c → nobody`),
    )
    assert.deepEqual([told.length, tree['n/m/1'], tree['b']], [expected.length, 'b', 'c'])
  })

  it('is not asked about what dest holds, nor about what lies below a lost directory', async () => {
    const { conflicts, tree, told } = await asked(
      { a: { 'd/x': 'a' }, b: { 'd/x': 'b' }, c: { d: 'c', e: 'c' } },
      () => 'c',
      { d: 'of dest', e: 'of dest' },
    )
    assert.deepEqual(conflicts, ['type d: a, b, c → nobody'])
    assert.deepEqual(tree, { d: 'c', e: 'c' })
    assert.deepEqual(told, ['type d: a, b, c → c', 'existing d: c → c', 'existing e: c → c'])
  })

  it('gets a copy: what it does to it changes nothing', async () => {
    const { tree, told } = await asked({ a: { x: 'a' }, b: { x: 'b' } }, (conflict) => {
      conflict.sources.splice(0, 2, 'nobody', 'a')
      Object.assign(conflict, { path: 'elsewhere', kind: 'case', winner: 'nobody' })
      return 'b'
    })
    assert.deepEqual([tree, told], [{ x: 'b' }, ['content x: a, b → b']])
  })
})

describe('a later merge', () => {
  const packages = { a: { 'ns/x': 'a', 'ns/a': 'a' }, b: { 'ns/x': 'b', 'ns/b': 'b' } }

  it('meets what an earlier one published as what dest holds', async () => {
    const at = scene(packages)
    const [a, b] = at.sources as [Source, Source]
    await merge([a], at.dest)
    const later = { ...at, sources: [b] }
    await assertRefused(later, { conflicts: 'last' }, ['existing ns/x: b → nobody'])
    const kept = { 'ns/a': 'a', 'ns/b': 'b', 'ns/x': 'a' }
    const keeping = { tree: kept, conflicts: ['existing ns/x: b → nobody'] }
    await assertMerges(later, { existing: 'keep' }, keeping)
    const replacing = { tree: { ...kept, 'ns/x': 'b' }, conflicts: ['existing ns/x: b → b'] }
    await assertMerges(later, { existing: 'replace' }, replacing)
    await assertMerges(later, {}, { tree: replacing.tree })
  })

  it('of the same packages with another policy is told of both decisions', async () => {
    const at = scene(packages)
    await merge(at.sources, at.dest, { conflicts: 'first' })
    const plan = await planMerge(at.sources, at.dest, { conflicts: 'last', existing: 'replace' })
    assert.deepEqual(plan.conflicts.map(toldOf), ['content ns/x: a, b → b', 'existing ns/x: b → b'])
  })
})

describe('packages that conflict, merged by as many processes at once', () => {
  const NAMES = ['a', 'b', 'c', 'd']
  const ROUNDS = isThorough ? 12 : 4
  // Each pair has some files differently. In a ring, so that some of them can do without each other.
  const PAIRS = ['ab', 'bc', 'cd', 'da']
  const FOLDERS = Array.from({ length: 40 }, (_, index) => `${String(index % 4)}/${String(index)}`)

  function specOf(name: string): Record<string, string> {
    const spec: Record<string, string> = { [`own-${name}/x`]: name, [`ns/own-${name}`]: name }
    for (const pair of PAIRS.filter((each) => each.includes(name)))
      for (const folder of FOLDERS) spec[`ns/${folder}/${pair}`] = name
    return spec
  }

  /** What is there after one came after the other, and who could. */
  function oneByOne(order: readonly string[], existing: string): string {
    let tree: Record<string, string> = {}
    const done: string[] = []
    for (const name of order) {
      const spec = specOf(name)
      if (existing === 'error' && Object.keys(spec).some((file) => file in tree)) continue
      tree = existing === 'keep' ? { ...spec, ...tree } : { ...tree, ...spec }
      done.push(name)
    }
    return canonical(tree, done)
  }

  function canonical(tree: Record<string, string>, done: string[]): string {
    const lines = Object.entries(tree).map(([file, text]) => `${file}: ${text}`)
    return [...lines.sort(), `done: ${done.sort().join(', ')}`].join('\n')
  }

  function ordersOf(names: readonly string[]): string[][] {
    if (names.length === 0) return [[]]
    return names.flatMap((first) =>
      ordersOf(names.filter((name) => name !== first)).map((rest) => [first, ...rest]),
    )
  }

  describeOn(isThorough ? ['btrfs', 'tmpfs'] : ['btrfs'], (volume) => {
    itWith('locks', 'leave what one after the other would have left', async function () {
      const dir = volume.fresh()
      const cases = (['error', 'keep', 'replace'] as const).flatMap((existing) =>
        Array.from({ length: ROUNDS }, (_, round) => {
          return { existing, dest: path.join(dir, existing, String(round)), round }
        }),
      )
      // Some are there, with directories in which each file is published alone; some are not.
      const folders = Object.fromEntries(FOLDERS.map((folder) => [`ns/${folder}/`, {}]))
      for (const { dest, round } of cases) if (round >= ROUNDS / 2) writeTree(dest, folders)
      const lists = NAMES.map((name) => {
        const source = { name, dir: writeTree(path.join(dir, 'store', name), specOf(name)) }
        return cases.map(({ dest, existing }) => {
          return { sources: [source], dest, options: { existing } }
        })
      })
      const outcomes = await mergeInChildren(lists, volume.fresh())
      const orders = ordersOf(NAMES)
      for (const [number, { dest, existing }] of cases.entries()) {
        const possible = new Set(orders.map((order) => oneByOne(order, existing)))
        const done = NAMES.filter((_, index) => {
          const { error } = outcomes[index * cases.length + number] ?? {}
          if (error !== undefined) assert.equal(error['code'], 'ERR_MERGE_CONFLICT', error.message)
          return error === undefined
        })
        const found = canonical(contentsOf(dest), done)
        assert.ok(possible.has(found), `existing: '${existing}': no order gives\n${found}`)
      }
    })
  })
})
