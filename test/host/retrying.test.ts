import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { mock } from 'node:test'

import { errno } from '../../lib/errno'
import type { FileOptions, Host, LinkJob, NamesJob, PairJob, Place } from '../../lib/host/host'
import { nodeHost } from '../../lib/host/node'
import { retrying } from '../../lib/host/retrying'
import { codeOf, failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { scriptedHost, type Operation, type ScriptedCall } from '../support/scripted-host'
import { assertTree } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const passing = ['EINTR', 'EMFILE', 'ENFILE'] as const

const plain: FileOptions = { writable: false, times: false, inKernelCopy: false }
const ours = ['a', 'b', 'c', 'd']

interface Case {
  /** What is there before. */
  readonly spec: TreeSpec
  /** What is there when all four names of the two jobs have succeeded. */
  readonly result: TreeSpec
  readonly run: (host: Host, dir: string) => Promise<{ errnos: Int32Array }>
}

const files = { a: 'a', b: 'b', c: 'c', d: 'd' }
const below = (parent: string, spec: TreeSpec): TreeSpec =>
  Object.fromEntries(Object.entries(spec).map(([name, node]) => [`${parent}/${name}`, node]))
const place = (dir: string, name: string): Place => ({ base: dir, path: name })

/** Two jobs of two names each. */
const pairs = (dir: string): PairJob[] =>
  [ours.slice(0, 2), ours.slice(2)].map((names) => ({
    from: place(dir, 'from'),
    to: place(dir, 'to'),
    names,
    toNames: names.map((name) => `${name}2`),
  }))
const names = (dir: string): NamesJob[] =>
  [ours.slice(0, 2), ours.slice(2)].map((some, index) => ({
    to: place(dir, 'to'),
    names: some,
    modes: index === 0 ? Uint32Array.of(0o701, 0o702) : Uint32Array.of(0o703, 0o704),
  }))
const links = (dir: string): LinkJob[] =>
  [ours.slice(0, 2), ours.slice(2)].map((some) => ({
    to: place(dir, 'to'),
    names: some,
    targets: some.map((name) => `to ${name}`),
  }))

const renamed = { a2: 'a', b2: 'b', c2: 'c', d2: 'd' }
const fourDirs = (modes: readonly number[]): TreeSpec =>
  Object.fromEntries(ours.map((name, index) => [`to/${name}/`, { mode: modes[index] ?? 0o755 }]))

const writing: Partial<Record<Operation, Case>> = {
  hardlink: {
    spec: { ...below('from', files), 'to/': {} },
    result: { ...below('from', files), ...below('to', renamed) },
    run: (host, dir) => host.hardlink(pairs(dir)),
  },
  copy: {
    spec: { ...below('from', files), 'to/': {} },
    result: { ...below('from', files), ...below('to', renamed) },
    run: (host, dir) => host.copy(pairs(dir), plain),
  },
  rename: {
    spec: { ...below('from', files), 'to/': {} },
    result: { 'from/': {}, ...below('to', renamed) },
    run: (host, dir) => host.rename(pairs(dir), false),
  },
  symlink: {
    spec: { 'to/': {} },
    result: Object.fromEntries(ours.map((name) => [`to/${name}`, { symlink: `to ${name}` }])),
    run: (host, dir) => host.symlink(links(dir)),
  },
  mkdir: {
    spec: { 'to/': {} },
    result: fourDirs([0o701, 0o702, 0o703, 0o704]),
    run: (host, dir) => host.mkdir(names(dir), true),
  },
  chmod: {
    spec: fourDirs([0o755, 0o755, 0o755, 0o755]),
    result: fourDirs([0o701, 0o702, 0o703, 0o704]),
    run: (host, dir) => host.chmod(names(dir)),
  },
  unlink: {
    spec: { ...below('to', files), 'to/e': 'e' },
    result: { 'to/e': 'e' },
    run: (host, dir) => host.unlink(names(dir)),
  },
  rmdir: {
    spec: { ...fourDirs([]), 'to/e': 'e' },
    result: { 'to/e': 'e' },
    run: (host, dir) => host.rmdir(names(dir)),
  },
}

const twoFilesTwice = { ...below('from', files), ...below('to', renamed) }

describe('patient host', () => {
  /** Fails the first `times` calls about each of these names. */
  function failing(
    operation: Operation,
    which: readonly string[],
    code: keyof typeof errno,
    times: number,
  ): { host: Host; calls: ScriptedCall[] } {
    const calls: ScriptedCall[] = []
    const left = new Map(which.map((name) => [name, times]))
    const host = scriptedHost(nodeHost, (call) => {
      if (call.operation !== operation) return undefined
      calls.push(call)
      const name = path.basename(call.path).slice(0, 1)
      const remaining = left.get(name) ?? 0
      left.set(name, remaining - 1)
      return remaining > 0 ? { errno: errno[code], syscall: `scripted ${name}` } : undefined
    })
    return { host: retrying(host, undefined), calls }
  }

  const counted = (calls: readonly ScriptedCall[]): string =>
    calls.map((call) => path.basename(call.path).slice(0, 1)).join('')

  for (const [operation, { spec, result, run }] of Object.entries(writing) as [Operation, Case][])
    describe(operation, () => {
      for (const code of passing)
        it(`repeats only the names that failed with ${code}, until they succeed`, async () => {
          const dir = writeTree(freshDir(), spec)
          const { host, calls } = failing(operation, ['b', 'c'], code, 2)
          const { errnos } = await run(host, dir)
          assert.deepEqual([...errnos], [0, 0, 0, 0])
          assert.equal(counted(calls), 'abcdbbcc')
          assertTree(dir, writeTree(freshDir(), result))
        })

      it('passes other errnos on at once, each in its place', async () => {
        const dir = writeTree(freshDir(), spec)
        const { host, calls } = failing(operation, ['b', 'd'], 'EIO', 1)
        const { errnos } = await run(host, dir)
        assert.deepEqual([...errnos], [0, errno.EIO, 0, errno.EIO])
        assert.equal(counted(calls), 'abcd')
      })
    })

  describe('copyTimes', () => {
    it('repeats only the names that failed', async () => {
      const dir = writeTree(freshDir(), twoFilesTwice)
      for (const name of ours) fs.utimesSync(path.join(dir, 'from', name), 1000, 2000)
      const { host, calls } = failing('copyTimes', ['a'], 'EMFILE', 1)
      const { errnos } = await host.copyTimes(pairs(dir))
      assert.deepEqual([...errnos], [0, 0, 0, 0])
      assert.equal(counted(calls), 'abcda')
      assert.equal(fs.statSync(path.join(dir, 'to/a2')).mtimeMs, 2_000_000)
    })
  })

  describe('clone', () => {
    it('repeats only the names that failed, with the same options', async () => {
      const dir = writeTree(freshDir(), { ...below('from', files), 'to/': {} })
      const { host, calls } = failing('clone', ['d'], 'EINTR', 3)
      const { errnos } = await host.clone(pairs(dir), plain)
      assert.equal(counted(calls), 'abcdddd')
      assert.deepEqual([...errnos].map(codeOf), Array(4).fill('EOPNOTSUPP'))
    })
  })

  it('gives each outcome its own system call, of the last try where it was repeated', async () => {
    const dir = writeTree(freshDir(), { ...below('from', { ...files, b: 'b' }), 'to/': {} })
    fs.unlinkSync(path.join(dir, 'from/b'))
    let first = true
    const scripted = scriptedHost(nodeHost, ({ operation, path: at }) => {
      if (operation !== 'hardlink') return undefined
      if (at.endsWith('/d2')) return { errno: errno.EIO, syscall: 'scripted d' }
      if (!at.endsWith('/b2') || !first) return undefined
      first = false
      return { errno: errno.EMFILE, syscall: 'scripted b' }
    })
    const { errnos, syscall } = await retrying(scripted, undefined).hardlink(pairs(dir))
    assert.deepEqual([...errnos].map(codeOf), ['', 'ENOENT', '', 'EIO'])
    assert.equal(syscall(1), 'link')
    assert.equal(syscall(3), 'scripted d')
  })

  describe('reading', () => {
    for (const code of passing) {
      it(`opens again after ${code}`, async () => {
        const dir = freshDir()
        let tries = 0
        const scripted = scriptedHost(nodeHost, () =>
          ++tries <= 2 ? { errno: errno[code], syscall: 'open' } : undefined,
        )
        const host = retrying(scripted, undefined)
        const directory = await host.open({ base: dir, path: '' })
        await host.close(directory)
        assert.equal(tries, 3)
      })

      it(`lists again after ${code}`, async () => {
        const dir = writeTree(freshDir(), { 'x/in x': '', 'y/in y': '' })
        const { host, calls } = failing('list', ['y'], code, 2)
        const listings = await host.list([place(dir, 'x'), place(dir, 'y')])
        assert.deepEqual(
          listings.map((listing) => [listing.errno, listing.names]),
          [
            [0, ['in x']],
            [0, ['in y']],
          ],
        )
        assert.equal(counted(calls), 'xyxyxy')
      })

      it(`stats again after ${code}`, async () => {
        const dir = writeTree(freshDir(), below('to', files))
        const { host } = failing('stat', ['b', 'd'], code, 2)
        const { errnos, sizes } = await host.stat(names(dir))
        assert.deepEqual([...errnos, ...sizes], [0, 0, 0, 0, 1, 1, 1, 1])
      })

      it(`compares again after ${code}`, async () => {
        const dir = writeTree(freshDir(), { ...twoFilesTwice, 'from/c': 'x' })
        const { host } = failing('compare', ['b', 'c'], code, 2)
        const { errnos, equal } = await host.compare(pairs(dir))
        assert.deepEqual([...errnos, ...equal], [0, 0, 0, 0, 1, 1, 0, 1])
      })
    }

    it('passes other errnos on at once', async () => {
      const dir = writeTree(freshDir(), twoFilesTwice)
      const counts = new Map<Operation, number>()
      const scripted = scriptedHost(nodeHost, ({ operation }) => {
        counts.set(operation, (counts.get(operation) ?? 0) + 1)
        return { errno: errno.EIO, syscall: 'scripted' }
      })
      const host = retrying(scripted, undefined)
      const error = await failureOf(host.open({ base: dir, path: '' }))
      assert.deepEqual([error.code, error.syscall], ['EIO', 'scripted'])
      const [listing] = await host.list([place(dir, 'from')])
      assert.equal(listing?.errno, errno.EIO)
      assert.deepEqual([...(await host.stat(names(dir))).errnos], Array(4).fill(errno.EIO))
      assert.deepEqual([...(await host.compare(pairs(dir))).errnos], Array(4).fill(errno.EIO))
      assert.deepEqual(
        [...counts],
        [
          ['open', 1],
          ['list', 1],
          ['stat', 4],
          ['compare', 4],
        ],
      )
    })

    it('passes on what is no failed system call', async () => {
      const error = new TypeError('a fault of ours')
      const host = retrying({ ...nodeHost, open: () => Promise.reject(error) }, undefined)
      assert.equal(await failureOf(host.open({ base: '/', path: '' })), error)
    })
  })

  describe('that waits', () => {
    const reason = new Error('aborted by the caller')
    const operations: Record<string, (host: Host, dir: string) => Promise<unknown>> = {
      open: (host, dir) => host.open({ base: dir, path: '' }),
      list: (host, dir) => host.list([place(dir, 'from')]),
      stat: (host, dir) => host.stat(names(dir)),
      mkdir: (host, dir) => host.mkdir(names(dir), false),
      rename: (host, dir) => host.rename(pairs(dir), true),
    }
    for (const [operation, run] of Object.entries(operations))
      it(`ends with the reason of an abort: ${operation}`, async () => {
        const dir = writeTree(freshDir(), { ...below('from', files), 'to/': {} })
        const abort = new AbortController()
        let tries = 0
        const scripted = scriptedHost(nodeHost, () => {
          if (++tries === 5) abort.abort(reason)
          return { errno: errno.EMFILE, syscall: 'open' }
        })
        assert.equal(await failureOf(run(retrying(scripted, abort.signal), dir)), reason)
        // The four names of one call may have been asked about already.
        assert.ok(tries <= 8)
      })

    it('gives up after a time, with the errno that there is', async () => {
      const dir = writeTree(freshDir(), { 'to/': {} })
      let now = 0
      let tries = 0
      const clock = mock.method(performance, 'now', () => (now += 4000))
      try {
        const scripted = scriptedHost(nodeHost, () => {
          tries++
          return { errno: errno.ENFILE, syscall: 'mkdir' }
        })
        const jobs = [{ to: place(dir, 'to'), names: ['a'] }]
        const { errnos, syscall } = await retrying(scripted, undefined).mkdir(jobs, true)
        assert.deepEqual([...errnos], [errno.ENFILE])
        assert.equal(syscall(0), 'mkdir')
        assert.ok(tries > 1 && tries < 10, `${String(tries)} tries`)
      } finally {
        clock.mock.restore()
      }
    })
  })
})
