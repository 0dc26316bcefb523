import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { recover } from '../../lib/index'
import type { MergeResult, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { tell } from '../support/figures'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { killCases, makeKillScene, packagesOf, type KillCase } from '../support/kill-cases'
import { inodesIn, stagingBelow, tornEntries, visible } from '../support/kill-check'
import { killed } from '../support/killed'
import { isThorough } from '../support/long'
import { describeWith } from '../support/needs'
import { reportOf, staged } from '../support/session'
import { assertTree, differences, digest, type TreeEntry } from '../support/snapshot'

// Each kill on every volume, and ended both ways; otherwise each on one of the volumes, by turns, and ended by turns.
const volumes = isThorough
  ? (['btrfs', 'xfs', 'ext4', 'tmpfs'] as const)
  : (['btrfs', 'xfs', 'ext4'] as const)

type Ending = 'recover' | 'again'

/** What both endings are compared with. */
interface Expected {
  before: TreeEntry[]
  after: TreeEntry[]
  /** The report of the merge, and of the same merge once more. */
  reports: object[]
}

class KillLoop {
  private readonly base: string
  private readonly sources: Source[]
  private readonly stored: string
  private finished = false
  private flipped = 0

  constructor(
    volume: DescribedVolume,
    private readonly killCase: KillCase,
    private next: number,
    private readonly stride: number,
    private readonly endingOf: (n: number) => Ending,
  ) {
    this.base = volume.fresh()
    this.sources = packagesOf(this.base, killCase)
    this.stored = digest(path.join(this.base, 'store'))
  }

  /** How many times it was killed. */
  async run(): Promise<number> {
    const expected = await this.uninterrupted()
    const lane = async (): Promise<void> => {
      while (!this.finished) {
        const n = this.next
        this.next += this.stride
        await this.killAt(n, expected)
      }
    }
    await Promise.all([lane(), lane()])
    assert.equal(digest(path.join(this.base, 'store')), this.stored, 'a source has changed')
    return this.flipped
  }

  private async merge(dest: string): Promise<MergeResult> {
    const { what, options } = this.killCase
    if (what === 'merge') return mergeOn(defaultHost, this.sources, dest, options)
    return (await staged(defaultHost, this.sources, dest, options)).commit()
  }

  private async uninterrupted(): Promise<Expected> {
    const { root, dest } = makeKillScene(path.join(this.base, 'whole'), this.killCase)
    const before = visible(root)
    const reports = [reportOf(await this.merge(dest), dest)]
    const after = visible(root)
    reports.push(reportOf(await this.merge(dest), dest))
    assertTree(root, after)
    return { before, after, reports }
  }

  private async killAt(n: number, expected: Expected): Promise<void> {
    const scene = makeKillScene(path.join(this.base, `killed-${String(n)}`), this.killCase)
    const { root, dest } = scene
    const { what, options } = this.killCase
    const inodes = inodesIn(root)
    const finished = await killed({ what, sources: this.sources, dest, options, at: n })
    if (finished !== undefined) {
      this.finished = true
      assert.ok(finished.steps >= this.killCase.steps, `only ${String(finished.steps)} steps`)
      assertTree(root, expected.after)
      return
    }
    this.flipped++
    try {
      assert.deepEqual(tornEntries(root, expected.before, expected.after), [])
      if (this.endingOf(n) === 'again') await this.mergeAgain(scene, expected)
      else await this.recover(scene, expected, inodes)
      assert.deepEqual(stagingBelow(root), [])
    } catch (error) {
      throw new Error(`killed before step ${String(n)}: ${(error as Error).message}`, {
        cause: error,
      })
    }
    fs.rmSync(root, { recursive: true })
  }

  private async mergeAgain(
    { root, dest }: { root: string; dest: string },
    { after, reports }: Expected,
  ): Promise<void> {
    const report = reportOf(await this.merge(dest), dest)
    assertTree(root, after)
    assert.ok(
      reports.some((each) => JSON.stringify(each) === JSON.stringify(report)),
      `another report: ${JSON.stringify(report)}`,
    )
  }

  private async recover(
    { root, dest }: { root: string; dest: string },
    { before, after }: Expected,
    inodes: Map<string, string>,
  ): Promise<void> {
    const atKill = visible(root)
    // Those inside directories of dest belong to one of these.
    const abandoned = stagingBelow(root).filter((each) => !each.endsWith('-part')).length
    const result = await recover(dest)
    assert.deepEqual(result.left, [])
    assert.deepEqual([result.removed, result.running], [abandoned, 0])
    const now = visible(root)
    const isComplete = differences(now, after).length === 0
    assertTree(root, isComplete ? after : before)
    if (!isComplete) assert.deepEqual(inodesIn(root), inodes)
    // Where one rename made dest, what is left to be done is done.
    if (differences(atKill, now).length > 0) assert.equal(result.undone, isComplete ? 0 : 1)
    if (result.undone === 1) assert.ok(!isComplete)
  }
}

describeWith('locks', 'a merge that is killed at each of its steps', function () {
  this.timeout(600_000)

  describeOn(volumes, (volume) => {
    const turn = volumes.findIndex((kind) => kind === volume.kind)
    for (const [title, killCase] of Object.entries(killCases)) {
      const endings: [string, (n: number) => Ending][] = isThorough
        ? [
            ['recover() puts dest back', () => 'recover'],
            ['the same merge again gives the uninterrupted tree', () => 'again'],
          ]
        : [
            [
              'recover() or the same merge puts it right',
              (n) => (Math.floor(n / volumes.length) % 2 > 0 ? 'recover' : 'again'),
            ],
          ]
      for (const [what, endingOf] of endings)
        it(`${title}: readers see whole entries, ${what}`, async () => {
          const [first, stride] = isThorough ? [1, 1] : [1 + turn, volumes.length]
          const points = await new KillLoop(volume, killCase, first, stride, endingOf).run()
          tell(`kill points on ${volume.kind}`, points)
        })
    }
  })
})
