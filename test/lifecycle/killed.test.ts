import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { recover, type Source } from '../../lib/index'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { failpoints } from '../support/failpoints'
import { tell } from '../support/figures'
import { killed } from '../support/killed'
import { rounds } from '../support/long'
import { describeWith } from '../support/needs'
import type { TreeSpec } from '../support/tree'
import { Scene, stateOf } from './scene'

const one: TreeSpec = {
  'top.js': 'top',
  'lib/one.js': 'one',
  'lib/deep/two.js': { data: 'two', mode: 0o755 },
  'lib/deep/three.js': 'three',
  'bin/run': { symlink: '../top.js' },
  'was-dir/in': 'in',
  both: 'both',
}
const two: TreeSpec = {
  'top.js': 'the second top',
  'lib/one.js': 'one',
  'bin/run': { symlink: '../lib/one.js' },
  'new/deep/file': 'new',
  'was-dir': 'a file',
  both: 'both',
}
const other: TreeSpec = { both: 'both', 'lib/other.js': 'other', 'alone/x': 'x' }

interface Work {
  readonly what: 'merge' | 'remove'
  /** What the packages are by then. */
  readonly sources: readonly Source[]
}

/** A dest with two packages, each scene with the same. */
class Attempts {
  private readonly store: Scene
  readonly before: readonly Source[]
  readonly works: Readonly<Record<'sync' | 'remove', Work>>

  constructor(private readonly volume: DescribedVolume) {
    this.store = new Scene(volume.fresh(), defaultHost)
    const second = this.store.version('other', other)
    this.before = [this.store.version('pkg', one), second]
    const sources = [this.store.version('pkg', two), second]
    this.works = {
      sync: { what: 'merge', sources },
      remove: { what: 'remove', sources: this.before.slice(0, 1) },
    }
  }

  async installed(): Promise<Scene> {
    const scene = new Scene(this.volume.fresh(), defaultHost)
    await scene.sync(this.before)
    fs.writeFileSync(scene.at('lib/mine'), 'mine')
    return scene
  }

  async run({ what, sources }: Work, scene: Scene, host: Host): Promise<void> {
    const on = scene.through(host)
    if (what === 'merge') await on.sync(sources, { concurrency: 1 })
    else await on.remove(sources.map(({ name }) => name))
  }
}

/** What lies in dest, but for directories that were kept and reported. */
function heldIn(scene: Scene): string[] {
  return scene.held().filter((name) => !/^\.reflink-merge-[0-9a-f]+-kept\//.test(name))
}

function shownIn(scene: Scene): string[] {
  const isFile = (name: string): boolean => fs.lstatSync(scene.at(name)).isFile()
  return heldIn(scene).map((name) => (isFile(name) ? `${name}: ${scene.read(name)}` : name))
}

/** The old tree with the old manifest, or the new one with the new. */
async function assertWhole(
  scene: Scene,
  allowed: readonly string[][],
  what: string,
  kept: readonly string[] = [],
): Promise<void> {
  const shown = shownIn(scene)
  assert.ok(
    allowed.some((each) => each.join() === shown.join()),
    `${what}: ${shown.join(', ')}`,
  )
  const { modified, entries } = await scene.verify()
  assert.deepEqual(modified, [], what)
  const files = heldIn(scene).filter((name) => !name.endsWith('/') && name !== 'lib/mine')
  assert.equal(entries, files.length, what)
  assert.deepEqual(scene.staging(), kept, what)
}

const volumes = ['btrfs', 'xfs', 'ext4'] as const

for (const name of ['sync', 'remove'] as const)
  describeWith('locks', `18: ${name}()`, function () {
    this.timeout(600_000)

    describeOn(volumes, (volume) => {
      let attempts: Attempts
      let before: string[]
      let after: string[]
      beforeEach(async () => {
        attempts = new Attempts(volume)
        const scene = await attempts.installed()
        before = shownIn(scene)
        await attempts.run(attempts.works[name], scene, defaultHost)
        after = shownIn(scene)
        await assertWhole(scene, [after], 'uninterrupted')
      })

      /** In a short run each volume has other steps. */
      function turns(every: number): [first: number, stride: number] {
        const turn = volumes.findIndex((kind) => kind === volume.kind)
        return [1 + rounds(Math.floor((turn * every) / volumes.length), 0), rounds(every, 1)]
      }

      it('of which any change fails: dest is as it was, or done', async () => {
        const [first, stride] = turns(8)
        for (let n = first; ; n += stride) {
          const scene = await attempts.installed()
          const state = stateOf(scene.base)
          const fail = (): { errno: number; syscall: string } => {
            return { errno: errno.EIO, syscall: 'test' }
          }
          const { host, hit } = failpoints(defaultHost, n, fail)
          const error = await attempts.run(attempts.works[name], scene, host).then(
            () => undefined,
            (failure: unknown) => failure,
          )
          if (hit.length === 0) {
            assert.equal(error, undefined)
            assert.ok(n > 15, `only ${String(n)} changes`)
            break
          }
          const what = `${String(n)}, ${String(hit[0]?.operation)} ${String(hit[0]?.path)}`
          let kept: string[] = []
          if (error === undefined) {
            // Of what was moved aside and could not be removed nobody knows any more whether it is all the merge's.
            const { left } = await recover(scene.dest)
            kept = left.map((each) => path.relative(scene.base, each.path))
            if (kept.length > 0) assert.match(String(hit[0]?.path), /\/old\//, what)
          } else assert.deepEqual(stateOf(scene.base), state, what)
          await assertWhole(scene, error === undefined ? [after] : [before], what, kept)
          fs.rmSync(scene.base, { recursive: true })
          tell(`failures of ${name}`, 1)
        }
      })

      it('killed at any step: recover() or the same again puts it right', async () => {
        const [first, stride] = turns(36)
        const { what, sources } = attempts.works[name]
        const options = { manifest: true, prune: true, concurrency: 1 }
        for (let n = first; ; n += stride) {
          const scene = await attempts.installed()
          const { dest } = scene
          const order = { what, sources, dest, at: n }
          const finished = await killed(what === 'merge' ? { ...order, options } : order)
          if (finished !== undefined) {
            assert.ok(finished.steps > 15, `only ${String(finished.steps)} steps`)
            break
          }
          const told = `killed before step ${String(n)}`
          if (Math.floor(n / stride) % 2 === 0) {
            assert.deepEqual((await recover(dest)).left, [])
            await assertWhole(scene, [before, after], told)
          } else {
            await attempts.run(attempts.works[name], scene, defaultHost)
            await assertWhole(scene, [after], told)
          }
          assert.equal(fs.readFileSync(path.join(dest, 'lib/mine'), 'utf8'), 'mine')
          fs.rmSync(scene.base, { recursive: true })
          tell(`kills of ${name}`, 1)
        }
      })
    })
  })
