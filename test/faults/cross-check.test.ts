import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { MergeOptions, MergeResult, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { describeOn } from '../support/describe-on'
import { failpoints, syscallOf } from '../support/failpoints'
import { failureOf, type Failure } from '../support/failure'
import { tell } from '../support/figures'
import { killCases, makeKillScene, packagesOf } from '../support/kill-cases'
import { runOrder, type KillOrder } from '../support/killed'
import { isThorough } from '../support/long'
import { describeWith } from '../support/needs'
import type { Operation } from '../support/scripted-host'
import { snapshot, type TreeEntry } from '../support/snapshot'
import { runTool } from '../support/tool'
import { injection, traced, type TracedStep } from '../support/traced'
import { orSkip } from '../support/unrunnable'

/** What the kernel is asked for at each step, and nothing else. */
const expected: Partial<Record<Operation, RegExp>> = {
  clone: /^openat ficlone( fchmod)?( utimensat)?$/,
  hardlink: /^linkat$/,
  symlink: /^symlinkat$/,
  mkdir: /^mkdirat( fchmod)?$/,
  // The mode may be right already.
  chmod: /^(fchmod)?$/,
  copyTimes: /^utimensat$/,
  rename: /^renameat2?$/,
  unlink: /^unlinkat$/,
  rmdir: /^rmdir$/,
  writeRecord: /^openat( write)+$/,
  sync: /^syncfs$/,
}

const missing = killCases['into a dest that is missing']
const killCase = killCases['into a dest that is there']
const options: MergeOptions = {
  ...{ existing: 'replace', concurrency: 1, durability: 'full', preserveTimestamps: true },
}

interface Scene {
  readonly root: string
  readonly dest: string
}

/** Staging directories have random names, marks are named after their inode, and scenes lie in different places. */
const named = (text: string, { root }: Scene): string =>
  text
    .replaceAll(root, 'ROOT')
    .replace(/(merge-)[0-9a-f]{16}/g, '$1*')
    .replace(/(\/mark-)[0-9a-z.]+/, '$1*')

function treeOf(scene: Scene): TreeEntry[] {
  return snapshot(scene.root).map((entry) => {
    const at = named(entry.path, scene)
    // A record tells inodes, and the mark whose process it is: they differ.
    return /\*(-begun)?\/(mark-[^/]*$|journal\/)/.test(at)
      ? { path: at, type: entry.type }
      : { ...entry, path: at }
  })
}

function toldBy({ code, errno: number, syscall, path: at, dest }: Failure, scene: Scene): object {
  const places = [at, dest].map((each) => each && named(each, scene))
  return { code, number, syscall, places }
}

/**
 * The call by which a step can be struck, as strace names it: not one that other threads make as well, nor `write`, by
 * which threads also wake each other, now more and now less often.
 */
function targetOf({ operation, calls }: TracedStep): { name: string; nth: number } | undefined {
  const call = calls.find(({ name }) => operation !== 'clone' || name === 'ficlone')
  if (call === undefined || call.shared || operation === 'writeRecord') return undefined
  const name = { ficlone: 'ioctl', rmdir: 'unlinkat' }[call.name] ?? call.name
  return { name, nth: call.nth }
}

describeWith('steps', 'the failpoint layer', function () {
  this.timeout(600_000)

  before('finds strace', async function () {
    await orSkip(this, runTool('strace', ['--version']))
  })

  describeOn(['btrfs'], (volume) => {
    let base: string
    let sources: Source[]
    let steps: readonly TracedStep[]
    let counted = 0
    let scenes = 0
    before('traces a merge', async () => {
      base = volume.fresh()
      sources = packagesOf(base, killCase)
      const scene = newScene(base)
      const trace = await traced(orderFor(scene), base)
      assert.equal(trace.finished?.error, undefined)
      assert.deepEqual(trace.before, [])
      steps = trace.steps
      counted = trace.finished?.steps ?? 0
    })

    const newScene = (at: string): Scene =>
      makeKillScene(path.join(at, `scene-${String(scenes++)}`), killCase)
    const orderFor = ({ dest }: Scene, at = 0): KillOrder => ({
      ...{ what: 'merge', sources, dest, options, at },
    })

    it('counts every system call that changes something, each as what it is', () => {
      assert.ok(steps.length >= killCase.steps)
      assert.equal(counted, steps.length)
      const odd = steps.flatMap(({ operation, calls }, index) => {
        const seen = calls.map(({ name }) => name).join(' ')
        return expected[operation]?.test(seen) === true
          ? []
          : [`${index + 1} ${operation}: ${seen}`]
      })
      assert.deepEqual(odd, [])
      const kinds = new Set(steps.map(({ operation }) => operation))
      // Copies take the place of clones where there are none.
      assert.deepEqual([...kinds].sort(), Object.keys(expected).sort())
      tell('steps that strace saw too', steps.length)
    })

    /** One step of each kind, or all of them. */
    const struck = (): { n: number; step: TracedStep; name: string; nth: number }[] => {
      const seen = new Set<Operation>()
      return steps.flatMap((step, index) => {
        const target = targetOf(step)
        if (target === undefined || (!isThorough && seen.has(step.operation))) return []
        seen.add(step.operation)
        return [{ n: index + 1, step, ...target }]
      })
    }

    const each = async (
      strike: (at: ReturnType<typeof struck>[number]) => Promise<void>,
    ): Promise<number> => {
      const targets = struck()
      assert.ok(targets.length >= 8, `only ${targets.length} kinds of steps can be struck`)
      for (const target of targets) await strike(target)
      return targets.length
    }

    it('fails as the kernel does: the same error, and the same end', async () => {
      const times = await each(async ({ n, step, name, nth }) => {
        const real = newScene(base)
        const prefix = injection(name, nth, 'error=EIO')
        const finished = await runOrder(orderFor(real), {
          prefix,
          env: { UV_THREADPOOL_SIZE: '1' },
        })
        const scripted = newScene(base)
        const { host } = failpoints(defaultHost, n, ({ operation }) => ({
          ...{ errno: errno.EIO, syscall: syscallOf(operation) },
        }))
        const merging = mergeOn(host, sources, scripted.dest, options)
        const what = `${n} ${step.operation}`
        // The first try to sweep may fail, and the second does it.
        const error = finished?.error
        if (error === undefined) {
          await merging
          assert.match(step.operation, /^(unlink|rmdir)$/, `${what} was not struck`)
        } else {
          const told = toldBy(await failureOf(merging), scripted)
          assert.deepEqual(toldBy(error, real), told, what)
        }
        assert.deepEqual(treeOf(real), treeOf(scripted), what)
      })
      tell('errors injected by strace that agree', times)
    })

    it('kills as the kernel does: the same files are there after it', async () => {
      const times = await each(async ({ n, step, name, nth }) => {
        const real = newScene(base)
        const prefix = injection(name, nth, 'signal=SIGKILL')
        const options = { prefix, env: { UV_THREADPOOL_SIZE: '1' } }
        assert.equal(await runOrder(orderFor(real), options), undefined, `${n} was not struck`)
        const scripted = newScene(base)
        assert.equal(await runOrder(orderFor(scripted, n)), undefined)
        assert.deepEqual(
          treeOf(real).filter(isWhole),
          treeOf(scripted).filter(isWhole),
          `${n} ${step.operation}`,
        )
      })
      tell('kills injected by strace that agree', times)
    })

    it('a directory whose mode cannot be set for want of a descriptor is made again', async () => {
      const scene = makeKillScene(path.join(base, 'missing'), missing)
      // So that mkdir alone does not give it.
      const umask = ['sh', '-c', 'umask 077; exec "$@"', 'sh']
      for (const error of ['EMFILE', 'EINTR']) {
        const prefix = [...umask, ...injection('fchmod', 1, `error=${error}`)]
        const env = { UV_THREADPOOL_SIZE: '1' }
        const order = { ...orderFor(scene), options: { concurrency: 1 } }
        const finished = await runOrder(order, { prefix, env })
        assert.equal(finished?.error, undefined)
        assert.equal((finished?.result as MergeResult).created, 13)
        fs.rmSync(scene.root, { recursive: true })
      }
    })

    /** A kill in the midst of a step may leave an empty file in the staging directory. */
    const isWhole = ({ path: at, size }: TreeEntry): boolean =>
      !at.includes('.reflink-merge-') || size !== 0
  })
})
