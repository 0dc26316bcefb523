import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import { lockDirectory, type Lock } from '../../lib/commit/lock'
import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Directory, Host } from '../../lib/host/host'
import { nodeHost } from '../../lib/host/node'
import { mergeOn, planOn } from '../../lib/merge'
import type { MergeOptions, MergeResult } from '../../lib/types'
import { startCommand, type RunningChild } from '../support/child'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { mergeInChild } from '../support/merge-in-child'
import { describeWith, isThere, itWith } from '../support/needs'
import { scriptedHost } from '../support/scripted-host'
import { assertTree, snapshot } from '../support/snapshot'
import { namespaceStore } from '../support/store'
import { writeTree } from '../support/tree'

const forever = { timeout: undefined, signal: undefined }

/** Something that happens once, and can be waited for. */
function event(): { happens: () => void; happened: Promise<void> } {
  let happens = (): void => undefined
  const happened = new Promise<void>((resolve) => (happens = resolve))
  return { happens, happened }
}

/** A host that tells when it has found the lock taken. */
function watchingHost(host: Host): { host: Host; waiting: Promise<void>; tries: () => number } {
  const { happens, happened } = event()
  let tries = 0
  const tryLock = (directory: Directory): number => {
    const number = host.tryLock(directory)
    if (number !== errno.EWOULDBLOCK) return number
    tries++
    happens()
    return number
  }
  return { host: { ...host, tryLock }, waiting: happened, tries: () => tries }
}

describe('the lock on dest', () => {
  let base = ''
  let dest = ''
  const opened: Directory[] = []

  beforeEach(() => {
    base = freshDir()
    writeTree(base, { 'src/pkg/a': 'a', 'src/top': 'top', 'dest/own': 'own' })
    dest = path.join(base, 'dest')
  })

  afterEach(async () => {
    for (const directory of opened.splice(0)) await defaultHost.close(directory)
  })

  const merge = (host: Host, options?: MergeOptions): Promise<MergeResult> =>
    mergeOn(host, [{ name: 'p', dir: path.join(base, 'src') }], dest, options)

  const isMerged = (): boolean => fs.existsSync(path.join(dest, 'pkg/a'))

  /** Holds the lock in this process, through a descriptor of its own, until it is closed. */
  async function hold(directory = dest): Promise<() => Promise<void>> {
    const holder = await defaultHost.open({ base: directory, path: '' })
    assert.equal(defaultHost.tryLock(holder), 0)
    return () => defaultHost.close(holder)
  }

  async function isFree(): Promise<boolean> {
    const directory = await defaultHost.open({ base: dest, path: '' })
    const number = defaultHost.tryLock(directory)
    await defaultHost.close(directory)
    return number === 0
  }

  describeWith('locks', 'held by another process', () => {
    let holder: RunningChild

    beforeEach(async () => {
      holder = startCommand(['flock', dest, 'sh', '-c', 'echo held; exec sleep 60'])
      const { stdout } = holder.process
      assert.ok(stdout)
      await once(stdout, 'data')
    })

    afterEach(async () => {
      holder.kill()
      await holder.done
    })

    it('makes merge wait, and go on when that process is killed', async () => {
      const { host, waiting, tries } = watchingHost(defaultHost)
      const merging = merge(host)
      await waiting
      while (tries() < 3) await turn()
      assert.equal(isMerged(), false)
      holder.kill('SIGKILL')
      const result = await merging
      assert.equal(result.locking, 'exclusive')
      assert.ok(result.duration.lock > 0)
      assert.ok(isMerged())
      assert.ok(await isFree())
    })

    it('is not asked for with lock: false', async () => {
      const result = await merge(defaultHost, { lock: false })
      assert.equal(result.locking, 'none')
      assert.ok(isMerged())
    })

    it('is not needed for a plan', async () => {
      const plan = await planOn(defaultHost, [{ name: 'p', dir: path.join(base, 'src') }], dest)
      assert.equal(plan.files, 2)
    })
  })

  describeWith('locks', 'that stays taken', () => {
    let release: () => Promise<void>
    let before: ReturnType<typeof snapshot>

    beforeEach(async () => {
      before = snapshot(base)
      release = await hold()
    })

    afterEach(() => release())

    for (const timeout of [0, 1, 30])
      it(`ends the wait after ${String(timeout)} ms with an error, dest as before`, async () => {
        const { host, waiting } = watchingHost(defaultHost)
        const error = await failureOf(merge(host, { lock: { timeout } }))
        assert.equal(error.code, 'ERR_MERGE_LOCK_TIMEOUT')
        assert.ok(error.message.includes(dest))
        assert.match(error.message, new RegExp(` ${String(timeout)} ms.*lock\\.timeout`))
        assert.equal(error.path, dest)
        assertTree(base, before)
        await waiting
      })

    for (const timeout of [Infinity, 2 ** 31, Number.MAX_SAFE_INTEGER])
      it(`is waited for with a timeout of ${String(timeout)} ms`, async () => {
        const warnings: Error[] = []
        const warn = (warning: Error): void => void warnings.push(warning)
        process.on('warning', warn)
        const { host, waiting, tries } = watchingHost(defaultHost)
        const merging = merge(host, { lock: { timeout } })
        try {
          await Promise.race([waiting, merging])
          while (tries() < 4) await Promise.race([turn(), merging])
        } finally {
          process.off('warning', warn)
          await release()
          release = () => Promise.resolve()
          await Promise.allSettled([merging])
        }
        assert.deepEqual(warnings, [])
        assert.equal((await merging).locking, 'exclusive')
      })

    it('ends the wait with the reason of an abort, dest as before', async () => {
      const abort = new AbortController()
      const reason = new Error('aborted by the caller')
      const { host, waiting } = watchingHost(defaultHost)
      const merging = merge(host, { signal: abort.signal })
      await Promise.race([waiting, merging])
      abort.abort(reason)
      assert.equal(await failureOf(merging), reason)
      assertTree(base, before)
    })

    it('leaves no listener behind on the signal', async () => {
      const { signal } = new AbortController()
      const added = mock.method(signal, 'addEventListener')
      const removed = mock.method(signal, 'removeEventListener')
      const error = await failureOf(merge(defaultHost, { signal, lock: { timeout: 5 } }))
      assert.equal(error.code, 'ERR_MERGE_LOCK_TIMEOUT')
      assert.ok(added.mock.callCount() > 0)
      assert.equal(removed.mock.callCount(), added.mock.callCount())
    })

    it('is not held against a dest that is not there yet', async () => {
      dest = path.join(dest, 'sub/dest')
      const result = await merge(defaultHost)
      assert.equal(result.locking, 'exclusive')
      assert.ok(isMerged())
    })
  })

  describe('that cannot be had', () => {
    const codes = ['ENOLCK', 'EBADF', 'ENOSYS', 'EOPNOTSUPP'] as const
    for (const code of codes)
      it(`is done without for ${code}, and told as degraded`, async () => {
        const result = await merge({ ...defaultHost, tryLock: () => errno[code] })
        assert.equal(result.locking, 'degraded')
        assert.ok(isMerged())
      })

    it('is an error for EIO, from which nothing falls back', async () => {
      const before = snapshot(base)
      const error = await failureOf(merge({ ...defaultHost, tryLock: () => errno.EIO }))
      assert.deepEqual([error.code, error.syscall, error.path], ['EIO', 'flock', dest])
      assertTree(base, before)
    })

    itWith('locks', 'is asked for again after EINTR', async () => {
      let tries = 0
      const tryLock = (directory: Directory): number =>
        ++tries < 4 ? errno.EINTR : defaultHost.tryLock(directory)
      const result = await merge({ ...defaultHost, tryLock })
      assert.equal(result.locking, 'exclusive')
    })

    it('is told as degraded with node:fs alone', async () => {
      const result = await merge(nodeHost)
      assert.equal(result.locking, 'degraded')
    })
  })

  describe('within a process', () => {
    const open = async (): Promise<Directory> => {
      const directory = await defaultHost.open({ base: dest, path: '' })
      opened.push(directory)
      return directory
    }
    const give = async (lock: Lock, directory: Directory): Promise<void> => {
      lock.release()
      opened.splice(opened.indexOf(directory), 1)
      await defaultHost.close(directory)
    }

    for (const [what, host] of [
      ...(isThere('locks') ? [['flock', defaultHost] as const] : []),
      ['no flock at all', { ...defaultHost, tryLock: () => errno.ENOLCK }],
    ] as const)
      describe(`with ${what}`, () => {
        it('goes to one at a time, first come, first served', async () => {
          // node:fs opens directories in an order of its own.
          const asked: number[] = []
          const order: number[] = []
          let holders = 0
          const one = async (index: number): Promise<void> => {
            const directory = await open()
            asked.push(index)
            const lock = await lockDirectory(host, directory, forever)
            order.push(index)
            assert.equal(++holders, 1)
            for (let turns = 0; turns < 3; turns++) await turn()
            holders--
            await give(lock, directory)
          }
          await Promise.all(Array.from({ length: 12 }, (_, index) => one(index)))
          assert.equal(order.length, 12)
          assert.deepEqual(order, asked)
        })

        it('is waited for though the last in line has given up', async () => {
          const first = await open()
          const lock = await lockDirectory(host, first, forever)
          const late = lockDirectory(host, await open(), { ...forever, timeout: 1 })
          assert.equal((await failureOf(late)).code, 'ERR_MERGE_LOCK_TIMEOUT')
          const second = await open()
          let got = false
          const waiting = lockDirectory(host, second, forever).then((result) => {
            got = true
            return result
          })
          for (let turns = 0; turns < 20; turns++) await turn()
          assert.equal(got, false)
          await give(lock, first)
          await give(await waiting, second)
        })

        it('passes those by that have given up', async () => {
          const first = await open()
          const lock = await lockDirectory(host, first, forever)
          const abort = new AbortController()
          const reason = new Error('aborted by the caller')
          const aborted = lockDirectory(host, await open(), { ...forever, signal: abort.signal })
          const late = lockDirectory(host, await open(), { ...forever, timeout: 1 })
          const third = lockDirectory(host, await open(), forever)
          abort.abort(reason)
          assert.equal(await failureOf(aborted), reason)
          assert.equal((await failureOf(late)).code, 'ERR_MERGE_LOCK_TIMEOUT')
          let got = false
          const waiting = third.then((result) => {
            got = true
            return result
          })
          for (let turns = 0; turns < 20; turns++) await turn()
          assert.equal(got, false)
          await give(lock, first)
          ;(await waiting).release()
        })
      })

    it('keeps the publishing of two merges apart, even where there are no locks', async () => {
      const without = { ...defaultHost, tryLock: () => errno.ENOLCK }
      const log: string[] = []
      const logging = (name: string): Host =>
        scriptedHost(without, async ({ operation, from = '' }) => {
          if (operation === 'rename' && from.includes('/new/')) log.push(name)
          await turn()
          return undefined
        })
      const sources = ['x', 'y', 'z'].map((name) => {
        const spec = Object.fromEntries(
          Array.from({ length: 8 }, (_, index) => [`${name}-${String(index)}`, name]),
        )
        return { name, dir: writeTree(path.join(base, name), spec) }
      })
      await Promise.all(sources.map((source) => mergeOn(logging(source.name), [source], dest)))
      assert.equal(log.length, 24)
      const runs = log.filter((name, index) => name !== log[index - 1])
      assert.equal(runs.length, 3, log.join(''))
    })

    itWith('locks', 'is free again after a merge that failed', async () => {
      const failing = scriptedHost(defaultHost, ({ operation }) =>
        operation === 'rename' ? { errno: errno.EIO, syscall: 'rename' } : undefined,
      )
      assert.equal((await failureOf(merge(failing))).code, 'EIO')
      assert.ok(await isFree())
      await merge(defaultHost, { lock: { timeout: 1000 } })
      assert.ok(isMerged())
    })
  })

  describeWith('locks', 'on a dest that is replaced while merge waits for it', () => {
    /** Waits for the lock, puts another directory in dest's place, and lets go. */
    async function replaced(spec: Record<string, string>, old = 'moved'): Promise<MergeResult> {
      const release = await hold()
      const { host, waiting } = watchingHost(defaultHost)
      const merging = merge(host)
      await Promise.race([waiting, merging])
      fs.renameSync(dest, path.join(base, old))
      writeTree(dest, spec)
      await release()
      return merging
    }

    it('goes into the new one', async () => {
      const result = await replaced({ 'pkg/foreign': 'foreign' })
      assert.equal(result.locking, 'exclusive')
      assertTree(
        dest,
        writeTree(path.join(base, 'want'), {
          'pkg/foreign': 'foreign',
          'pkg/a': 'a',
          top: 'top',
        }),
      )
      const moved = path.join(base, 'moved')
      assert.deepEqual(fs.readdirSync(moved), ['own'])
    })

    it('goes with everything that the old one had and the new one lacks', async () => {
      writeTree(dest, { 'pkg/own': 'own', top: 'top' })
      const result = await replaced({ foreign: 'foreign' })
      assert.equal(result.created, 2)
      assertTree(
        dest,
        writeTree(path.join(base, 'want'), { foreign: 'foreign', 'pkg/a': 'a', top: 'top' }),
      )
      assert.deepEqual(fs.readdirSync(path.join(base, 'moved')).sort(), ['own', 'pkg', 'top'])
    })

    it('is a conflict where the new one holds something else', async () => {
      const error = await failureOf(replaced({ top: 'other', pkg: 'a file' }))
      assert.equal(error.code, 'ERR_MERGE_CONFLICT')
      assert.deepEqual(
        error.conflicts?.map(({ path: at }) => at),
        ['pkg', 'top'],
      )
      assert.deepEqual(fs.readdirSync(dest).sort(), ['pkg', 'top'])
      assert.deepEqual(fs.readdirSync(path.join(base, 'moved')), ['own'])
    })

    it('is an error where nothing is there any more', async () => {
      const release = await hold()
      const { host, waiting } = watchingHost(defaultHost)
      const merging = merge(host)
      await Promise.race([waiting, merging])
      fs.renameSync(dest, path.join(base, 'moved'))
      await release()
      const error = await failureOf(merging)
      assert.deepEqual([error.code, error.syscall, error.path], ['ENOENT', 'open', dest])
      assert.deepEqual(fs.readdirSync(base).sort(), ['moved', 'src'])
      assert.deepEqual(fs.readdirSync(path.join(base, 'moved')), ['own'])
    })
  })

  itWith(
    'locks',
    'holds no pool thread: 64 merges at once end with a pool of one',
    async function () {
      const { packages, union } = namespaceStore(path.join(base, 'store'), 64)
      const jobs = packages.map((source) => ({ sources: [source], dest }))
      const outcomes = await mergeInChild(jobs, {
        atOnce: true,
        env: { UV_THREADPOOL_SIZE: '1' },
      })
      assert.deepEqual(
        outcomes.map(({ result, error }) => error?.message ?? result?.locking),
        Array(64).fill('exclusive'),
      )
      assertTree(dest, writeTree(path.join(base, 'want'), { ...union, own: 'own' }))
    },
  )
})
