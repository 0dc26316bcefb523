import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { addon, type Addon, type RawPlaces } from '../lib/addon'
import { errno } from '../lib/errno'
import { giveGarbage } from './support/addon-garbage'
import { runText } from './support/child'
import { freshDir } from './support/fresh'
import { describeWith } from './support/needs'
import { assertTree } from './support/snapshot'
import { writeTree } from './support/tree'

const library = JSON.stringify(path.join(__dirname, '../lib/addon.ts'))

describeWith('addon', 'the addon', () => {
  const loaded = (): Required<Addon> => {
    assert.ok(addon)
    return addon as Required<Addon>
  }

  describe('given garbage', () => {
    let report: Awaited<ReturnType<typeof giveGarbage>>
    let left: string[] = []

    before(async () => {
      const dir = writeTree(freshDir(), { kept: 'kept' })
      report = await giveGarbage(dir)
      left = fs.readdirSync(dir)
    })

    it('never ends the process', () => {
      const { code, signal, stderr, fatal } = report
      const wanted = { code: 0, signal: null, stderr: '', fatal: '' }
      assert.deepEqual({ code, signal, stderr, fatal }, wanted)
    })

    it('does nothing', () => {
      assert.deepEqual(left, ['kept'])
    })

    for (const call of [
      ...['reflink', 'reflinkAsync', 'cloneFile', 'cloneFileSync', 'sharedBytes', 'tryLock'],
      ...['batch', 'stat', 'identify', 'list', 'inheritance', 'openDirectory', 'closeDirectory'],
      ...['readRecord', 'writeRecord', 'sync'],
      ...['scanTrees', 'placeTrees', 'matchTrees'],
    ])
      it(`${call} throws a TypeError, or what the caller's own getter threw, or gives a result`, () => {
        const own = report.outcomes.filter(({ name }) => name.startsWith(`${call}: `))
        assert.ok(own.length >= 20, `only ${String(own.length)} calls`)
        const surprises = own.filter(({ expected, outcome }) => outcome !== expected)
        assert.deepEqual(surprises, [])
      })
  })

  it('has no function that was forgotten here', () => {
    const functions = Object.entries(loaded()).filter(([, value]) => typeof value === 'function')
    assert.deepEqual(functions.map(([name]) => name).sort(), [
      ...['batch', 'cloneFile', 'cloneFileSync', 'closeDirectory', 'identify', 'inheritance'],
      ...['list', 'matchTrees', 'openDirectory', 'placeTrees', 'readRecord', 'reflink'],
      ...['reflinkAsync', 'scanTrees'],
      ...['sharedBytes', 'stat', 'sync', 'tryLock', 'writeRecord'],
    ])
  })

  it('names its system calls', () => {
    const { calls, cloneSyscall } = loaded()
    assert.equal(calls[0], '')
    assert.ok(calls.slice(1).every((name) => /^[a-z_]+$/.test(name)))
    assert.ok(calls.includes(cloneSyscall))
  })

  /** Places below the first of the bases. */
  const below = (...paths: string[]): RawPlaces => ({
    bases: new Uint32Array(paths.length),
    paths: paths.map((text) => `${text}\0`).join(''),
  })

  it('answers for a hundred thousand names in one call', async () => {
    const { batch, stat } = loaded()
    const names = Array.from({ length: 100_000 }, (_, index) => `${String(index)}\0`).join('')
    const jobs = { bases: [freshDir()], to: below(''), counts: Uint32Array.of(100_000), names }
    const { errnos } = await batch('unlink', jobs, {})
    assert.equal(errnos.length, 100_000)
    assert.ok(errnos.every((number) => number === errno.ENOENT))
    const stats = await stat(jobs)
    assert.equal(stats.identities.length, 400_000)
  })

  it('answers for a hundred thousand directories in one call', async () => {
    const { batch, list } = loaded()
    const bases = [writeTree(freshDir(), { 'd/in': 'in' })]
    const to = below(...Array.from({ length: 100_000 }, (_, index) => (index % 2 ? 'd' : 'none')))
    const counts = new Uint32Array(100_000).fill(1)
    const jobs = { bases, to, counts, names: 'x\0'.repeat(100_000) }
    const { errnos, calls } = await batch('unlink', jobs, {})
    assert.equal(calls.length, 100_000)
    assert.ok(errnos.every((number) => number === errno.ENOENT))
    const listings = await list(bases, to)
    assert.ok(listings.errnos.every((number, index) => number === (index % 2 ? 0 : errno.ENOENT)))
    assert.equal(listings.names, 'in\0'.repeat(50_000))
    assert.equal(listings.failedNames, '\0'.repeat(100_000))
  })

  it('gives each name of a job what belongs to it', async () => {
    const { batch } = loaded()
    const dir = freshDir()
    const jobs = {
      bases: [dir],
      to: below(''),
      counts: Uint32Array.of(3),
      names: 'a\0b\0c\0',
      modes: Uint32Array.of(0o700, 0o711, 0o755),
    }
    const { errnos } = await batch('mkdir', jobs, { exactMode: true })
    assert.deepEqual([...errnos], [0, 0, 0])
    assertTree(
      dir,
      writeTree(freshDir(), { 'a/': { mode: 0o700 }, 'b/': { mode: 0o711 }, 'c/': {} }),
    )
  })

  it('gives each pair of directories the names that belong to it', async () => {
    const { batch } = loaded()
    const source = writeTree(freshDir(), { a: '1', 'd/b': '2', 'd/c': '3' })
    const dest = writeTree(freshDir(), { 'x/': {}, 'y/': {} })
    const descriptor = fs.openSync(source, 'r')
    try {
      const jobs = {
        bases: [dest, descriptor, `${dest}/x`],
        from: { bases: Uint32Array.of(1, 1, 1, 1, 1), paths: 'd\0\0none\0d\0\0' },
        to: { bases: Uint32Array.of(0, 0, 0, 2, 0), paths: 'y\0\0\0\0none\0' },
        counts: Uint32Array.of(2, 0, 1, 1, 1),
        names: 'b\0a\0e\0c\0a\0',
        toNames: 'b2\0a2\0e2\0c2\0f2\0',
      }
      const { errnos } = await batch('copy', jobs, {})
      const { ENOENT } = errno
      assert.deepEqual([...errnos], [0, ENOENT, ENOENT, 0, ENOENT])
    } finally {
      fs.closeSync(descriptor)
    }
    assertTree(dest, writeTree(freshDir(), { 'x/c2': '3', 'y/b2': '2' }))
  })

  it('tells what several directories hold, one after the other', async () => {
    const { list } = loaded()
    const dir = writeTree(freshDir(), { 'a/f': 'four', 'a/s/': {}, 'b/': { mode: 0o711 }, c: '' })
    const listings = await list([dir, `${dir}/a`], {
      bases: Uint32Array.of(0, 0, 0, 1, 0),
      paths: 'a\0b\0c\0s\0\0',
    })
    const { errnos, counts, names, kinds, sizes, directoryModes } = listings
    assert.deepEqual([...errnos], [0, 0, errno.ENOTDIR, 0, 0])
    assert.deepEqual([...counts], [2, 0, 0, 0, 3])
    assert.match(names, /^f\0s\0c\0(?:a\0b\0|b\0a\0)$/)
    assert.deepEqual([...kinds], [1, 2, 1, 2, 2])
    assert.equal(sizes[0], 4)
    assert.equal(directoryModes[1], 0o711)
  })

  it('closes what it opened, once, and nothing else', () => {
    const { openDirectory, closeDirectory } = loaded()
    const own = fs.openSync(freshDir(), 'r')
    const { fd } = openDirectory(freshDir(), '')
    assert.deepEqual([closeDirectory(fd), closeDirectory(fd)], [0, errno.EBADF])
    assert.equal(closeDirectory(own), errno.EBADF)
    fs.closeSync(own)
  })

  it('has no directory that is cloned whole where the system has no such call', async function () {
    if (process.platform === 'darwin') this.skip()
    const dir = writeTree(freshDir(), { 'd/in': 'in' })
    const both = { from: below(''), to: below('') }
    const jobs = { bases: [dir], ...both, counts: Uint32Array.of(1), names: 'd\0', toNames: 'e\0' }
    const { errnos } = await loaded().batch('cloneDirectory', jobs, {})
    assert.deepEqual([...errnos], [errno.ENOSYS])
    assert.deepEqual(fs.readdirSync(dir), ['d'])
  })

  describe('while calls run', () => {
    const start = `
      const { addon } = require(${library})
      const to = { bases: Uint32Array.of(0), paths: '\\0' }
      const counts = Uint32Array.of(100)
      for (let i = 0; i < 500; i++) {
        addon.reflinkAsync('/dev/null', '/nowhere/x')
        addon.batch('unlink', { bases: ['/nowhere'], to, counts, names: 'x\\0'.repeat(100) }, {})
        addon.list(['/usr/lib'], to)
      }`
    // Node that ends in the middle of its work leaves memory of its own behind.
    const env = { ASAN_OPTIONS: `${process.env['ASAN_OPTIONS'] ?? ''}:detect_leaks=0` }

    it('the process may exit', async () => {
      const { code, signal, stderr } = await runText(`${start}; process.exit(7)`, [], { env })
      assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' })
    })

    it('a worker thread may end, and another one load the addon again', async () => {
      const { code, signal, stdout, stderr } = await runText(
        `
        const { Worker } = require('node:worker_threads')
        const run = (text) => new Promise((resolve, reject) => {
          new Worker(text, { eval: true }).once('error', reject).once('exit', resolve)
        })
        ;(async () => {
          const codes = []
          for (let i = 0; i < 3; i++) codes.push(await run(${JSON.stringify(`${start}; process.exit(5)`)}))
          codes.push(await run(${JSON.stringify(start)}))
          console.log(codes.join())
        })()`,
        [],
        { env },
      )
      assert.deepEqual(
        { code, signal, stdout },
        { code: 0, signal: null, stdout: '5,5,5,0\n' },
        stderr,
      )
    })
  })
})
