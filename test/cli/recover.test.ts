import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { StagingState } from '../../lib/records'
import { abandonedIn } from '../support/abandoned'
import { cli, type CliResult } from '../support/cli'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { assertTree } from '../support/snapshot'
import { writeTree } from '../support/tree'

const recover = (...args: string[]): Promise<CliResult> => cli('recover', ...args)

/** A staging directory that nobody holds, in a dest with one file. */
async function abandoned(
  files: Record<string, string>,
  state: StagingState = '',
): Promise<{ dest: string; staging: string }> {
  const dest = writeTree(path.join(freshDir(), 'dest'), { mine: 'mine' })
  return { dest, staging: await abandonedIn(dest, '0123456789abcdef', state, files) }
}

describeWith('locks', 'reflink-merge recover', function () {
  it('of a dest that no merge was killed in changes nothing', async () => {
    const dest = writeTree(path.join(freshDir(), 'dest'), { mine: 'mine' })
    const { code, stdout, stderr } = await recover(dest)
    const said = `${dest}: 0 killed merges undone\n`
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: said, stderr: '' })
  })

  it('removes what a killed merge left, and tells it', async () => {
    const { dest } = await abandoned({ 'new/half': 'h' })
    const { code, stdout, stderr } = await recover(dest)
    const said = `${dest}: 0 killed merges undone\n  1 staging directory removed\n`
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: said, stderr: '' })
    assertTree(dest, writeTree(freshDir(), { mine: 'mine' }))
  })

  it('--json prints the result, --quiet nothing', async () => {
    const { dest } = await abandoned({ 'new/half': 'h' })
    const { code, stdout } = await recover(dest, '--json')
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout), { undone: 0, removed: 1, running: 0, left: [] })
    assert.equal((await recover(dest, '--quiet')).stdout, '')
  })

  it('ends with 2 where something had to be left, and says what and why', async () => {
    const record = '{"version":99,"intents":[],"holding":[]}'
    const files = { 'journal/0': record, 'old/kept': 'k' }
    const { dest, staging } = await abandoned(files, '-begun')
    const { code, stdout, stderr } = await recover(dest, '--json')
    assert.equal(code, 2)
    const { left } = JSON.parse(stdout) as { left: { path: string; error: string }[] }
    assert.deepEqual(
      left.map(({ path: at }) => at),
      [staging],
    )
    const error = left[0]?.error ?? ''
    assert.match(error, /its record cannot be read, it is of version 99/)
    assert.ok(error.includes(`remove ${staging}`), error)
    assert.equal(stderr, `reflink-merge: ${staging} was left as it is: ${error}\n`)
    assert.equal(fs.readFileSync(path.join(staging, 'old/kept'), 'utf8'), 'k')
  })

  it('of a path that does not exist is an error: most likely it is a wrong one', async () => {
    const dest = path.join(freshDir(), 'none')
    const { code, stdout, stderr } = await recover(dest)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^reflink-merge: ENOENT: .*\/none'\. Nothing is there/)
    assert.match(stderr, /\n {2}next: check the spelling/)
    assert.ok(!fs.existsSync(dest))
  })

  it('of a missing dest whose merge was killed undoes that', async () => {
    const parent = writeTree(freshDir(), { mine: 'mine' })
    await abandonedIn(parent, '0123456789abcdef', '', { 'new/half': 'h' })
    const { code, stdout } = await recover(path.join(parent, 'dest'), '--json')
    assert.equal(code, 0, stdout)
    assert.deepEqual(fs.readdirSync(parent), ['mine'])
  })

  it('wants a dest', async () => {
    const { code, stderr } = await recover()
    assert.equal(code, 2)
    assert.match(stderr, /missing required argument 'dest'/)
  })
})
