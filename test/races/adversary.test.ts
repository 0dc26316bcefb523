import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { merge, openMerge, recover } from '../../lib/index'
import type { MergeOptions, Source } from '../../lib/index'
import { Adversary, Canary, type Swap } from '../support/adversary'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { rounds, tellFigures } from '../support/long'
import { itWith } from '../support/needs'
import { digest, snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const swapsWanted = rounds(800, 100_000)
const mergesWanted = rounds(40, 2000)
const way = ['a', 'b', 'c', 'd']
const depths = way.map((_, depth) => way.slice(0, depth + 1).join('/'))

/** Files in each directory of the way; each version has all of them otherwise. */
function treeOf(text: string): TreeSpec {
  const files = depths.flatMap((dir) =>
    ['one', 'two'].map((name) => [`${dir}/${name}`, `${text} ${dir}`]),
  )
  return Object.fromEntries([...files, ['top', text]]) as TreeSpec
}

class Scene {
  readonly dest: string
  readonly canary: Canary
  readonly swaps: Swap[]
  readonly spoils: string
  private readonly store: string
  private readonly sources: Source[]
  private readonly stored: string

  constructor(private readonly base: string) {
    this.dest = writeTree(path.join(base, 'dest'), treeOf('held'))
    this.store = path.join(base, 'store')
    this.sources = ['first', 'second'].map((name) => ({
      name,
      dir: writeTree(path.join(this.store, name), treeOf(name)),
    }))
    // Where a link leads to, all is there that a merge looks for: whoever follows it finds what it wants.
    const trap = writeTree(path.join(base, 'canary'), treeOf('canary'))
    const links = path.join(base, 'links')
    fs.mkdirSync(links)
    this.swaps = depths.map((dir, depth) => {
      const link = path.join(links, String(depth))
      fs.symlinkSync(path.join(trap, dir), link)
      return { directory: path.join(this.dest, dir), link }
    })
    this.spoils = path.join(base, 'spoils')
    fs.mkdirSync(this.spoils)
    this.stored = digest(this.store)
    const inTrap = snapshot(trap).map(({ path: at }) => path.join(trap, at))
    this.canary = new Canary([trap, ...inTrap])
  }

  sourcesOf(round: number): Source[] {
    const [first, second] = this.sources
    const current = round % 2 === 0 ? first : second
    if (current?.dir === undefined || first?.dir === undefined) throw new Error('no source')
    // And a new subtree at each depth.
    const file = path.join(first.dir, 'top')
    const files = new Map(depths.map((dir) => [`${dir}/made-${String(round)}/in/file`, file]))
    return [current, { name: 'made', files }]
  }

  assertUntouched(): void {
    assert.deepEqual(this.canary.changes(), [])
    assert.deepEqual(fs.readdirSync(this.base).sort(), [
      'canary',
      'dest',
      'links',
      'spoils',
      'store',
    ])
    assert.deepEqual(
      snapshot(path.join(this.base, 'links')).map(({ path: at, type }) => [at, type]),
      depths.map((_, depth) => [String(depth), 'symlink']),
    )
    assert.equal(digest(this.store), this.stored)
  }
}

async function mergeOnce(scene: Scene, round: number): Promise<void> {
  const options: MergeOptions = {
    existing: 'replace',
    linkModes: round % 3 === 0 ? 'copy' : ['clone', 'copy'],
  }
  if (round % 4 !== 0) {
    await merge(scene.sourcesOf(round), scene.dest, options)
    return
  }
  const session = await openMerge(scene.dest, options)
  for (const source of scene.sourcesOf(round)) void session.add(source)
  await session.commit()
}

async function attack(volume: DescribedVolume): Promise<void> {
  const scene = new Scene(volume.fresh())
  const adversary = await Adversary.start(scene.swaps, scene.spoils)
  const outcomes = new Map<string, number>()
  const note = (outcome: string): unknown => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  const begin = performance.now()
  let round = 0
  // The adversary alone knows how often it swapped; this is asked of it at the end.
  for (; round < mergesWanted || performance.now() - begin < swapsWanted / 0.7; round++)
    await mergeOnce(scene, round).then(
      () => note('merged'),
      (error: unknown) => note((error as NodeJS.ErrnoException).code ?? String(error)),
    )
  const swaps = await adversary.end()
  scene.assertUntouched()
  tellFigures({ swaps, merges: round, ...Object.fromEntries(outcomes) })
  assert.ok(swaps >= swapsWanted, `only ${String(swaps)} swaps`)
  const merged = outcomes.get('merged') ?? 0
  assert.ok(
    merged > 0 && merged < round,
    `${String(merged)} of ${String(round)} merges were not met`,
  )
  await recover(scene.dest)
  await merge(scene.sourcesOf(round), scene.dest, { existing: 'replace' })
  assert.equal(
    fs.readFileSync(path.join(scene.dest, 'a/b/c/d/one'), 'utf8').split(' ')[1],
    'a/b/c/d',
  )
}

describe('an adversary that swaps directories of dest for symlinks', function () {
  this.timeout(3_600_000)

  describeOn(['btrfs', 'xfs'], (volume) => {
    itWith('containment', 'leads no merge out of dest', () => attack(volume))

    it('leads writing by path out of it: what the canary is for is found', async () => {
      const scene = new Scene(volume.fresh())
      const adversary = await Adversary.start(scene.swaps, scene.spoils)
      const end = Date.now() + 200_000
      while (scene.canary.changes().length === 0 && Date.now() < end) {
        for (const dir of depths) fs.writeFileSync(path.join(scene.dest, dir, 'one'), 'astray')
        await sleep(0)
      }
      await adversary.end()
      assert.throws(() => {
        scene.assertUntouched()
      })
    })
  })
})

describe('a symlink planted in dest', () => {
  describeOn(['btrfs'], (volume) => {
    /** A scene with a symlink in the place of the directory. */
    const planted = (depth: number): Scene => {
      const scene = new Scene(volume.fresh())
      const { directory, link } = scene.swaps[depth] ?? assert.fail()
      fs.renameSync(directory, `${directory}-away`)
      fs.symlinkSync(fs.readlinkSync(link), directory)
      return scene
    }

    for (const [depth, dir] of depths.entries()) {
      for (const existing of ['error', 'keep'] as const)
        it(`${String(depth + 1)} levels deep is an error where a directory is needed: ${existing}`, async () => {
          const scene = planted(depth)
          const before = snapshot(scene.dest)
          const failing = mergeOnceWith(scene, existing)
          await assert.rejects(failing, { code: 'ERR_MERGE_CONFLICT' }, dir)
          assert.deepEqual(snapshot(scene.dest), before)
          scene.assertUntouched()
        })

      it(`${String(depth + 1)} levels deep gives way to a directory, and is not followed: replace`, async () => {
        const scene = planted(depth)
        await mergeOnceWith(scene, 'replace')
        for (const each of depths) {
          assert.ok(fs.lstatSync(path.join(scene.dest, each)).isDirectory(), each)
          const file = path.join(scene.dest, each, 'one')
          assert.equal(fs.readFileSync(file, 'utf8'), `first ${each}`)
        }
        const away = path.join(scene.dest, `${dir}-away`, 'one')
        assert.equal(fs.readFileSync(away, 'utf8'), `held ${dir}`)
        scene.assertUntouched()
      })
    }
  })
})

async function mergeOnceWith(scene: Scene, existing: 'error' | 'keep' | 'replace'): Promise<void> {
  await merge(scene.sourcesOf(0), scene.dest, { existing })
}
