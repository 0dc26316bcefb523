import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { runText } from './support/child'
import type { ChildResult } from './support/child'
import { describeOn } from './support/describe-on'
import { itWith } from './support/needs'
import { writeTree } from './support/tree'

const library = path.join(__dirname, '..', 'lib', 'index.ts')

/** Every way to come to an end: two merges at once with a fallback, a conflict, a refusal, an abort, a plan, a probe. */
const everything = `
  const { merge, openMerge, planMerge, probe, recover } = require(${JSON.stringify(library)})
  const main = async ([a, b, dest]) => {
    const options = { conflicts: 'last' }
    await Promise.all([merge([{ name: 'a', dir: a }], dest), merge([{ name: 'a', dir: a }], dest)])
    await merge([{ name: 'a', dir: a }, { name: 'b', dir: b }], dest + '/new', options)
    await planMerge([{ name: 'b', dir: b }], dest)
    const bad = [
      [[{ name: 'b', dir: b }], dest],
      [[{ name: 'a', dir: a + '/none' }], dest],
      [[{ name: 'a', dir: a }], dest + '/clone', { linkModes: 'clone' }],
      [[{ name: 'a', dir: a }], dest, { signal: AbortSignal.abort() }],
    ]
    for (const each of bad) {
      await merge(...each).then(() => { throw new Error('no failure') }, () => undefined)
    }
    const session = await openMerge(dest)
    await session.abort()
    await probe(a, dest)
    await recover(dest)
  }
  main(process.argv.slice(1))
`

describeOn(['tmpfs'], (volume) => {
  async function run(NODE_DEBUG: string | undefined): Promise<ChildResult & { dest: string }> {
    const dir = volume.fresh()
    const a = writeTree(path.join(dir, 'a'), { file: 'a', other: 'o' })
    const b = writeTree(path.join(dir, 'b'), { file: 'b' })
    const dest = writeTree(path.join(dir, 'dest'), { mine: 'm' })
    const abandoned = path.join(dest, '.reflink-merge-0123456789abcdef')
    fs.mkdirSync(abandoned, { mode: 0o700 })
    const result = await runText(everything, [a, b, dest], { env: { NODE_DEBUG } })
    assert.equal(result.code, 0, result.stderr)
    return { ...result, dest }
  }

  it('the library prints nothing, however it ends', async () => {
    for (const other of [undefined, 'reflink']) {
      const { stdout, stderr } = await run(other)
      assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: '' })
    }
  })

  itWith('addon', 'the library tells what it decides, with NODE_DEBUG=reflink-merge', async () => {
    const { stdout, stderr, dest } = await run('reflink-merge')
    assert.equal(stdout, '')
    const lines = stderr.trimEnd().split('\n')
    for (const line of lines) assert.match(line, /^REFLINK-MERGE \d+: /)
    const said = new Set(lines.map((line) => line.replace(/^[^:]*: /, '')))
    const tells = (pattern: RegExp): void => {
      assert.ok(
        [...said].some((line) => pattern.test(line)),
        `${String(pattern)} in\n${stderr}`,
      )
    }
    tells(/^host native, \d+ batches in flight$/)
    tells(/^clone, retired: EOPNOTSUPP from ficlone, .*\/a\/file -> .*\/dest\/file$/)
    tells(/^copy for the files of a \(device \d+\)$/)
    tells(/^staging in .*\/dest\/\.reflink-merge-[0-9a-f]{16}$/)
    tells(/^recovery of .*\/\.reflink-merge-0123456789abcdef: nothing to undo$/)
    assert.ok(said.has(`locked ${dest}`))
    tells(/^waiting for a merge of this process into .*\/dest$/)
    tells(/^publishing into .*\/dest, round 1$/)
    tells(/^published .*\/dest\/new by one rename$/)
  })
})
