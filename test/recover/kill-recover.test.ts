import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { recover } from '../../lib/index'
import type { Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { tell } from '../support/figures'
import { killCases, makeKillScene, packagesOf, type KillCase } from '../support/kill-cases'
import { inodesIn, stagingBelow, tornEntries, visible } from '../support/kill-check'
import { killed } from '../support/killed'
import { isThorough } from '../support/long'
import { describeWith } from '../support/needs'
import { randomFrom } from '../support/random'
import { assertTree, differences, type TreeEntry } from '../support/snapshot'

const seed = Number(process.env['REFLINK_MERGE_SEED'] ?? Date.now() % 2 ** 32)
const volumes = isThorough ? (['btrfs', 'xfs', 'ext4'] as const) : (['btrfs'] as const)

/** Where a merge is killed, and then recover(): each step of both, or a sample that the seed decides. */
interface Point {
  readonly merge: number
  readonly recover: number
}

/** The steps of the merge at which they begin: so many pairs of kills at once. */
const lanes = [1, 2] as const

/** What a pair of kills came to. */
type End = 'killed twice' | 'recovered' | 'merged'

class Loop {
  private readonly base: string
  private readonly sources: Source[]
  private expected: { before: TreeEntry[]; after: TreeEntry[] } | undefined

  constructor(
    volume: DescribedVolume,
    private readonly killCase: KillCase,
  ) {
    this.base = volume.fresh()
    this.sources = packagesOf(this.base, killCase)
  }

  /** How many pairs of kills there were. */
  async run(next: (last: Point, end: End) => Point | undefined): Promise<number> {
    const { root, dest } = makeKillScene(path.join(this.base, 'whole'), this.killCase)
    const before = visible(root)
    await this.merge(dest)
    this.expected = { before, after: visible(root) }
    let count = 0
    const lane = async (first: number): Promise<void> => {
      let point: Point | undefined = { merge: first, recover: 1 }
      while (point !== undefined) {
        const end = await this.killAt(point)
        if (end === 'killed twice') count++
        point = next(point, end)
      }
    }
    await Promise.all(lanes.map(lane))
    return count
  }

  private async merge(dest: string): Promise<void> {
    await mergeOn(defaultHost, this.sources, dest, this.killCase.options)
  }

  private scenes = 0

  private async killAt(point: Point): Promise<End> {
    const { sources, killCase } = this
    const { what, options } = killCase
    const { root, dest } = makeKillScene(path.join(this.base, String(this.scenes++)), killCase)
    const inodes = inodesIn(root)
    if (await killed({ what, sources, dest, options, at: point.merge })) return 'merged'
    const recovered = await killed({ what: 'recover', sources: [], dest, at: point.recover })
    try {
      await this.check(point, { root, dest }, inodes)
    } catch (error) {
      const when = `killed before step ${point.merge}, recover() before its step ${point.recover}`
      throw new Error(`${when}: ${(error as Error).message}`, { cause: error })
    }
    fs.rmSync(root, { recursive: true })
    return recovered === undefined ? 'killed twice' : 'recovered'
  }

  private async check(
    point: Point,
    { root, dest }: { root: string; dest: string },
    inodes: Map<string, string>,
  ): Promise<void> {
    const { before, after } = this.expected ?? { before: [], after: [] }
    assert.deepEqual(tornEntries(root, before, after, true), [])
    if ((point.merge + point.recover) % 2 === 0) {
      await this.merge(dest)
      assertTree(root, after)
      return
    }
    const { left, running } = await recover(dest)
    assert.deepEqual({ left, running }, { left: [], running: 0 })
    const isComplete = differences(visible(root), after).length === 0
    assertTree(root, isComplete ? after : before)
    if (!isComplete) assert.deepEqual(inodesIn(root), inodes)
    assert.deepEqual(stagingBelow(root), [])
  }
}

/** Every step of recover() after a kill at every step of the merge: each lane has every second of those. */
function everyPair(last: Point, end: End): Point | undefined {
  if (end === 'merged') return undefined
  if (end === 'recovered') return { merge: last.merge + lanes.length, recover: 1 }
  return { ...last, recover: last.recover + 1 }
}

/** In each lane about every eighth step of the merge, and some step of recover() after it. */
function somePairs(): (last: Point, end: End) => Point | undefined {
  const random = randomFrom(seed)
  return ({ merge }, end) => {
    if (end === 'merged') return undefined
    return { merge: merge + 1 + random.below(14), recover: 1 + random.below(20) }
  }
}

describeWith(
  'locks',
  `recover() that is killed at each of its steps (seed ${String(seed)})`,
  function () {
    this.timeout(3_600_000)

    describeOn(volumes, (volume) => {
      for (const what of ['into a dest that is there', 'into a dest that is missing'] as const)
        it(`${what}: whole entries only; once more, or the same merge, puts it right`, async () => {
          const loop = new Loop(volume, killCases[what])
          const pairs = await loop.run(isThorough ? everyPair : somePairs())
          assert.ok(pairs > 0)
          tell(`kill points in recover() on ${volume.kind}`, pairs)
        })
    })
  },
)
