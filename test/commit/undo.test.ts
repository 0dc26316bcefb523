import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import type { MergeOptions, MergeResult } from '../../lib/types'
import { failpoints } from '../support/failpoints'
import { codeOf, failureOf, type Failure } from '../support/failure'
import { makeScene, scenes, type Scene, type SceneKind } from '../support/fault-scenes'
import { freshDir } from '../support/fresh'
import { scriptedHost, type ScriptedCall, type Verdict } from '../support/scripted-host'
import { cloningEverywhere, failWith, withoutSwaps } from '../support/scripts'
import { openIn } from '../support/session'
import { assertTree, differences, snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'

const host = cloningEverywhere(defaultHost)

const isStaging = (name: string): boolean => name.startsWith('.reflink-merge-')

const sceneOf = (kind: SceneKind): Scene => makeScene(freshDir(), kind)

describe('undo', () => {
  it('closes every descriptor, whatever failed', async function () {
    if (process.platform !== 'linux') this.skip()
    for (const scene of Object.values(scenes))
      for (const onceOnly of [true, false]) {
        for (let n = 1; ; n++) {
          const made = sceneOf(scene)
          const { host: failing, hit } = failpoints(host, n, () => failWith('EIO', 'scripted'), {
            onwards: !onceOnly,
          })
          await made.merge(failing).catch(() => undefined)
          assert.deepEqual(openIn(made.base), [], `${String(n)}: ${String(hit[0]?.operation)}`)
          if (hit.length === 0) break
        }
      }
  })

  it('closes every descriptor when a read fails', async function () {
    if (process.platform !== 'linux') this.skip()
    for (const operation of ['open', 'list', 'stat', 'compare'] as const)
      for (let n = 1; ; n++) {
        const made = sceneOf(scenes['a dest that shares directories'])
        let count = 0
        const failing = scriptedHost(host, (call) =>
          call.operation === operation && ++count === n
            ? { errno: errno.EIO, syscall: 'open' }
            : undefined,
        )
        const outcome = await made.merge(failing).catch((error: unknown) => error as Failure)
        assert.deepEqual(openIn(made.base), [], `${operation} ${String(n)}`)
        if (count < n) break
        if (outcome instanceof Error) assert.equal(outcome.code, 'EIO')
        const lines = differences(snapshot(made.base), made.before)
        if (outcome instanceof Error) assert.deepEqual(lines, [], `${operation} ${String(n)}`)
      }
  })

  describe('what can be told apart', () => {
    const merging = (
      scene: Scene,
      script: (call: ScriptedCall) => Verdict,
      more?: MergeOptions,
    ): Promise<MergeResult> => scene.merge(scriptedHost(host, script), more)

    /** Does something at the first publishing rename of this entry of dest. */
    const atPublish = (
      { dest }: Scene,
      name: string,
      meddle: (at: string) => void,
    ): ((call: ScriptedCall) => Verdict) => {
      let done = false
      return ({ operation, path: at, from }) => {
        if (done || operation !== 'rename' || from?.includes('/new/') !== true) return undefined
        if (at !== path.join(dest, name)) return undefined
        done = true
        meddle(at)
        return undefined
      }
    }

    it('a whole dest that appears meanwhile is descended into', async () => {
      const scene = sceneOf({})
      const script = atPublish(scene, '', (at) => {
        writeTree(at, { 'shared/foreign': 'foreign', foreign: 'foreign' })
      })
      await merging(scene, script)
      const whole = sceneOf({ dest: { 'shared/foreign': 'foreign', foreign: 'foreign' } })
      await whole.merge(host)
      assertTree(scene.dest, whole.dest)
    })

    it('a directory that appears where a new one is published is descended into', async () => {
      const scene = sceneOf({ dest: {} })
      const script = atPublish(scene, 'pkg', (at) => {
        writeTree(at, { 'lib/foreign.js': 'foreign', 'index.js': 'index of pkg' })
      })
      const result = await merging(scene, script)
      const whole = sceneOf({ dest: { 'pkg/lib/foreign.js': 'foreign' } })
      await whole.merge(host)
      assertTree(scene.dest, whole.dest)
      assert.equal(result.unchanged, 1)
    })

    it('a directory that vanishes is made again with its own mode', async () => {
      const scene = sceneOf({ dest: { 'shared/own.js': 'own' } })
      let done = false
      await merging(scene, ({ operation, path: at }) => {
        if (done || operation !== 'rename' || at !== path.join(scene.dest, 'shared/one.js'))
          return undefined
        done = true
        fs.rmSync(path.join(scene.dest, 'shared'), { recursive: true })
        return undefined
      })
      const whole = sceneOf({})
      await whole.merge(host)
      assertTree(scene.dest, whole.dest)
    })

    it('an identical file that appears is left as it is', async () => {
      const scene = sceneOf({ dest: {} })
      let ino = 0n
      const script = atPublish(scene, 'top.txt', (at) => {
        fs.writeFileSync(at, 'top')
        fs.chmodSync(at, 0o755)
        ino = fs.statSync(at, { bigint: true }).ino
      })
      const result = await merging(scene, script)
      assert.equal(result.unchanged, 1)
      assert.equal(fs.statSync(path.join(scene.dest, 'top.txt'), { bigint: true }).ino, ino)
    })

    for (const [kind, make] of [
      [
        'file',
        (at: string): void => {
          fs.writeFileSync(at, 'foreign')
        },
      ],
      [
        'symlink',
        (at: string): void => {
          fs.symlinkSync('nowhere', at)
        },
      ],
      [
        'directory',
        (at: string): void => {
          fs.mkdirSync(at)
        },
      ],
    ] as const)
      it(`a ${kind} that appears where a file is published is a conflict, all is taken back`, async () => {
        const scene = sceneOf({ dest: { own: 'own' } })
        const script = atPublish(scene, 'top.txt', make)
        const error = await failureOf(merging(scene, script))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.deepEqual(error.conflicts, [
          { path: 'top.txt', kind: 'existing', sources: ['two'], winner: null },
        ])
        assert.deepEqual(fs.readdirSync(scene.dest).sort(), ['own', 'top.txt'])
        assert.equal(fs.readFileSync(path.join(scene.dest, 'own'), 'utf8'), 'own')
      })

    for (const kind of ['file', 'symlink'] as const)
      it(`a ${kind} that appears where a directory is published is a conflict`, async () => {
        const scene = sceneOf({ dest: {} })
        const elsewhere = path.join(scene.base, 'elsewhere')
        fs.mkdirSync(elsewhere)
        const script = atPublish(scene, 'pkg', (at) => {
          if (kind === 'file') fs.writeFileSync(at, 'foreign')
          else fs.symlinkSync(elsewhere, at)
        })
        const error = await failureOf(merging(scene, script))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.deepEqual(
          error.conflicts?.map(({ path: at }) => at),
          ['pkg'],
        )
        assert.deepEqual(fs.readdirSync(scene.dest), ['pkg'])
        assert.deepEqual(fs.readdirSync(elsewhere), [])
      })

    it("a different file that appears is kept with 'keep' and replaced with 'replace'", async () => {
      for (const existing of ['keep', 'replace'] as const) {
        const scene = sceneOf({ dest: {} })
        const script = atPublish(scene, 'top.txt', (at) => {
          fs.writeFileSync(at, 'foreign')
        })
        const result = await merging(scene, script, { existing })
        const text = fs.readFileSync(path.join(scene.dest, 'top.txt'), 'utf8')
        assert.equal(text, existing === 'keep' ? 'foreign' : 'top')
        assert.deepEqual([result.kept, result.replaced], existing === 'keep' ? [1, 0] : [0, 1])
        assert.deepEqual(fs.readdirSync(scene.dest).filter(isStaging), [])
      }
    })

    describe('with something in the way that is to be replaced', () => {
      const replacing = (): Scene =>
        sceneOf({ dest: { 'top.txt': 'old', pkg: 'old' }, options: { existing: 'replace' } })

      /** Does something when the entry is first saved to old/. */
      const atSaving = (
        { dest }: Scene,
        name: string,
        meddle: (at: string) => void,
      ): ((call: ScriptedCall) => Verdict) => {
        let done = false
        return ({ operation, path: to, from }) => {
          if (done || (operation !== 'hardlink' && operation !== 'rename')) return undefined
          const at = path.join(dest, name)
          if (from !== at && to !== at) return undefined
          done = true
          meddle(at)
          return undefined
        }
      }

      /** Titles tell whether names can be swapped. */
      const eachWay = (title: string, test: (on: Host) => Promise<void>): void => {
        it(title, () => test(host))
        it(`${title}, where names cannot be swapped`, () => test(withoutSwaps(host)))
      }

      for (const name of ['top.txt', 'pkg'])
        eachWay(`${name}: goes on where it vanishes`, async (on) => {
          const scene = replacing()
          const script = atSaving(scene, name, (at) => {
            fs.unlinkSync(at)
          })
          await scene.merge(scriptedHost(on, script))
          const whole = sceneOf({})
          await whole.merge(host)
          assertTree(scene.dest, whole.dest)
        })

      eachWay('top.txt: never replaces a directory that has taken its place', async (on) => {
        const scene = replacing()
        const script = atSaving(scene, 'top.txt', (at) => {
          fs.unlinkSync(at)
          writeTree(at, { 'full/of': 'foreign files' })
        })
        const error = await failureOf(scene.merge(scriptedHost(on, script)))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        const left = path.join(scene.dest, 'top.txt/full/of')
        assert.equal(fs.readFileSync(left, 'utf8'), 'foreign files')
        assert.equal(fs.readFileSync(path.join(scene.dest, 'pkg'), 'utf8'), 'old')
      })

      eachWay('pkg: descends into a directory that has taken its place', async (on) => {
        const scene = replacing()
        const script = atSaving(scene, 'pkg', (at) => {
          fs.unlinkSync(at)
          writeTree(at, { 'full/of': 'foreign files' })
        })
        await scene.merge(scriptedHost(on, script))
        const whole = sceneOf({ dest: { 'pkg/full/of': 'foreign files' } })
        await whole.merge(host)
        assertTree(scene.dest, whole.dest)
      })

      eachWay('puts back what was replaced when a later operation fails', async (on) => {
        const scene = replacing()
        const inodes = ['top.txt', 'pkg'].map(
          (name) => fs.statSync(path.join(scene.dest, name)).ino,
        )
        const error = await failureOf(
          scene.merge(
            scriptedHost(on, ({ operation, path: at }) =>
              operation === 'chmod' && at.endsWith('/closed')
                ? { errno: errno.EIO, syscall: 'chmod' }
                : undefined,
            ),
          ),
        )
        assert.equal(error.code, 'EIO')
        assertTree(scene.base, scene.before)
        const now = ['top.txt', 'pkg'].map((name) => fs.statSync(path.join(scene.dest, name)).ino)
        assert.deepEqual(now, inodes)
      })
    })

    /** Fails when all is published; before that does something. */
    const failLater = ({ dest }: Scene, meddle: () => void): ((call: ScriptedCall) => Verdict) => {
      let failed = false
      return ({ operation, path: at }) => {
        if (failed || operation !== 'chmod' || !at.startsWith(dest)) return undefined
        failed = true
        meddle()
        return { errno: errno.EIO, syscall: 'chmod' }
      }
    }

    /** It is where it was put, or in what the merge left over, and told. */
    const assertNotLost = ({ base }: Scene, file: string, error: Failure): void => {
      if (fs.existsSync(file)) return
      const name = path.basename(file)
      const left = snapshot(base).map((entry) => entry.path)
      assert.ok(
        left.some((each) => each.endsWith(`/${name}`)),
        `${name} is lost: ${left.join(', ')}`,
      )
      assert.ok((error.errors?.length ?? 0) > 1, 'it is not told where it lies')
    }

    it('a foreign file in a directory that must be taken back is not lost', async () => {
      const scene = sceneOf({ dest: { own: 'own' } })
      const foreign = path.join(scene.dest, 'pkg/foreign.js')
      const error = await failureOf(
        merging(
          scene,
          failLater(scene, () => {
            fs.writeFileSync(foreign, 'foreign')
          }),
        ),
      )
      assert.equal(error.code, 'EIO')
      assertNotLost(scene, foreign, error)
    })

    it('a foreign file deep in a whole dest that must be taken back is not lost', async () => {
      const scene = sceneOf({})
      const foreign = path.join(scene.dest, 'pkg/lib/foreign.js')
      const error = await failureOf(
        merging(
          scene,
          failLater(scene, () => {
            fs.writeFileSync(foreign, 'foreign')
          }),
        ),
      )
      assert.equal(error.code, 'EIO')
      assertNotLost(scene, foreign, error)
    })

    it('what somebody put in the place of a published entry is not touched', async () => {
      const scene = sceneOf({ dest: { own: 'own' } })
      const error = await failureOf(
        merging(
          scene,
          failLater(scene, () => {
            fs.rmSync(path.join(scene.dest, 'pkg'), { recursive: true })
            writeTree(path.join(scene.dest, 'pkg'), { foreign: 'foreign' })
            fs.unlinkSync(path.join(scene.dest, 'top.txt'))
          }),
        ),
      )
      assert.equal(error.code, 'EIO')
      const left = snapshot(scene.dest).map((entry) => entry.path)
      assert.deepEqual(left, ['own', 'pkg', 'pkg/foreign'])
    })

    it('an abort takes everything back, though the first try to is interrupted', async () => {
      const scene = sceneOf({ dest: { own: 'own' } })
      const abort = new AbortController()
      const reason = new Error('aborted by the caller')
      let undoing = false
      let interrupted = 0
      const merged = merging(
        scene,
        ({ operation, path: at, from = '' }) => {
          if (operation === 'chmod' && at.startsWith(scene.dest)) {
            abort.abort(reason)
            undoing = true
            return { errno: errno.EINTR, syscall: 'chmod' }
          }
          const takingBack = operation === 'rename' && from.startsWith(`${scene.dest}/`)
          if (!undoing || !takingBack || from.includes('/new/') || interrupted > 0) return undefined
          interrupted++
          return { errno: errno.EINTR, syscall: 'rename' }
        },
        { signal: abort.signal },
      )
      assert.equal(await failureOf(merged), reason)
      assert.equal(interrupted, 1)
      assertTree(scene.base, scene.before)
    })

    it('gives up where something changes in dest without end', async () => {
      const scene = sceneOf({ dest: {} })
      const error = await failureOf(
        merging(scene, ({ operation, from = '' }) =>
          operation === 'rename' && from.endsWith('/new/top.txt')
            ? { errno: errno.EEXIST, syscall: 'rename' }
            : undefined,
        ),
      )
      assert.equal(error.code, codeOf(errno.EBUSY))
      assert.match(error.message, /keeps changing dest/)
      assertTree(scene.base, scene.before)
    })
  })
})
