import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { Conflict, MergeOptions, MergeResult, Source } from '../../lib/index'
import { mergeOn, planOn } from '../../lib/merge'
import { Session } from '../../lib/session'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { failpoints } from '../support/failpoints'
import { isThorough, sampled } from '../support/long'
import { failWith } from '../support/scripts'
import { writeTree, type TreeNode } from '../support/tree'
import { orSkip } from '../support/unrunnable'
import { makeVolume, MiB } from '../support/volumes'

/** '/'-joined path → bytes. */
type Files = Readonly<Record<string, string>>

/** All files below `dir`. Modes are no matter here: exfat has none. */
function held(dir: string): Files {
  const entries = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
  const files = entries.filter((entry) => fs.statSync(path.join(dir, entry)).isFile())
  return Object.fromEntries(files.map((at) => [at, fs.readFileSync(path.join(dir, at), 'utf8')]))
}

/** All names below `dir`. */
function listed(dir: string): string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
}

/** Sources s0, s1 … on a file system on which all names are different ones. */
function store(...trees: Files[]): Source[] {
  const base = freshDir()
  return trees.map((tree, index) => {
    const name = `s${String(index)}`
    const files = Object.entries(tree).map(([at, data]): [string, TreeNode] => {
      // The mode that exfat gives all files.
      return [at, { data, mode: 0o777 }]
    })
    return { name, dir: writeTree(path.join(base, name), Object.fromEntries(files)) }
  })
}

const isStaging = (name: string): boolean => name.startsWith('.reflink-merge-')

type Policy = 'error' | 'first' | 'last' | 'exclusive' | 'function'

const policies: Record<Policy, NonNullable<MergeOptions['conflicts']>> = {
  error: 'error',
  first: 'first',
  last: 'last',
  exclusive: 'exclusive',
  function: ({ sources }) => sources[1] ?? sources[0] ?? '',
}

/** One source's wish for the entry. */
interface Wish {
  readonly source: number
  readonly name: string
  /** By the path below the name; '' is the entry itself. */
  readonly files: Files
}

const shapes: Record<string, (source: number, name: string) => Files> = {
  'different files': (source, name) => ({ '': `${String(source)} ${name}` }),
  'files alike': () => ({ '': 'same' }),
  directories: (source, name) => ({ [`/a/in-${String(source)}-${name}`]: 'x', '/b': 'b' }),
  'files and directories': (source, name) =>
    (source + name.length + name.charCodeAt(0)) % 2 === 0
      ? { '': 'file' }
      : { [`/${String(source)}`]: 'x' },
}

/** By source: the names that it has, all of them one entry where case does not count. */
const scenes: readonly (readonly (readonly string[])[])[] = [
  [['Foo', 'foo']],
  [['Foo'], ['foo']],
  [['foo'], ['Foo']],
  [['FOO', 'foo'], ['Foo']],
  [['Foo'], ['foo'], ['Foo']],
  [['Foo'], ['Foo'], ['foo']],
  [['foo'], ['FOO', 'Foo'], ['fOO']],
]

function agree(a: Wish, b: Wish): boolean {
  const isFile = '' in a.files || '' in b.files
  return a.name === b.name && (!isFile || a.files[''] === b.files[''])
}

interface Expected {
  readonly conflict: Conflict
  readonly tree: Files
  readonly lost: readonly string[][]
}

/** What must come of wishes for one entry of the directory `at`, beside which each source has a file of its own. */
function expectedOf(wishes: readonly Wish[], at: string, policy: Policy): Expected {
  const sources = [...new Set(wishes.map(({ source }) => source))]
  const isLast = policy === 'last' || policy === 'exclusive'
  const chosen = { error: undefined, first: sources[0], function: sources[1] ?? sources[0] }
  const source = policy === 'last' || policy === 'exclusive' ? sources.at(-1) : chosen[policy]
  const own = wishes.filter((wish) => wish.source === source)
  const winner = isLast ? own.at(-1) : own[0]
  const staying: number[] = []
  for (const each of sources.toReversed()) {
    const isBeaten = wishes.some(
      (a) => a.source === each && wishes.some((b) => staying.includes(b.source) && !agree(a, b)),
    )
    // Dest itself is no scope that anybody has to leave.
    if (policy !== 'exclusive' || at === '' || !isBeaten) staying.push(each)
  }
  const tree: Record<string, string> = {}
  const lost = sources.map((): string[] => [])
  for (const wish of wishes) {
    const agrees = winner !== undefined && agree(wish, winner)
    const stays = staying.includes(wish.source)
    for (const [below, data] of Object.entries(agrees && stays ? wish.files : {}))
      tree[at + wish.name + below] = data
    if (!agrees || (!stays && !('' in wish.files))) lost[wish.source]?.push(at + wish.name)
  }
  for (const each of sources) {
    const beside = `${at}own-${String(each)}`
    if (staying.includes(each)) tree[beside] = 'own'
    else lost[each]?.push(beside)
    lost[each]?.sort()
  }
  const conflict: Conflict = {
    path: `${at}${(winner ?? wishes[0])?.name ?? ''}`,
    kind: 'case',
    sources: sources.map((each) => `s${String(each)}`),
    winner: source === undefined ? null : `s${String(source)}`,
    paths: [...new Set(wishes.map(({ name }) => at + name))].sort(),
  }
  return { conflict, tree, lost }
}

/** Wishes in the caller's order, a source's own by name. */
function wishesOf(scene: (typeof scenes)[number], shape: string): Wish[] {
  return scene.flatMap((names, source) =>
    [...names].sort().map((name) => ({ source, name, files: shapes[shape]?.(source, name) ?? {} })),
  )
}

function storeOf(wishes: readonly Wish[], at: string): Source[] {
  const trees: Record<string, string>[] = []
  for (const { source, name, files } of wishes) {
    const tree = (trees[source] ??= { [`${at}own-${String(source)}`]: 'own' })
    for (const [below, data] of Object.entries(files)) tree[at + name + below] = data
  }
  return store(...trees)
}

describe('names that are one entry to dest', function () {
  describeOn(['exfat'], (volume) => {
    onBothHosts((host) => {
      const newDest = (files: Files = {}): string => {
        const dest = path.join(volume.fresh(), 'dest')
        return writeTree(dest, files)
      }

      before('publishes there at all', async () => {
        await mergeOn(host, store({ file: 'x', 'dir/file': 'x' }), volume.fresh())
      })

      describe('between sources', () => {
        for (const [turn, shape] of Object.keys(shapes).entries())
          for (const at of ['', 'ns/deep/'])
            it(`are one conflict, decided by each policy: ${shape} in dest/${at}`, async () => {
              const cases = scenes.flatMap((scene) =>
                Object.entries(policies).map(([policy, conflicts]) => {
                  return { scene, policy, conflicts }
                }),
              )
              for (const { scene, policy, conflicts } of sampled(cases, 6, turn)) {
                const wishes = wishesOf(scene, shape)
                const sources = storeOf(wishes, at)
                const what = `${JSON.stringify(scene)}, ${policy}`
                const { conflict, tree, lost } = expectedOf(wishes, at, policy as Policy)
                const dest = newDest()
                const plan = await planOn(host, sources, dest, { conflicts })
                assert.deepEqual(plan.conflicts, [conflict], what)
                assert.deepEqual(listed(dest), [], what)
                const merging = mergeOn(host, sources, dest, { conflicts })
                if (policy === 'error') {
                  assert.deepEqual((await failureOf(merging)).conflicts, [conflict], what)
                  assert.deepEqual(listed(dest), [], what)
                  continue
                }
                const result = await merging
                assert.deepEqual(held(dest), tree, what)
                assert.deepEqual(result.conflicts, [conflict], what)
                const told = result.sources.map((source) => source.lost)
                assert.deepEqual(told, lost, what)
                assert.deepEqual([plan.files, plan.sources], [result.files, result.sources], what)
              }
            })

        const caseOf = (paths: [string, string], sources: string[], winner: string): Conflict => {
          return { path: paths[0], kind: 'case', sources, winner, paths: paths.toSorted() }
        }

        it('are a conflict where a package itself goes, also in the middle of its way', async () => {
          const [a, b, c] = store({ a: 'a', same: 'x' }, { b: 'b', same: 'x' }, { c: 'c' })
          assert.ok(a && b && c)
          for (const below of ['', '/in/ner']) {
            const sources = [a, b, c].map((source, index) => {
              return { ...source, to: `ns/${['Foo', 'foo', 'Foo'][index] ?? ''}${below}` }
            })
            for (const conflicts of ['first', 'last', 'exclusive'] as const) {
              const dest = newDest()
              const result = await mergeOn(host, sources, dest, { conflicts })
              const winner = conflicts === 'first' ? 's0' : 's2'
              const all = ['s0', 's1', 's2']
              assert.deepEqual(result.conflicts, [caseOf(['ns/Foo', 'ns/foo'], all, winner)])
              const at = `ns/Foo${below}`
              const tree = { [`${at}/a`]: 'a', [`${at}/c`]: 'c', [`${at}/same`]: 'x' }
              assert.deepEqual(held(dest), tree)
              assert.deepEqual(
                result.sources.map(({ lost }) => lost),
                [[], ['ns/foo'], []],
              )
            }
          }
        })

        it('are a conflict in a map of files, and between a map and a tree', async () => {
          const [{ dir = '' } = {}, tree] = store({ one: '1', two: '2' }, { 'lib/IO/file': 'tree' })
          assert.ok(tree)
          const map = (entries: Files): Source => {
            const files = Object.entries(entries).map(([at, file]) => [at, path.join(dir, file)])
            return { name: 'map', files: new Map(files as [string, string][]) }
          }
          const cases: [Source[], Conflict, Files][] = [
            [
              [map({ 'a/File': 'one', 'a/file': 'two' })],
              caseOf(['a/file', 'a/File'], ['map'], 'map'),
              { 'a/file': '2' },
            ],
            [
              [map({ 'Lib/x': 'one', 'lib/y': 'two' })],
              caseOf(['lib', 'Lib'], ['map'], 'map'),
              { 'lib/y': '2' },
            ],
            [
              [map({ 'lib/io': 'one' }), tree],
              caseOf(['lib/IO', 'lib/io'], ['map', 's1'], 's1'),
              { 'lib/IO/file': 'tree' },
            ],
          ]
          for (const [sources, conflict, files] of cases) {
            const dest = newDest()
            const result = await mergeOn(host, sources, dest, { conflicts: 'last' })
            assert.deepEqual(result.conflicts, [conflict])
            assert.deepEqual(held(dest), files)
          }
        })

        it('are told in one error with all other conflicts', async () => {
          const sources = store(
            { 'b/Name': '0', 'c/content': '0', 'd/type': '0', held: '0', Kept: '0', 'Dir/x': '' },
            { 'b/name': '1', 'c/content': '1', 'd/type/x': '1' },
          )
          const before = { held: 'mine', kept: '0', 'dir/y': '' }
          const dest = newDest(before)
          const { code, conflicts } = await failureOf(mergeOn(host, sources, dest))
          assert.equal(code, 'ERR_MERGE_CONFLICT')
          assert.deepEqual(
            conflicts?.map(({ path: at, kind, paths }) => [at, kind, ...(paths ?? [])]),
            [
              ['Dir', 'case', 'Dir', 'dir'],
              ['Kept', 'case', 'Kept', 'kept'],
              ['b/Name', 'case', 'b/Name', 'b/name'],
              ['c/content', 'content'],
              ['d/type', 'type'],
              ['held', 'existing'],
            ],
          )
          const { conflicts: planned } = await planOn(host, sources, dest)
          assert.deepEqual(planned, conflicts)
          assert.deepEqual(held(dest), before)
        })

        it('are asked about once, by name, whatever order the file system lists them in', async () => {
          const asked = async (order: readonly string[]): Promise<string[]> => {
            const files = new Map(order.map((name) => [name, name]))
            const paths: string[] = []
            const conflicts = (conflict: Conflict): string => {
              paths.push(conflict.path)
              return 's0'
            }
            const sources = store(Object.fromEntries(files), { c: 'other', x: 'other' })
            await planOn(host, sources, newDest(), { conflicts })
            return paths
          }
          const order = ['B', 'b', 'c', 'X', 'x', 'Z', 'z']
          assert.deepEqual(await asked(order.toReversed()), await asked(order))
        })

        it('are asked about alone, where what is below them is then no conflict', async () => {
          const sources = store({ 'Foo/x': '0' }, { 'Foo/x': '1' }, { 'foo/y': '2' })
          const asked: string[] = []
          const conflicts = (conflict: Conflict): string => {
            asked.push(conflict.path)
            return 's2'
          }
          const dest = newDest()
          const result = await mergeOn(host, sources, dest, { conflicts })
          assert.deepEqual(held(dest), { 'foo/y': '2' })
          assert.deepEqual(
            result.conflicts.map((conflict) => conflict.path),
            ['foo'],
          )
          assert.deepEqual(asked, ['Foo'])
        })

        it('are the same conflict at every try: timing decides nothing', async () => {
          const sources = store({ Foo: '0' }, { foo: '1' })
          const dest = newDest()
          for (let round = 0; round < (isThorough ? 30 : 5); round++) {
            const { conflicts } = await planOn(host, sources, dest)
            assert.equal(conflicts.length, 1, `round ${String(round)}`)
          }
        })

        it('end alike in whatever order the sources arrive in a session', async () => {
          const sources = store(
            { 'ns/Foo': '0', 'ns/Bar/a': '0', 'Top/a': '0', 'ns/own-0': '', 'solo/a': '' },
            { 'ns/foo/x': '1', 'ns/bar/b': '1', 'top/b': '1', 'own/1': '' },
            { 'ns/Foo': '0', 'ns/Bar/c': '2', 'TOP/c': '2', 'ns/own-2': '', 'NS/x': '' },
          ).map((source, index) => ({ ...source, name: ['m', 'z', 'a'][index] ?? '' }))
          const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] // prettier-ignore
          for (const [turn, [policy, conflicts]] of Object.entries(policies).entries()) {
            const outcome = async (dest: string, merging: Promise<MergeResult>) => {
              const { conflicts: told, ...result } = await merging.catch((error: unknown) => {
                return { conflicts: (error as { conflicts?: unknown }).conflicts, fallbacks: [] }
              })
              const fallbacks = result.fallbacks.map((each) => {
                return { ...each, dest: path.relative(dest, each.dest) }
              })
              return { ...result, duration: undefined, fallbacks, told, tree: held(dest) }
            }
            const whole = newDest()
            const expected = await outcome(whole, mergeOn(host, sources, whole, { conflicts }))
            if (policy === 'first') assert.equal(held(whole)['Top/a'], '0')
            if (policy === 'last') assert.equal(held(whole)['TOP/c'], '2')
            for (const order of sampled(orders, orders.length, turn)) {
              const dest = newDest()
              const session = await Session.open(host, dest, { conflicts })
              for (const rank of order) {
                const adding = session.add(sources[rank] as Source, { rank })
                // Some have been staged alone when the next comes, some not.
                if (rank !== 1) await adding
              }
              const actual = await outcome(dest, session.commit())
              assert.deepEqual(actual, expected, `${policy}, ${String(order)}`)
              assert.deepEqual(listed(dest).filter(isStaging), [])
            }
          }
        })
      })

      describe('of which dest has another spelling', () => {
        /** What dest has, what the source has, and what comes of `replace`: null where it is refused. */
        const mergedDirectories: Record<
          string,
          { dest: Files; source: Files; replaced: Files | null }
        > = {
          'a file': { dest: { '': 'old' }, source: { '': 'new' }, replaced: { '': 'new' } },
          'a file alike': { dest: { '': 'x' }, source: { '': 'x' }, replaced: { '': 'x' } },
          'a file for a directory': {
            dest: { '': 'old' },
            source: { '/a/b': 'new' },
            replaced: { '/a/b': 'new' },
          },
          'a directory for a file': {
            dest: { '/a': 'old' },
            source: { '': 'new' },
            replaced: null,
          },
        }
        const spellings = [
          ['Foo', 'foo'],
          ['foo', 'Foo'],
          ['readme', 'README'],
          ['README', 'readme'],
          ['Ä.md', 'ä.md'],
        ] as const
        const under = (name: string, files: Files): Files =>
          Object.fromEntries(Object.entries(files).map(([below, data]) => [name + below, data]))

        for (const [turn, [what, { dest: has, source: wants, replaced }]] of Object.entries(
          mergedDirectories,
        ).entries())
          it(`are a conflict that \`existing\` decides: ${what}`, async () => {
            const cases = spellings.flatMap(([old, wanted]) =>
              ['', 'in/'].map((at) => ({ old, wanted, at })),
            )
            for (const { old, wanted, at } of sampled(cases, 3, turn)) {
              const beside = { [`${at}mine`]: 'mine' }
              const before = { ...under(at + old, has), ...beside }
              const sources = store(under(at + wanted, wants))
              const conflict = {
                ...{ path: at + wanted, kind: 'case', sources: ['s0'] },
                ...{ winner: null, paths: [at + old, at + wanted].sort() },
              }
              const refused =
                replaced === null ? (['error', 'replace'] as const) : (['error'] as const)
              for (const existing of refused) {
                const dest = newDest(before)
                const plan = await planOn(host, sources, dest, { existing })
                assert.deepEqual(plan.conflicts, [conflict])
                const error = await failureOf(mergeOn(host, sources, dest, { existing }))
                assert.deepEqual(error.conflicts, [conflict])
                assert.deepEqual(held(dest), before)
              }
              const kept = newDest(before)
              const result = await mergeOn(host, sources, kept, { existing: 'keep' })
              assert.deepEqual(result.conflicts, [conflict])
              assert.deepEqual([result.kept, result.created, result.replaced], [1, 0, 0])
              assert.deepEqual(held(kept), before)
              if (replaced === null) continue
              const dest = newDest(before)
              const { conflicts } = await mergeOn(host, sources, dest, { existing: 'replace' })
              assert.deepEqual(conflicts, [{ ...conflict, winner: 's0' }])
              assert.deepEqual(held(dest), { ...beside, ...under(at + wanted, replaced) })
              const again = await mergeOn(host, sources, dest)
              assert.deepEqual([again.conflicts, again.unchanged], [[], 1])
            }
          })

        it('merge where both are directories, into the one that is there, and are told', async () => {
          const before = { 'Foo/Bar/mine': 'mine', 'Foo/same': 'x', 'Foo/old': 'old' }
          const sources = store({ 'foo/bar/new': 'new', 'foo/same': 'x', 'foo/old': 'new' })
          const paths = [
            ['Foo', 'foo'],
            ['foo/Bar', 'foo/bar'],
          ]
          for (const existing of ['keep', 'replace'] as const) {
            const dest = newDest(before)
            const { conflicts } = await mergeOn(host, sources, dest, { existing })
            const told = conflicts.filter(({ kind }) => kind === 'case')
            assert.deepEqual(
              told.map((conflict) => [conflict.path, conflict.winner, conflict.paths]),
              paths.map((both) => [both[1], null, both]),
            )
            const old = existing === 'keep' ? 'old' : 'new'
            assert.deepEqual(held(dest), { ...before, 'Foo/Bar/new': 'new', 'Foo/old': old })
          }
          const dest = newDest(before)
          const { conflicts } = await failureOf(mergeOn(host, sources, dest))
          assert.deepEqual(
            conflicts?.map((conflict) => [conflict.path, conflict.kind]),
            [
              ['foo', 'case'],
              ['foo/bar', 'case'],
              ['foo/old', 'existing'],
            ],
          )
          assert.deepEqual(held(dest), before)
        })

        it('are told from others that look like them, though no inode tells them apart', async () => {
          // To exfat the first two are different names, and the third one is the second.
          const alike = [
            ['\u212a', 'K', 'k'],
            ['e\u0301', 'É', 'é'],
            ['ß', 'SS', 'ss'],
          ] as const
          for (const [like, old, wanted] of alike)
            for (const order of [
              [like, old],
              [old, like],
            ]) {
              // prettier-ignore
              const before = { [like]: 'one', [old]: 'two' }
              const dest = newDest(
                Object.fromEntries(order.map((name) => [name, before[name] ?? ''])),
              )
              for (const name of order) fs.utimesSync(path.join(dest, name), 1, 1)
              const sources = store({ [wanted]: 'new' })
              const { conflicts } = await planOn(host, sources, dest)
              assert.deepEqual(conflicts[0]?.paths, [old, wanted])
              await mergeOn(host, sources, dest, { existing: 'replace' })
              assert.deepEqual(held(dest), { [like]: 'one', [wanted]: 'new' })
            }
        })

        it('are replaced though the kernel remembers them for a while, as on any FUSE mount', async function () {
          const caching = ['entry_timeout=1', 'attr_timeout=1', 'negative_timeout=1']
          const options = { size: 64 * MiB, mountOptions: caching }
          const mount = await orSkip(this, makeVolume('exfat', options))
          const dest = writeTree(path.join(mount.path, 'dest'), { Foo: 'old', 'in/BAR': 'old' })
          const sources = store({ foo: 'new', 'in/bar/file': 'new' })
          await mergeOn(host, sources, dest, { existing: 'replace' })
          assert.deepEqual(held(dest), { foo: 'new', 'in/bar/file': 'new' })
          mount.remove()
        })

        it('have it back after a failure anywhere, name for name and byte for byte', async () => {
          const before = {
            ...{ Foo: 'Foo', 'Ns/Deep/Bar': 'Bar', 'Ns/Deep/mine': 'mine' },
            ...{ 'x/FILE': 'for a directory', kept: 'kept' },
          }
          const sources = store({
            ...{ foo: 'foo', 'ns/deep/bar': 'bar', 'x/file/in': 'in', kept: 'new', new: 'new' },
            ...{ 'ns/new/a': 'a' },
          })
          for (let n = 1; ; n += isThorough ? 1 : 2) {
            const dest = newDest(before)
            const names = listed(dest)
            const { host: failing, hit: failed } = failpoints(host, n, ({ operation }) =>
              failWith('EIO', operation),
            )
            const merging = mergeOn(failing, sources, dest, { existing: 'replace' })
            const outcome = await merging.catch((error: unknown) => error)
            // What fails while names are tried or the rest is swept away may be no failure of the merge.
            if (!(outcome instanceof Error)) {
              assert.equal(held(dest)['Ns/Deep/bar'], 'bar')
              if (failed.length > 0) continue
              assert.ok(n > 20, `only ${String(n)} operations`)
              break
            }
            const what = JSON.stringify(failed)
            assert.deepEqual(listed(dest), names, what)
            assert.deepEqual(held(dest), before, what)
          }
        })
      })
    })
  })
})
