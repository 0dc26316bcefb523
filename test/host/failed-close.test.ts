import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errnoName } from '../../lib/errno'
import { runText } from '../support/child'
import { describeOn } from '../support/describe-on'
import { runTool } from '../support/tool'
import { writeTree } from '../support/tree'
import { orSkip } from '../support/unrunnable'

const copy = `
  const [from, to] = process.argv.slice(1)
  const { nodeHost } = require('./lib/host/node')
  const jobs = [{ from: { base: from, path: '' }, to: { base: to, path: '' }, names: ['a', 'b'] }]
  nodeHost.copy(jobs, { writable: false, times: false, inKernelCopy: false }).then((outcomes) => {
    console.log(JSON.stringify([...outcomes.errnos, outcomes.syscall(0)]))
  })`

// Network file systems and quotas may tell only at the close that what was written has no room.
describe('a copy by node:fs', () => {
  before('finds strace', async function () {
    await orSkip(this, runTool('strace', ['--version']))
  })

  describeOn(['tmpfs'], (volume) => {
    it('that fails at its close tells the errno, and leaves nothing', async () => {
      const base = writeTree(volume.fresh(), { 'from/a': 'a', 'from/b': 'b', 'to/': {} })
      const [from, to] = [path.join(base, 'from'), path.join(base, 'to')]
      const file = path.join(to, 'a')
      const prefix = ['strace', '-f', '-qq', '-o', path.join(base, 'trace')]
      prefix.push('-P', file, '-e', 'inject=close:error=EDQUOT')
      const { stdout, stderr } = await runText(copy, [from, to], { prefix })
      const [errno, other, syscall] = JSON.parse(stdout || '[]') as [number, number, string]
      assert.deepEqual([errnoName(errno), other, syscall], ['EDQUOT', 0, 'close'], stderr)
      assert.deepEqual(fs.readdirSync(to), ['b'])
    })
  })
})
