import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

import { defaultHost } from '../lib/host'
import type { Host } from '../lib/host/host'
import type { MergeOptions, MergeResult, Source } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { Session } from '../lib/session'
import { describeOn } from './support/describe-on'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { isLong } from './support/long'
import { randomFrom, type Random } from './support/random'
import { scriptedHost, type Operation, type Verdict } from './support/scripted-host'
import { cloningEverywhere, failWith } from './support/scripts'
import { stored } from './support/session'
import { digest } from './support/snapshot'
import { writeTree, type TreeSpec } from './support/tree'

const CONCURRENCY = [1, 2, 8, 64]

// What a name ends in decides how the file is placed: the report has something of every kind to tell.
const refusals: Readonly<Record<string, Partial<Record<Operation, Verdict>>>> = {
  2: { clone: failWith('EINVAL', 'ficlone') },
  3: { clone: failWith('EINVAL', 'ficlone'), hardlink: failWith('EMLINK', 'link') },
  4: { clone: failWith('EPERM', 'ficlone') },
}
const refuse = (operation: Operation, from = ''): Verdict => refusals[from.slice(-1)]?.[operation]

/** In the order of their ranks, which is not that of their names. */
const packages: Readonly<Record<string, TreeSpec>> = {
  delta: {
    'ns/': { dir: true, mode: 0o750 },
    'ns/same2': 'the same in all',
    'ns/other3': 'of delta',
    'ns/kind': 'a file',
    'ns/link': { symlink: 'same2' },
    'ns/deep/delta4': 'delta',
    'bin/run': { data: 'run', mode: 0o755 },
    'delta/alone2': 'alone',
    'delta/deep/est/x3': 'x',
  },
  alpha: {
    'ns/same2': 'the same in all',
    'ns/other3': 'of alpha',
    'ns/kind/inside4': 'in a directory',
    'ns/kind/deeper/x': 'in a directory',
    'ns/link': { symlink: 'same2' },
    'bin/run': { data: 'run', mode: 0o755 },
    'empty/': { dir: true, mode: 0o555 },
  },
  echo: {
    'ns/': { dir: true, mode: 0o700 },
    'ns/kind/': { dir: true, mode: 0o711 },
    'ns/kind/inside4': 'in a directory',
    'ns/kind/own': 'of echo',
    'ns/deep/': { dir: true, mode: 0o700 },
    'ns/deep/echo2': 'echo',
    'ns/link': { symlink: 'other3' },
    'bin/run': 'run',
    'empty/': { dir: true, mode: 0o711 },
    'hollow/est/': {},
  },
  // Its place is a directory of others.
  bravo: { other3: 'of bravo', 'deep/bravo3': 'bravo', 'deep/delta4': 'of bravo', bravo2: 'bravo' },
}

function write(store: string): Source[] {
  const sources: Source[] = Object.entries(packages).map(([name, spec]) => ({
    name,
    dir: writeTree(path.join(store, name), spec),
    ...(name === 'bravo' && { to: 'ns' }),
  }))
  const files = writeTree(path.join(store, 'files'), {
    ...{ same2: 'the same in all', mapped4: 'mapped', run: { data: 'RUN', mode: 0o755 } },
  })
  const mapped = { 'ns/same2': 'same2', 'ns/mapped/file4': 'mapped4', 'bin/run': 'run' }
  const entries = Object.entries(mapped).map(([at, file]) => [at, path.join(files, file)] as const)
  return [...sources, { name: 'charlie', files: new Map(entries) }]
}

/** What dest holds already: the same, something else, a file for a directory, another mode, its own. */
const held: TreeSpec = {
  'ns/': { dir: true, mode: 0o710 },
  'ns/same2': 'the same in all',
  'ns/other3': 'of dest!',
  'ns/mapped': 'a file',
  'delta/deep/': {},
  'hollow/own': 'own',
  own: 'own',
}

const options: Readonly<Record<string, MergeOptions>> = {
  first: { conflicts: 'first', existing: 'replace' },
  last: { conflicts: 'last', existing: 'keep' },
  exclusive: { conflicts: 'exclusive', existing: 'replace' },
  error: { conflicts: 'error', existing: 'error' },
}

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutationsOf(items.toSpliced(index, 1)).map((others) => [item, ...others]),
  )
}

/** Goes its own way at the seed's will: late now and then, and now and then much later. */
function dawdling(host: Host, random: Random): Host {
  return scriptedHost(host, async ({ operation, from }) => {
    for (let turns = random.below(3); turns > 0; turns--) await turn()
    if (random.below(40) === 0) await sleep(random.below(3))
    return refuse(operation, from)
  })
}

/** Adds the sources as they come, each with its place in the caller's order, and commits. */
async function inSession(
  host: Host,
  arriving: readonly { source: Source; rank: number }[],
  dest: string,
  given: MergeOptions,
  random: Random,
): Promise<MergeResult> {
  const session = await Session.open(host, dest, given)
  for (const { source, rank } of arriving) {
    const added = session.add(source, { rank })
    if (random.below(4) === 0) await added
    else for (let turns = random.below(12); turns > 0; turns--) await turn()
  }
  return session.commit()
}

/** All that is promised: the tree, and the report less its times, with dest's path left out. */
async function outcomeOf(dest: string, merging: Promise<MergeResult>): Promise<object> {
  const outcome = await merging.then(
    (result) => ({ ...result, duration: undefined }),
    async (): Promise<object> => {
      const { code, message, conflicts } = await failureOf(merging)
      return { code, message, conflicts }
    },
  )
  const told = JSON.parse(JSON.stringify(outcome).replaceAll(dest, 'DEST')) as object
  const tree = fs.existsSync(dest) && digest(dest)
  return { ...told, tree, beside: fs.readdirSync(path.dirname(dest)) }
}

describe('the order in which packages arrive', function () {
  const host = cloningEverywhere(defaultHost)

  describeOn(['tmpfs'], (volume) => {
    let store: string
    let sources: Source[]
    before(() => {
      store = volume.fresh()
      sources = write(store)
    })

    const prepare = (state: 'absent' | 'there'): string => {
      const dest = path.join(volume.fresh(), 'dest')
      if (state === 'there') writeTree(dest, held)
      return dest
    }

    for (const [policy, given] of Object.entries(options))
      for (const state of ['absent', 'there'] as const)
        it(`does not matter with '${policy}' into a dest that is ${state}`, async () => {
          const linkModes = ['clone', 'hardlink', 'copy'] as const
          const plain = scriptedHost(host, ({ operation, from }) => refuse(operation, from))
          const merge = async (concurrency: number): Promise<object> => {
            const dest = prepare(state)
            const merging = mergeOn(plain, sources, dest, { ...given, linkModes, concurrency })
            return outcomeOf(dest, merging)
          }
          const expected = await merge(1)
          assertTelling(policy, expected)

          const ranked = sources.map((source, rank) => ({ source, rank }))
          // Each order with one concurrency into a dest that is there, and with the others, or one of them, into none.
          const absent = isLong ? [1, 2, 3] : [1]
          const turns = state === 'there' ? [0] : absent
          const cases = permutationsOf(ranked).flatMap((arriving, index) =>
            CONCURRENCY.filter((_, at) => turns.includes((index + at) % 4)).map((concurrency) => ({
              arriving,
              concurrency,
            })),
          )
          assert.equal(cases.length, 120 * turns.length)
          // Several at once: most of the time they wait.
          const next = cases.entries()
          const work = async (): Promise<void> => {
            for (const [seed, { arriving, concurrency }] of next) {
              const random = randomFrom(seed)
              const dest = prepare(state)
              const all = { ...given, linkModes, concurrency }
              const merging = inSession(dawdling(host, random), arriving, dest, all, random)
              const order = arriving.map(({ source }) => source.name).join(', ')
              const what = `arriving as ${order}, concurrency ${concurrency}, seed ${seed}`
              assert.deepEqual(await outcomeOf(dest, merging), expected, what)
              fs.rmSync(path.dirname(dest), { recursive: true })
            }
          }
          await Promise.all(Array.from({ length: 12 }, work))
        })
  })

  describeOn(['exfat', 'tmpfs'], (volume) => {
    const spellings: Readonly<Record<string, TreeSpec>> = {
      b: { 'ns/Foo': 'of b', 'ns/Dir/x': 'x', 'b/Both': '1' },
      c: { 'ns/foo': 'of c', 'ns/dir/y': 'y', 'own/Alone/x': 'x', 'own/alone': 'y' },
      a: { 'ns/FOO': 'of b', 'ns/dir/z': 'z', 'a/x': 'x' },
    }
    for (const [policy, given] of Object.entries(options))
      it(`does not matter with '${policy}' where packages spell names in several ways`, async () => {
        const store = freshDir()
        const sources = stored(store, spellings)
        const outcome = async (
          merging: (dest: string) => Promise<MergeResult>,
        ): Promise<object> => {
          const dest = path.join(volume.fresh(), 'dest')
          return outcomeOf(dest, merging(dest))
        }
        const expected = await outcome((dest) => mergeOn(defaultHost, sources, dest, given))
        const ranked = sources.map((source, rank) => ({ source, rank }))
        for (const [seed, arriving] of permutationsOf(ranked).entries()) {
          const random = randomFrom(seed)
          const outcomeNow = await outcome((dest) =>
            inSession(defaultHost, arriving, dest, given, random),
          )
          const order = arriving.map(({ source }) => source.name).join(', ')
          assert.deepEqual(outcomeNow, expected, `arriving as ${order}`)
        }
      })
  })

  it('does not matter where only some packages can be cloned or linked', async () => {
    // As with a store that is mounted twice: one st_dev, but link() fails from one mount to the other, and so
    // does cloning before Linux 5.18.
    const store = freshDir()
    const sources = stored(store, {
      near: { 'near/1': '1', 'near/2': '2' },
      far: { 'far/1': '1', 'far/2': '2', 'far/3': '3' },
    })
    for (const [operation, syscall] of [
      ['clone', 'ficlone'],
      ['hardlink', 'link'],
    ] as const) {
      const mounted = scriptedHost(host, ({ operation: asked, from }) =>
        asked === operation && from?.includes('/store/far/') === true
          ? failWith('EXDEV', syscall)
          : undefined,
      )
      const given: MergeOptions = { linkModes: [operation, 'copy'] }
      const into = (): string => path.join(freshDir(), 'dest')
      const expected = into()
      const told = await outcomeOf(expected, mergeOn(mounted, sources, expected, given))
      const { linkModes, fallbacks } = told as MergeResult
      assert.deepEqual([linkModes[operation], linkModes.copy], [2, 3])
      assert.deepEqual(
        fallbacks.map(({ code, files }) => [code, files]),
        [['EXDEV', 3]],
      )
      const ranked = sources.map((source, rank) => ({ source, rank }))
      for (const arriving of permutationsOf(ranked)) {
        const dest = into()
        const session = await Session.open(mounted, dest, given)
        for (const { source, rank } of arriving) await session.add(source, { rank })
        const order = arriving.map(({ source }) => source.name).join(', ')
        assert.deepEqual(await outcomeOf(dest, session.commit()), told, `${operation}, ${order}`)
      }
    }
  })

  /** That the packages are such that the order could have mattered. */
  function assertTelling(policy: string, outcome: object): void {
    const { conflicts, ...told } = outcome as MergeResult & { code?: string }
    assert.ok(new Set(conflicts.map(({ kind }) => kind)).size > 1)
    if (policy === 'error') {
      assert.equal(told.code, 'ERR_MERGE_CONFLICT')
      return
    }
    assert.ok(told.sources.filter(({ lost }) => lost.length > 0).length > 1)
    assert.ok(told.fallbacks.length > 2)
    assert.ok(told.linkModes.clone > 0 && told.linkModes.hardlink > 0 && told.linkModes.copy > 0)
  }

  describe('is told by ranks', () => {
    /** Each package wants the same path; who gets it tells the order. */
    async function winnerOf(
      added: readonly (readonly [name: string, at?: { rank?: number }])[],
      conflicts: 'first' | 'last' = 'first',
    ): Promise<{ order: string[]; winner: string }> {
      const base = freshDir()
      const session = await Session.open(defaultHost, path.join(base, 'dest'), { conflicts })
      for (const [name, at] of added) {
        void session.add({ name, dir: writeTree(path.join(base, name), { file: name }) }, at)
      }
      const result = await session.commit()
      const winner = fs.readFileSync(path.join(base, 'dest/file'), 'utf8')
      assert.deepEqual(result.conflicts[0]?.winner, winner)
      const order = result.sources.map(({ name }) => name)
      assert.deepEqual(result.conflicts[0].sources, order)
      return { order, winner }
    }

    it('that count the calls where none is given', async () => {
      const { order, winner } = await winnerOf([['c'], ['a', {}], ['b']])
      assert.deepEqual(order, ['c', 'a', 'b'])
      assert.equal(winner, 'c')
    })

    it('so that the last of them wins with "last"', async () => {
      const { winner } = await winnerOf([['c'], ['b'], ['a']], 'last')
      assert.equal(winner, 'a')
    })

    it('that may be negative, fractional and infinite', async () => {
      const { order } = await winnerOf([
        ['zero', { rank: 0 }],
        ['end', { rank: Infinity }],
        ['half', { rank: 0.5 }],
        ['minus', { rank: -1.5 }],
        ['start', { rank: -Infinity }],
        ['minus zero', { rank: -0 }],
        ['also end', { rank: Infinity }],
      ])
      assert.deepEqual(order, [
        ...['start', 'minus', 'minus zero', 'zero', 'half', 'also end', 'end'],
      ])
    })

    it('and by names where the rank is the same', async () => {
      const { order } = await winnerOf([
        ...(['b', 'a', 'B', 'ä', 'c'] as const).map((name) => [name, { rank: 7 }] as const),
        ['z', { rank: 6 }],
      ])
      assert.deepEqual(order, ['z', 'B', 'a', 'b', 'c', 'ä'])
    })

    it('of which those that are given do not count for those that are not', async () => {
      // The three without a rank have 0, 1 and 2.
      const { order } = await winnerOf([
        ['five', { rank: 5 }],
        ['first'],
        ['a one', { rank: 1 }],
        ['second'],
        ['third'],
        ['before third', { rank: 1.5 }],
      ])
      assert.deepEqual(order, ['first', 'a one', 'second', 'before third', 'third', 'five'])
    })

    it('and by nothing else', async () => {
      const base = freshDir()
      const dir = writeTree(path.join(base, 'a'), { file: 'a' })
      const session = await Session.open(defaultHost, path.join(base, 'dest'), undefined)
      const refused = async (at: unknown, code: string): Promise<void> => {
        const error = await failureOf(session.add({ name: 'a', dir }, at as { rank: number }))
        assert.equal(error.code, code)
      }
      await refused({ rank: NaN }, 'ERR_INVALID_ARG_VALUE')
      for (const rank of ['1', null, 1n, {}, [1], true]) {
        await refused({ rank }, 'ERR_INVALID_ARG_TYPE')
      }
      for (const at of [1, 'first', null]) await refused(at, 'ERR_INVALID_ARG_TYPE')
      // None of them has taken the name, or a rank.
      await session.add({ name: 'a', dir })
      assert.equal((await session.commit()).created, 1)
    })
  })
})
