import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { addon, type Addon } from '../lib/addon'
import { errno } from '../lib/errno'
import { giveGarbage } from './support/addon-garbage'
import { runText } from './support/child'
import { freshDir } from './support/fresh'
import { assertTree } from './support/snapshot'
import { writeTree } from './support/tree'

const library = JSON.stringify(path.join(__dirname, '../lib/addon.ts'))

describe('the addon', () => {
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
      ...['batch', 'stat', 'list', 'openDirectory'],
    ])
      it(`${call} throws a TypeError, or what the caller's own getter threw`, () => {
        const own = report.outcomes.filter(({ name }) => name.startsWith(`${call}: `))
        assert.ok(own.length >= 20, `only ${String(own.length)} calls`)
        const surprises = own.filter(({ expected, outcome }) => outcome !== expected)
        assert.deepEqual(surprises, [])
      })
  })

  it('has no function that was forgotten here', () => {
    const functions = Object.entries(loaded()).filter(([, value]) => typeof value === 'function')
    assert.deepEqual(functions.map(([name]) => name).sort(), [
      ...['batch', 'cloneFile', 'cloneFileSync', 'list', 'openDirectory', 'reflink'],
      ...['reflinkAsync', 'sharedBytes', 'stat', 'tryLock'],
    ])
  })

  it('names its system calls', () => {
    const { calls, cloneSyscall } = loaded()
    assert.equal(calls[0], '')
    assert.ok(calls.slice(1).every((name) => /^[a-z_]+$/.test(name)))
    assert.ok(calls.includes(cloneSyscall))
  })

  it('answers for a hundred thousand names in one call', async () => {
    const { batch, stat } = loaded()
    const to = { base: freshDir(), path: '' }
    const names = Array.from({ length: 100_000 }, (_, index) => `${String(index)}\0`).join('')
    const { errnos } = await batch('unlink', [{ to, names }], {})
    assert.equal(errnos.length, 100_000)
    assert.ok(errnos.every((number) => number === errno.ENOENT))
    const stats = await stat([{ to, names }])
    assert.equal(stats.identities.length, 400_000)
  })

  it('gives each name of a job what belongs to it', async () => {
    const { batch } = loaded()
    const dir = freshDir()
    const to = { base: dir, path: '' }
    const modes = Uint32Array.of(0o700, 0o711, 0o755)
    const job = { to, names: 'a\0b\0c\0', modes }
    const { errnos } = await batch('mkdir', [job], { exactMode: true })
    assert.deepEqual([...errnos], [0, 0, 0])
    assertTree(
      dir,
      writeTree(freshDir(), { 'a/': { mode: 0o700 }, 'b/': { mode: 0o711 }, 'c/': {} }),
    )
  })

  it('has no directory that is cloned whole where the system has no such call', async function () {
    if (process.platform === 'darwin') this.skip()
    const dir = writeTree(freshDir(), { 'd/in': 'in' })
    const to = { base: dir, path: '' }
    const job = { from: to, to, names: 'd\0', toNames: 'e\0' }
    const { errnos } = await loaded().batch('cloneDirectory', [job], {})
    assert.deepEqual([...errnos], [errno.ENOSYS])
    assert.deepEqual(fs.readdirSync(dir), ['d'])
  })

  describe('while calls run', () => {
    const start = `
      const { addon } = require(${library})
      for (let i = 0; i < 500; i++) {
        addon.reflinkAsync('/dev/null', '/nowhere/x')
        addon.batch('unlink', [{ to: { base: '/nowhere' }, names: 'x\\0'.repeat(100) }], {})
        addon.list([{ base: '/usr/lib' }])
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
