import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { errno } from '../lib/errno'
import { defaultHost } from '../lib/host'
import type { Host } from '../lib/host/host'
import { nodeHost } from '../lib/host/node'
import { merge, recover } from '../lib/index'
import type { LinkMode, MergeOptions, RecoverResult } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { Session } from '../lib/session'
import { describeOn } from './support/describe-on'
import type { DescribedVolume } from './support/describe-on'
import { failureOf } from './support/failure'
import { tell } from './support/figures'
import { freshDir } from './support/fresh'
import { runs } from './support/long'
import { destOf, startMergeLoop, stateOf, versionOf, wholeOf } from './support/merge-loop'
import type { LoopOrder, Told } from './support/merge-loop'
import { describeWith } from './support/needs'
import { makeCutVolume } from './support/power-cut'
import type { CutKind, CutVolume } from './support/power-cut'
import { randomFrom } from './support/random'
import { stagingIn, stored } from './support/session'
import { assertTree, differences, digest, snapshot } from './support/snapshot'
import type { TreeEntry } from './support/snapshot'
import { packageStore } from './support/store'
import { writeTree } from './support/tree'
import type { TreeSpec } from './support/tree'
import { orSkip } from './support/unrunnable'
import { formats } from './support/volume-kinds'

// Cuts in the middle of a merge, for each file system.
const CUTS = Math.ceil(runs / 250)
const SEED = Number(process.env['REFLINK_MERGE_SEED'] ?? Date.now() % 2 ** 32)

const full: MergeOptions = { durability: 'full' }

function modesOf(kind: CutKind): [LinkMode, ...LinkMode[]] {
  return formats[kind].reflinks ? ['clone', 'copy', 'hardlink'] : ['copy', 'hardlink']
}

/** Whether the journal is flushed is a choice only where there is a shutdown. */
function flushesOf(kind: CutKind): [boolean, ...boolean[]] {
  return kind === 'btrfs' ? [false] : [false, true]
}

/** Declares a volume of its own for the tests of a block. */
function withCutVolume(described: DescribedVolume): () => CutVolume {
  let volume: CutVolume | undefined
  before('mounts a volume of its own', async function () {
    volume = await orSkip(this, makeCutVolume(described.kind as CutKind))
  })
  after('removes it', async () => {
    await volume?.remove()
  })
  return () => {
    assert.ok(volume, 'the volume is there in tests only')
    return volume
  }
}

/** A new directory on it, which goes with the volume. */
function roomOn(volume: CutVolume): string {
  return fs.mkdtempSync(path.join(volume.path, 'room-'))
}

/** What a tree of this spec looks like. */
function treeOf(spec: TreeSpec): TreeEntry[] {
  return snapshot(writeTree(freshDir(), spec))
}

/** What others see in dest: staging directories have a reserved name, and mode 0700. */
function visible(dest: string): TreeEntry[] {
  if (!fs.existsSync(dest)) return []
  return snapshot(dest).filter((entry) => !entry.path.startsWith('.reflink-merge-'))
}

describeWith('syncfs', "durability: 'full'", () => {
  describeOn(['xfs', 'ext4', 'btrfs'], (described) => {
    const kind = described.kind as CutKind
    const volume = withCutVolume(described)

    for (const linkMode of modesOf(kind))
      for (const place of ['a missing dest', 'an existing dest'])
        for (const flushLog of flushesOf(kind)) {
          const how = flushLog ? ', when the journal alone is flushed' : ''
          it(`${linkMode} into ${place} survives a power cut${how}`, async () => {
            await cutAfterMerge(volume(), linkMode, place === 'an existing dest', flushLog)
          })
        }

    for (const exists of [false, true])
      for (const flushLog of flushesOf(kind)) {
        const place = exists ? 'an existing dest' : 'a missing dest'
        const how = flushLog ? ', when the journal alone is flushed' : ''
        it(`${place} is the old or the new one wherever commit is cut${how}`, async () => {
          const found = new Set<string>()
          for (let call = 0; !found.has('not cut'); call++) {
            found.add(await cutAtCall(volume(), { call, exists, flushLog }))
          }
          assert.deepEqual([...found], ['old', 'new', 'not cut'])
        })
      }

    for (const flushLog of flushesOf(kind)) {
      const how = flushLog ? ', when the journal alone is flushed' : ''
      it(`so is one in which something gets in the way of the commit${how}`, async () => {
        const found = new Set<string>()
        for (let call = 0; !found.has('not cut'); call++) {
          found.add(await cutAtCall(volume(), { call, exists: true, flushLog, isInTheWay: true }))
        }
        assert.deepEqual([...found], ['old', 'new', 'not cut'])
      })
    }

    it(`survives cuts in the middle (seed ${String(SEED)})`, async function () {
      this.timeout(300_000 + 5000 * CUTS)
      const random = randomFrom(SEED)
      for (let cut = 0; cut < CUTS; cut++) {
        const linkMode = random.pick(modesOf(kind))
        const flushLog = random.pick(flushesOf(kind))
        const order = { base: roomOn(volume()), seed: random.below(2 ** 31), linkMode }
        // Squared: the first merges, into a dest that is not there yet, are worth more cuts.
        await cutInTheMiddle(volume(), order, 500 * random.fraction() ** 2, flushLog)
        tell(`cuts on ${kind} that lost nothing`, 1)
      }
    })
  })
})

async function cutAfterMerge(
  volume: CutVolume,
  linkMode: LinkMode,
  exists: boolean,
  flushLog: boolean,
): Promise<void> {
  const room = roomOn(volume)
  const dest = path.join(room, 'parent', 'dest')
  const { packages, union } = packageStore(path.join(room, 'store'), { seed: 1, count: 6 })
  const old: TreeSpec = {
    'package-0/package.json': 'of dest',
    'package-0/own.js': 'of dest alone',
    'own/deep/file': { data: 'of dest alone', mode: 0o600 },
  }
  if (exists) writeTree(dest, old)
  const expected = treeOf(exists ? { ...old, ...union } : union)

  await merge(packages, dest, { ...full, existing: 'replace', linkModes: [linkMode] })
  await volume.cut({ flushLog })
  await volume.restore()

  assert.deepEqual(differences(visible(dest), expected), [])
  assertNothingUndone(await recover(dest))
  assertTree(dest, expected)
  assert.deepEqual(stagingIn(dest, path.dirname(dest), room), [])
}

/** Whoever resolved has nothing to take back. The cut may have undone that its staging directory was removed. */
function assertNothingUndone({ undone, running, left }: RecoverResult): void {
  assert.deepEqual({ undone, running, left }, { undone: 0, running: 0, left: [] })
}

interface CutAt {
  call: number
  /** Is dest there? */
  exists: boolean
  flushLog: boolean
  /** Somebody else makes a file where the merge is about to publish one, so that it takes a second round. */
  isInTheWay?: boolean
}

/** Cuts right before the given one of the calls with which a merge commits; what dest is after recover(). */
async function cutAtCall(
  volume: CutVolume,
  { call, exists, flushLog, isInTheWay = false }: CutAt,
): Promise<'old' | 'new' | 'not cut'> {
  const room = roomOn(volume)
  const spec: TreeSpec = {
    ...{ 'a/1': 'new', 'a/2': { data: 'new', mode: 0o755 }, 'b/3': 'new' },
    ...{ 'a/created': 'new', 'whole/below/file': 'new', 'whole/link': { symlink: 'below' } },
  }
  const before: TreeSpec = { 'a/1': 'old', 'a/2': 'old', 'b/3': 'old', 'b/own': 'of dest' }
  const old = exists ? before : {}
  const source = { name: 'a', dir: writeTree(path.join(room, 'store'), spec) }
  const dest = path.join(room, 'dest')
  if (exists) writeTree(dest, old)
  await merge([], room, full)

  let calls = 0
  let others: TreeSpec | undefined
  const cutting = async <T>(work: () => Promise<T>): Promise<T> => {
    if (calls++ === call) await volume.cut({ flushLog })
    return work()
  }
  const host: Host = {
    ...defaultHost,
    sync: (...args) => cutting(() => defaultHost.sync(...args)),
    hardlink: (...args) => cutting(() => defaultHost.hardlink(...args)),
    rename: async (...args) => {
      const [jobs] = args
      const isPublished = jobs.some(({ names }) => names.includes('created'))
      if (isInTheWay && isPublished && others === undefined) {
        makeDurable(path.join(dest, 'a/created'), 'of others')
        // After the cut of a copied disk the merge goes on, and nothing of it counts.
        others = calls > call ? {} : { 'a/created': 'of others' }
      }
      return cutting(() => defaultHost.rename(...args))
    },
    unlink: (...args) => cutting(() => defaultHost.unlink(...args)),
  }
  const options: MergeOptions = { ...full, existing: 'replace', linkModes: ['copy'] }
  // Whether it resolves does not count: on a copied disk it does.
  await mergeOn(host, [source], dest, options).catch(() => undefined)
  if (calls <= call) return 'not cut'
  await volume.restore()

  const { left, running } = await recover(dest)
  assert.deepEqual({ left, running }, { left: [], running: 0 })
  const found = fs.existsSync(dest) ? snapshot(dest) : []
  if (differences(found, treeOf({ ...old, ...others })).length === 0) return 'old'
  const lines = differences(found, treeOf({ ...old, ...spec }))
  assert.deepEqual(
    lines,
    [],
    `neither the old nor the new dest after a cut at call ${String(call)}`,
  )
  return 'new'
}

function makeDurable(file: string, text: string): void {
  fs.writeFileSync(file, text, { flush: true })
  const directory = fs.openSync(path.dirname(file), 'r')
  fs.fsyncSync(directory)
  fs.closeSync(directory)
}

async function cutInTheMiddle(
  volume: CutVolume,
  order: LoopOrder,
  delay: number,
  flushLog: boolean,
): Promise<void> {
  const loop = startMergeLoop(order)
  let least: Told
  try {
    await loop.ready
    await sleep(delay)
    least = loop.told()
    assert.equal(loop.complaint(), undefined, 'it ended before the cut')
    await volume.cut({ flushLog })
  } finally {
    await loop.end()
  }
  const most = loop.told()
  // After a shutdown nothing may resolve any more; on a copied disk that could be after the copy.
  if (volume.kind !== 'btrfs') least = most
  await volume.restore()
  try {
    await checkDest(order, least.dest, most.dest + 1)
    await checkWholes(order, least.whole, most.whole + 1)
  } catch (error) {
    const told = JSON.stringify({ ...order, delay, flushLog, least, most })
    const message = `${(error as Error).message}\nafter a cut: ${told}\n${loop.complaint() ?? ''}`
    throw new Error(message, { cause: error })
  }
}

/** After recover() it is what one of the versions made of it, and no earlier one than was told. */
async function checkDest({ base, seed }: LoopOrder, least: number, most: number): Promise<void> {
  const dest = destOf(base)
  const versions = Array.from({ length: most }, (_, index) => treeOf(versionOf(seed, index + 1)))
  const known = new Set(versions.flat().map((entry) => JSON.stringify(entry)))
  const torn = visible(dest).filter((entry) => !known.has(JSON.stringify(entry)))
  assert.deepEqual(torn, [], 'torn before recover()')

  const { left, running } = await recover(dest)
  assert.deepEqual({ left, running }, { left: [], running: 0 })
  const found = fs.existsSync(dest) ? snapshot(dest) : []
  const states = Array.from({ length: most - least + 1 }, (_, index) => {
    return differences(found, treeOf(stateOf(seed, least + index)))
  })
  if (states.some((lines) => lines.length === 0)) return
  const told = states.map((lines, index) => {
    return `not version ${String(least + index)}:\n  ${lines.slice(0, 20).join('\n  ')}`
  })
  assert.fail(told.join('\n'))
}

/** Each of them is there as a whole, or not at all; those that were told are. */
async function checkWholes({ base, seed }: LoopOrder, least: number, most: number): Promise<void> {
  for (let version = 1; version <= most; version++) {
    const dest = wholeOf(base, version)
    assertNothingUndone(await recover(dest))
    const isThere = fs.existsSync(dest)
    assert.ok(isThere || version > least, `${dest} is gone`)
    if (isThere) assertTree(dest, treeOf(versionOf(seed, version)))
  }
  assert.deepEqual(stagingIn(base, path.join(base, 'whole')), [])
}

describeWith('syncfs', "durability: 'none'", () => {
  describeOn(['xfs'], (described) => {
    const volume = withCutVolume(described)

    /** Fifty files, copied over others that were on disk; how many of them are the new ones after the cut. */
    async function survivors(options: MergeOptions, flushLog: boolean): Promise<Survivors> {
      const room = roomOn(volume())
      const names = Array.from({ length: 50 }, (_, index) => `file-${String(index)}`)
      const specOf = (fill: string): TreeSpec =>
        Object.fromEntries(names.map((name) => [name, Buffer.alloc(10_000, fill)]))
      const dest = writeTree(path.join(room, 'dest'), specOf('old '))
      await merge([], dest, full)
      const dir = writeTree(path.join(room, 'store'), specOf('new '))
      const copying: MergeOptions = { ...options, existing: 'replace', linkModes: ['copy'] }
      await merge([{ name: 'new', dir }], dest, copying)
      await volume().cut({ flushLog })
      await volume().restore()
      const fills = names.map((name) =>
        fs.readFileSync(path.join(dest, name), 'latin1').slice(0, 4),
      )
      const count = (fill: string): number => fills.filter((each) => each === fill).length
      return { old: count('old '), new: count('new '), empty: count('') }
    }

    // The control: the cuts above do cut.
    it('loses the merge in a power cut', async () => {
      assert.deepEqual(await survivors({}, false), { old: 50, new: 0, empty: 0 })
    })

    it('leaves empty files when the journal alone is flushed', async () => {
      assert.deepEqual(await survivors({}, true), { old: 0, new: 0, empty: 50 })
    })

    it("does neither with 'full'", async () => {
      const all = { old: 0, new: 50, empty: 0 }
      assert.deepEqual(await survivors(full, false), all)
      assert.deepEqual(await survivors(full, true), all)
    })
  })
})

interface Survivors {
  old: number
  new: number
  empty: number
}

describeWith('syncfs', "durability: 'full' where it cannot be had", () => {
  const packages = {
    a: { 'shared/file': 'of a', 'a/new/file': 'of a', 'a/link': { symlink: 'new/file' } },
    b: { 'b/file': { data: 'of b', mode: 0o755 } },
  }
  const kept: TreeSpec = {
    'shared/file': 'of dest',
    'shared/own': { data: 'of dest', mode: 0o600 },
  }

  /** The native host, of whose syncs the given one fails with EIO. */
  function failing(nth: number): { host: Host; syncs: () => number } {
    let syncs = 0
    const host: Host = {
      ...defaultHost,
      sync: async (directory) => {
        syncs++
        if (syncs !== nth) return defaultHost.sync(directory)
        return { errno: errno.EIO, syscall: 'syncfs' }
      },
    }
    return { host, syncs: () => syncs }
  }

  before('has the addon', () => {
    assert.equal(defaultHost.kind, 'native', 'the addon is not built')
  })

  for (const [nth, when] of [
    [1, 'before its records count'],
    [2, 'before anything is published'],
    [3, 'after the commit point'],
  ] as const)
    it(`rejects where the sync fails ${when}, with dest as before`, async () => {
      const base = freshDir()
      const sources = stored(base, packages)
      const dest = writeTree(path.join(base, 'dest'), kept)
      const before = digest(base)
      const { host, syncs } = failing(nth)
      const options: MergeOptions = { ...full, existing: 'replace' }
      const error = await failureOf(mergeOn(host, sources, dest, options))
      assertSyncFailed(error, dest)
      assert.equal(syncs(), nth)
      assert.equal(digest(base), before)
    })

  for (const [nth, when] of [
    [1, 'before it is published'],
    [2, 'after the commit point'],
  ] as const)
    it(`rejects where the sync fails ${when}, and dest is not made`, async () => {
      const base = freshDir()
      const sources = stored(base, packages)
      const before = digest(base)
      const { host, syncs } = failing(nth)
      const error = await failureOf(mergeOn(host, sources, path.join(base, 'new/dest'), full))
      assertSyncFailed(error, base)
      assert.equal(syncs(), nth)
      assert.equal(digest(base), before)
    })

  it('syncs no more often than that', async () => {
    const base = freshDir()
    const sources = stored(base, packages)
    const dest = writeTree(path.join(base, 'dest'), kept)
    const existing = failing(4)
    await mergeOn(existing.host, sources, dest, { ...full, existing: 'replace' })
    const missing = failing(3)
    await mergeOn(missing.host, sources, path.join(base, 'new/dest'), full)
    assert.deepEqual([existing.syncs(), missing.syncs()], [3, 2])
  })

  it('a session rejects as well', async () => {
    const base = freshDir()
    const [a] = stored(base, packages)
    const dest = writeTree(path.join(base, 'dest'), { own: 'of dest' })
    const before = digest(base)
    const session = await Session.open(failing(2).host, dest, full)
    assert.ok(a)
    await session.add(a)
    assertSyncFailed(await failureOf(session.commit()), dest)
    assert.equal(digest(base), before)
  })

  it('syncs also where dest has everything already', async () => {
    const base = freshDir()
    const sources = stored(base, packages)
    const dest = path.join(base, 'dest')
    await mergeOn(defaultHost, sources, dest)
    const error = await failureOf(mergeOn(failing(1).host, sources, dest, full))
    assertSyncFailed(error, dest)
  })

  it('is refused without the addon', async () => {
    const base = freshDir()
    const sources = stored(base, packages)
    const dest = writeTree(path.join(base, 'dest'), kept)
    const before = identitiesIn(base)
    const options: MergeOptions = { ...full, existing: 'replace' }
    for (const attempt of [
      mergeOn(nodeHost, sources, dest, options),
      mergeOn(nodeHost, sources, path.join(base, 'missing'), options),
      Session.open(nodeHost, dest, options),
    ]) {
      const { code, errno: number, syscall } = await failureOf(attempt)
      const refused = { code: 'ENOSYS', number: -errno.ENOSYS, syscall: 'syncfs' }
      assert.deepEqual({ code, number, syscall }, refused)
    }
    assert.deepEqual(identitiesIn(base), before)
  })
})

function assertSyncFailed(
  { code, errno: number, syscall, path: where }: Awaited<ReturnType<typeof failureOf>>,
  dir: string,
): void {
  const expected = { code: 'EIO', number: -errno.EIO, syscall: 'syncfs', where: dir }
  assert.deepEqual({ code, number, syscall, where }, expected)
}

/** ctime tells that something was changed even if it was changed back. */
function identitiesIn(dir: string): string[] {
  const names = ['.', ...fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })]
  return names.map((name) => {
    const { ino, ctimeNs } = fs.lstatSync(path.join(dir, name), { bigint: true })
    return `${name} ${String(ino)} ${String(ctimeNs)}`
  })
}
