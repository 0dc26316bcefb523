import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { mergeOn } from '../../lib/merge'
import type { MergeOptions, MergeResult, Source } from '../../lib/types'
import { codeOf, failureOf, type Failure } from '../support/failure'
import { freshDir, removeDir } from '../support/fresh'
import { scriptedHost, type ScriptedCall, type Verdict } from '../support/scripted-host'
import { cloningEverywhere, failingFrom } from '../support/scripts'
import { assertTree, differences, snapshot, type TreeEntry } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const host = cloningEverywhere(defaultHost)

const isStaging = (name: string): boolean => name.startsWith('.reflink-merge-')

interface Scene {
  base: string
  dest: string
  /** How base was before. */
  before: TreeEntry[]
  /** A merge into dest. */
  merge: (on: Host, more?: MergeOptions) => Promise<MergeResult>
}

const one: TreeSpec = {
  'pkg/index.js': 'index of pkg',
  'pkg/lib/deep.js': 'deep in pkg',
  'pkg/link': { symlink: 'index.js' },
  'shared/one.js': 'one',
  'shared/common.js': 'common',
  'closed/in.js': 'in',
  'closed/': { dir: true, mode: 0o555 },
}
const two: TreeSpec = { 'shared/two.js': 'two', 'top.txt': { data: 'top', mode: 0o755 } }

/** What dest may hold, and what is allowed there. */
const scenes: Record<string, { dest?: TreeSpec; options?: MergeOptions }> = {
  'a fresh dest': {},
  'a dest that shares directories': {
    dest: { 'shared/own.js': 'own', 'shared/common.js': 'common', 'own.txt': 'own' },
  },
  "existing: 'replace'": {
    dest: {
      'top.txt': { data: 'old top', mode: 0o600 },
      'shared/one.js': { symlink: 'own.js' },
      'shared/own.js': 'own',
      pkg: 'a file in the way',
    },
    options: { existing: 'replace' },
  },
}

function makeScene({
  dest: spec,
  options = {},
}: {
  dest?: TreeSpec
  options?: MergeOptions
}): Scene {
  const base = freshDir()
  const sources: Source[] = [
    { name: 'one', dir: writeTree(path.join(base, 'one'), one) },
    { name: 'two', dir: writeTree(path.join(base, 'two'), two) },
  ]
  const dest = path.join(base, 'dest')
  if (spec !== undefined) writeTree(dest, spec)
  return {
    base,
    dest,
    before: snapshot(base),
    merge: (on, more) => mergeOn(on, sources, dest, { ...options, ...more }),
  }
}

function openDescriptors(): number {
  return fs.readdirSync('/proc/self/fd').length
}

/** The call that makes each operation what it is; for clone and EACCES another one, since that falls back. */
function verdictOf({ operation }: ScriptedCall, code: keyof typeof errno): Verdict {
  const syscalls: Partial<Record<typeof operation, string>> = {
    clone: code === 'EACCES' ? 'open' : 'ficlone',
    cloneDirectory: 'clonefile',
    hardlink: 'link',
    copy: 'copy_file_range',
    copyTimes: 'utimes',
  }
  return { errno: errno[code], syscall: syscalls[operation] ?? operation }
}

/** What dest held and lacks now, at its place or, of what was replaced, in old/ of a staging directory. */
function lostOf({ dest, base, before }: Scene): string[] {
  const now = new Map(snapshot(base).map((entry) => [entry.path, entry]))
  const places = [
    'dest',
    ...fs
      .readdirSync(dest)
      .filter(isStaging)
      .map((name) => `dest/${name}/old`),
  ]
  return before.flatMap((entry) => {
    if (!entry.path.startsWith('dest/') || entry.type === 'directory') return []
    const rest = entry.path.slice('dest'.length)
    const found = places.some((place) => {
      const there = now.get(place + rest)
      return (
        there !== undefined && differences([{ ...there, path: entry.path }], [entry]).length === 0
      )
    })
    return found ? [] : [entry.path]
  })
}

describe('undo', () => {
  for (const [what, scene] of Object.entries(scenes))
    for (const code of ['EIO', 'ENOSPC', 'EACCES'] as const) {
      describe(`${what}, the n-th operation fails with ${code}`, () => {
        /**
         * Runs with a failure at the first operation, the second and so on, until none is left to fail.
         * Collects what is wrong with each outcome, by the operation that failed.
         */
        async function eachFailure(
          onceOnly: boolean,
          complain: (
            made: Scene,
            outcome: MergeResult | Failure,
            failed: readonly [ScriptedCall, ...ScriptedCall[]],
          ) => string[],
        ): Promise<void> {
          const whole = makeScene(scene)
          await whole.merge(host)
          const complaints: string[] = []
          for (let n = 1; ; n++) {
            const made = makeScene(scene)
            const { host: failing, failed } = failingFrom(host, n, onceOnly, (call) =>
              verdictOf(call, code),
            )
            const outcome = await made.merge(failing).catch((error: unknown) => error as Failure)
            const [first, ...others] = failed
            if (first === undefined) {
              assert.ok(n > 15, `only ${String(n)} operations`)
              assert.ok(!(outcome instanceof Error))
              assertTree(made.dest, whole.dest)
              break
            }
            const lines = complain(made, outcome, [first, ...others])
            if (!(outcome instanceof Error)) {
              // Only what does not matter for the result may fail unnoticed: then dest is whole.
              const now = snapshot(made.dest).filter((entry) => !isStaging(entry.path))
              lines.push(...differences(now, snapshot(whole.dest)))
            }
            const name = path.relative(made.base, first.path).replace(/(merge-)[0-9a-f]+/, '$1*')
            // Two lines of each show what it is.
            for (const line of lines.slice(0, 2))
              complaints.push(`${first.operation} ${name}: ${line.slice(0, 100)}`)
            await removeDir(made.base)
          }
          assert.deepEqual(complaints, [])
        }

        it('once: dest is as before, or whole, and nothing is left over', async () => {
          await eachFailure(true, ({ base, dest, before }, outcome) => {
            if (outcome instanceof Error) return differences(snapshot(base), before)
            const left = [...fs.readdirSync(base), ...fs.readdirSync(dest)].filter(isStaging)
            return left.map(() => 'a staging directory is left over')
          })
        })

        it('once: the error tells errno, syscall and path of that operation', async () => {
          await eachFailure(true, (_, outcome, [first]) => {
            if (!(outcome instanceof Error)) return []
            const { code: got, errno: number, syscall, path: at = '', errors } = outcome
            const told = [got, number, syscall, path.isAbsolute(at), errors]
            const wanted = [code, -errno[code], verdictOf(first, code)?.syscall, true, undefined]
            return isDeepStrictEqual(told, wanted) ? [] : [`told ${JSON.stringify(told)}`]
          })
        })

        it('and all after it: nothing of dest is lost, the first error stays the cause', async () => {
          await eachFailure(false, (made, outcome, failed) => {
            // What was replaced is gone by right.
            if (!(outcome instanceof Error)) return []
            const lost = fs.existsSync(made.dest) ? lostOf(made) : []
            const lines = lost.map((name) => `lost ${name}`)
            const { code: got, errno: number, syscall, errors } = outcome
            const told = [got, number, syscall]
            // A link into old/ that is not allowed is no failure: what is replaced is moved instead. Nor is a directory
            // that may not be cloned: its files are.
            const cause = failed.find(
              ({ operation }) =>
                code !== 'EACCES' || (operation !== 'hardlink' && operation !== 'cloneDirectory'),
            )
            const wanted = [code, -errno[code], cause && verdictOf(cause, code)?.syscall]
            if (!isDeepStrictEqual(told, wanted)) lines.push(`told ${JSON.stringify(told)}`)
            if (differences(snapshot(made.base), made.before).length === 0) return lines
            // What could not be put back or swept up is told as well.
            const others = errors?.slice(1) ?? []
            if (errors?.[0] !== outcome || others.length === 0) {
              lines.push('what could not be undone is not told')
            }
            if (others.some((error) => error.code !== code || error.path === undefined)) {
              lines.push(`told with ${JSON.stringify(others)}`)
            }
            return lines
          })
        })
      })
    }

  it('closes every descriptor, whatever failed', async function () {
    if (process.platform !== 'linux') this.skip()
    for (const scene of Object.values(scenes))
      for (const onceOnly of [true, false]) {
        for (let n = 1; ; n++) {
          const made = makeScene(scene)
          const before = openDescriptors()
          const { host: failing, failed } = failingFrom(host, n, onceOnly, (call) =>
            verdictOf(call, 'EIO'),
          )
          await made.merge(failing).catch(() => undefined)
          assert.equal(openDescriptors(), before, `${String(n)}: ${String(failed[0]?.operation)}`)
          if (failed.length === 0) break
        }
      }
  })

  it('closes every descriptor when a read fails', async function () {
    if (process.platform !== 'linux') this.skip()
    for (const operation of ['open', 'list', 'stat', 'compare'] as const)
      for (let n = 1; ; n++) {
        const made = makeScene(scenes['a dest that shares directories'] ?? {})
        const before = openDescriptors()
        let count = 0
        const failing = scriptedHost(host, (call) =>
          call.operation === operation && ++count === n
            ? { errno: errno.EIO, syscall: 'open' }
            : undefined,
        )
        const outcome = await made.merge(failing).catch((error: unknown) => error as Failure)
        assert.equal(openDescriptors(), before, `${operation} ${String(n)}`)
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
      const scene = makeScene({})
      const script = atPublish(scene, '', (at) => {
        writeTree(at, { 'shared/foreign': 'foreign', foreign: 'foreign' })
      })
      await merging(scene, script)
      const whole = makeScene({ dest: { 'shared/foreign': 'foreign', foreign: 'foreign' } })
      await whole.merge(host)
      assertTree(scene.dest, whole.dest)
    })

    it('a directory that appears where a new one is published is descended into', async () => {
      const scene = makeScene({ dest: {} })
      const script = atPublish(scene, 'pkg', (at) => {
        writeTree(at, { 'lib/foreign.js': 'foreign', 'index.js': 'index of pkg' })
      })
      const result = await merging(scene, script)
      const whole = makeScene({ dest: { 'pkg/lib/foreign.js': 'foreign' } })
      await whole.merge(host)
      assertTree(scene.dest, whole.dest)
      assert.equal(result.unchanged, 1)
    })

    it('a directory that vanishes is made again with its own mode', async () => {
      const scene = makeScene({ dest: { 'shared/own.js': 'own' } })
      let done = false
      await merging(scene, ({ operation, path: at }) => {
        if (done || operation !== 'rename' || at !== path.join(scene.dest, 'shared/one.js'))
          return undefined
        done = true
        fs.rmSync(path.join(scene.dest, 'shared'), { recursive: true })
        return undefined
      })
      const whole = makeScene({})
      await whole.merge(host)
      assertTree(scene.dest, whole.dest)
    })

    it('an identical file that appears is left as it is', async () => {
      const scene = makeScene({ dest: {} })
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
        const scene = makeScene({ dest: { own: 'own' } })
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
        const scene = makeScene({ dest: {} })
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
        const scene = makeScene({ dest: {} })
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
        makeScene({ dest: { 'top.txt': 'old', pkg: 'old' }, options: { existing: 'replace' } })

      /** Does something when the entry is first saved to old/. */
      const atSaving = (
        { dest }: Scene,
        name: string,
        meddle: (at: string) => void,
      ): ((call: ScriptedCall) => Verdict) => {
        let done = false
        return ({ operation, from = '' }) => {
          if (done || (operation !== 'hardlink' && operation !== 'rename')) return undefined
          if (from !== path.join(dest, name)) return undefined
          done = true
          meddle(from)
          return undefined
        }
      }

      for (const name of ['top.txt', 'pkg'])
        it(`${name}: goes on where it vanishes`, async () => {
          const scene = replacing()
          const script = atSaving(scene, name, (at) => {
            fs.unlinkSync(at)
          })
          await merging(scene, script)
          const whole = makeScene({})
          await whole.merge(host)
          assertTree(scene.dest, whole.dest)
        })

      it('top.txt: never replaces a directory that has taken its place', async () => {
        const scene = replacing()
        const script = atSaving(scene, 'top.txt', (at) => {
          fs.unlinkSync(at)
          writeTree(at, { 'full/of': 'foreign files' })
        })
        const error = await failureOf(merging(scene, script))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        const left = path.join(scene.dest, 'top.txt/full/of')
        assert.equal(fs.readFileSync(left, 'utf8'), 'foreign files')
        assert.equal(fs.readFileSync(path.join(scene.dest, 'pkg'), 'utf8'), 'old')
      })

      it('pkg: descends into a directory that has taken its place', async () => {
        const scene = replacing()
        const script = atSaving(scene, 'pkg', (at) => {
          fs.unlinkSync(at)
          writeTree(at, { 'full/of': 'foreign files' })
        })
        await merging(scene, script)
        const whole = makeScene({ dest: { 'pkg/full/of': 'foreign files' } })
        await whole.merge(host)
        assertTree(scene.dest, whole.dest)
      })

      it('puts back what was replaced when a later operation fails', async () => {
        const scene = replacing()
        const inodes = ['top.txt', 'pkg'].map(
          (name) => fs.statSync(path.join(scene.dest, name)).ino,
        )
        const error = await failureOf(
          merging(scene, ({ operation, path: at }) =>
            operation === 'chmod' && at.endsWith('/closed')
              ? { errno: errno.EIO, syscall: 'chmod' }
              : undefined,
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
      const scene = makeScene({ dest: { own: 'own' } })
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
      const scene = makeScene({})
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
      const scene = makeScene({ dest: { own: 'own' } })
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
      const scene = makeScene({ dest: { own: 'own' } })
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
      const scene = makeScene({ dest: {} })
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
