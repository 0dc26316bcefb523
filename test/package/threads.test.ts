import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { runText } from '../support/child'
import { asInstalled, installPackage } from '../support/installed'
import { writeTree } from '../support/tree'

const files = 200

describe('the installed package, loaded more than once', () => {
  let dir = ''
  before(() => {
    const store = Array.from({ length: files }, (_, index) => [`store/${String(index)}`, 'x'])
    dir = writeTree(installPackage(), Object.fromEntries(store) as Record<string, string>)
  })

  const merging = `
    const { merge } = require('reflink-merge')
    const { loaded } = require('reflink-merge/binding')
    const mergeInto = async (dest) => {
      const { created, containment } = await merge([{ name: 'a', dir: 'store' }], dest)
      return [created, loaded, containment].join(' ')
    }`

  async function run(text: string): Promise<string> {
    const { code, signal, stdout, stderr } = await runText(text, [], { cwd: dir, env: asInstalled })
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    return stdout
  }

  it('merges in four worker threads and the main thread at once, and after they have ended', async () => {
    const worker = `
      ${merging}
      const { parentPort, workerData } = require('node:worker_threads')
      mergeInto(workerData).then((told) => parentPort.postMessage(told))`
    const told = await run(`
      ${merging}
      const { once } = require('node:events')
      const { Worker } = require('node:worker_threads')
      const inWorker = async (dest) => {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: dest })
        const ended = once(worker, 'exit')
        const [told] = await once(worker, 'message')
        await ended
        return told
      }
      ;(async () => {
        const workers = [1, 2, 3, 4].map((n) => inWorker('worker ' + n))
        console.log((await Promise.all([...workers, mergeInto('main')])).join('\\n'))
        console.log(await inWorker('a later worker'))
        console.log(await mergeInto('main, later'))
      })()`)
    assert.equal(told, `${String(files)} true kernel\n`.repeat(7))
  })

  it('one directory merged into by several worker threads ends as if by one after the other', async () => {
    const worker = `
      ${merging}
      mergeInto('shared').then((told) => require('node:worker_threads').parentPort.postMessage(told))`
    const told = await run(`
      const { once } = require('node:events')
      const { Worker } = require('node:worker_threads')
      const start = () => once(new Worker(${JSON.stringify(worker)}, { eval: true }), 'message')
      Promise.all([start(), start(), start()]).then((all) => console.log(all.flat().sort().join('\\n')))`)
    const nothing = '0 true kernel\n'
    assert.equal(told, `${nothing}${nothing}${String(files)} true kernel\n`)
    assert.equal(fs.readdirSync(path.join(dir, 'shared')).length, files)
  })

  it('a worker thread that is terminated in the middle leaves no lock, and is recovered from', async () => {
    const worker = `
      const { openMerge } = require('reflink-merge')
      openMerge('terminated').then(async (session) => {
        await session.add({ name: 'a', dir: 'store' })
        require('node:worker_threads').parentPort.postMessage('staged')
        setInterval(() => {}, 1000)
      })`
    fs.mkdirSync(path.join(dir, 'terminated'))
    const told = await run(`
      const fs = require('node:fs')
      const { once } = require('node:events')
      const { Worker } = require('node:worker_threads')
      const { recover } = require('reflink-merge')
      ;(async () => {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true })
        await once(worker, 'message')
        const { running } = await recover('terminated')
        const there = fs.readdirSync('terminated').length
        await worker.terminate()
        await recover('terminated')
        console.log(there, running, fs.readdirSync('terminated').length)
      })()`)
    assert.equal(told, '1 1 0\n')
  })

  it('works from contexts of their own, with what they make', async () => {
    const inside = `
      const { merge, openMerge } = require('reflink-merge')
      const controller = new AbortController()
      const files = new Map([['a', require('node:path').resolve('store/1')]])
      const options = { linkModes: ['copy'], signal: controller.signal }
      merge([{ name: 'a', files }], dest, options).then(({ created }) => created)`
    const told = await run(`
      const vm = require('node:vm')
      const { createRequire } = require('node:module')
      const path = require('node:path')
      const inContext = (dest) => {
        // As jest does it: every context has modules of its own, and so loads the addon once more.
        for (const id of Object.keys(require.cache)) delete require.cache[id]
        const own = createRequire(path.resolve('index.js'))
        return vm.runInNewContext(${JSON.stringify(inside)}, { require: own, AbortController, dest })
      }
      Promise.all([1, 2, 3].map((n) => inContext('context ' + n))).then((all) => console.log(all.join()))`)
    assert.equal(told, '1,1,1\n')
  })
})
