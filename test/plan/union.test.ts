import assert from 'node:assert/strict'
import path from 'node:path'

import fc from 'fast-check'

import { Equality, Kind, type Place } from '../../lib/host/host'
import type { Compare } from '../../lib/plan/compare'
import { toPolicy } from '../../lib/plan/policy'
import { entriesOf } from '../../lib/plan/report'
import { unite, type NameOracle } from '../../lib/plan/union'
import type { SourceTree, TreeDirectory } from '../../lib/scan/tree'
import { isThorough, runs } from '../support/long'
import { filesOf, parseMode, treeOf, type Case } from './model-case'
import { casesWithin } from './model-cases'
import { nameOf, parentOf } from './model-tree'
import type { ModelEntry, ModelSource, ModelTree, SameName } from './model-tree'
import * as model from './model-union'

// No file is touched, so there may be many more than of whole merges.
const RUNS = isThorough ? 5 * runs : 2 * runs

/** What dest's file system might do. */
const likenesses: Readonly<Record<string, SameName>> = {
  'as they are': (a, b) => a === b,
  'whatever their case': (a, b) => a.toLowerCase() === b.toLowerCase(),
}

/** One directory of a tree and all below it, as a scan gives them; `place` tells whose it is. */
function directoryOf(
  tree: ModelTree,
  at: string,
  mode: number | undefined,
  place: Place,
): TreeDirectory {
  const here = [...tree].filter(([each]) => each !== '' && parentOf(each) === at)
  const others = here.filter(([, { type }]) => type !== 'directory')
  const entries = others.map(([, entry]) => entry)
  const targets = entries.flatMap((entry, index): [number, string][] =>
    entry.type === 'symlink' ? [[index, entry.target]] : [],
  )
  const below = here.flatMap(([each, entry]): [string, TreeDirectory][] => {
    if (entry.type !== 'directory') return []
    const child = { ...place, path: path.posix.join(place.path, nameOf(each)) }
    return [[nameOf(each), directoryOf(tree, each, entry.mode, child)]]
  })
  const sizeOf = (entry: ModelEntry): number => (entry.type === 'file' ? entry.data.length : 0)
  const modeOf = (entry: ModelEntry): number => (entry.type === 'file' ? entry.mode : 0o777)
  const kindOf = ({ type }: ModelEntry): number => (type === 'file' ? Kind.File : Kind.Symlink)
  return {
    names: others.map(([each]) => nameOf(each)),
    kinds: Uint8Array.from(entries, kindOf),
    modes: Uint16Array.from(entries, modeOf),
    sizes: Float64Array.from(entries, sizeOf),
    targets: new Map(targets),
    directories: new Map(below),
    plainBytes: undefined,
    distinct: false,
    mode,
    origin: place,
    contents: new Map(),
    givenModes: undefined,
    fileAt: (index) => ({ place, name: nameOf(others[index]?.[0] ?? assert.fail('no entry')) }),
    device: 1,
    isComplete: true,
  }
}

async function check(given: Case, sameName: SameName): Promise<void> {
  const models = given.sources.map(
    ({ tree, to = '', mode, asFiles = false }, index): ModelSource => {
      const its = treeOf(tree, (a, b) => a === b, undefined)
      const name = `s${String(index)}`
      return asFiles
        ? { name, to, mode: undefined, tree: filesOf(its) }
        : { name, to, mode: parseMode(mode ?? '755'), tree: its }
    },
  )
  const trees = models.map(({ name, to, mode, tree }, source): SourceTree => {
    const root = directoryOf(tree, '', mode, { base: name, path: '' })
    return { source, name, to, root, skipped: [] }
  })
  const compared = new Set<string>()
  const textOf = ({ base, path: at }: Place, name: string): string => {
    const source = models.find((each) => each.name === base)
    const entry = source?.tree.get(path.posix.join(at, name))
    return entry?.type === 'file' ? entry.data : assert.fail('no file')
  }
  const compare: Compare = (jobs) => {
    const answers = jobs.flatMap(({ from, to, names: own, toNames = own }) =>
      own.map((name, index) => {
        const other = toNames[index] ?? assert.fail('no name')
        const what = JSON.stringify([from, name, to, other])
        assert.ok(!compared.has(what), `compared twice: ${what}`)
        assert.ok('base' in from)
        compared.add(what)
        return textOf(from, name) === textOf(to, other) ? Equality.SameBytes : Equality.Differ
      }),
    )
    return Promise.resolve(Uint8Array.from(answers))
  }
  const sameEntries: NameOracle = (groups) =>
    Promise.resolve(
      groups.map(({ names, isWanted }) => {
        if (!names.some(isWanted)) return []
        const classes = names.map((name) => names.filter((other) => sameName(name, other)))
        return classes.filter((each, index) => each.length > 1 && each[0] === names[index])
      }),
    )
  const learnSizes = (): Promise<void> => Promise.resolve()
  const policy = toPolicy('exclusive')
  const union = await unite(trees, { policy, compare, learnSizes, sameEntries })
  const expected = model.unite(models, undefined, {
    ...{ conflicts: 'exclusive', existing: 'error', directoryMode: 0o755, sameName },
  })
  const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1)
  assert.deepEqual(union.undecided, [])
  assert.deepEqual(union.decided, expected.conflicts.toSorted(byPath))
  assert.deepEqual(union.lost, [...expected.lost.values()])
  const entries = [...entriesOf(union)].map(({ path: at, type, source }) => [at, type, source])
  const wanted = [...expected.wishes].map(([at, { entry, owner }]) => [at, entry.type, owner])
  assert.deepEqual(entries, wanted)
}

describe("the union of trees with 'exclusive', compared with a model in memory", function () {
  this.timeout(Math.max(300_000, RUNS * 20))

  for (const [what, sameName] of Object.entries(likenesses))
    it(`where dest takes names ${what} (${String(RUNS)} runs)`, async () => {
      const cases = casesWithin({ alphabets: ['letters', 'case', 'cases'], links: true })
      const property = fc.asyncProperty(cases, (given) => check(given, sameName))
      await fc.assert(property, { numRuns: RUNS })
    })

  const names = likenesses['whatever their case'] ?? assert.fail('no such')

  it('tells once what somebody left for, though nobody gets any of its names', () =>
    check(
      {
        sources: [
          { tree: { 'd/own': 'x 644', 'd/m/Foo': 'x 644' } },
          { tree: { 'd/m/foo': 'x 644', 'd/m/z': 'x 644' } },
          { tree: { 'd/m/Foo': 'y 644', 'd/m/z': 'x 644' } },
          { tree: { 'd/m/z': 'y 644' } },
        ],
        dest: undefined,
      },
      names,
    ))

  it('tells nothing more of who left a directory above', () =>
    check(
      {
        sources: [
          // Leaves `d` for the last, so it is nothing to the second that this one leaves `d/e` for the third.
          { tree: { 'd/own': 'x 644', 'd/e/q': 'x 644', 'd/e/f/x': 'x 644' } },
          { tree: { 'd/own': 'x 644', 'd/e/f/x': 'y 644' } },
          { tree: { 'd/own': 'x 644', 'd/e/f/x': 'z 644', 'd/e/mine': 'x 644' } },
          { tree: { 'd/e/q': 'y 644' } },
        ],
        dest: undefined,
      },
      names,
    ))
})
