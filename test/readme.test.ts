import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runNode } from './support/child'
import { examplesOf, writeExampleStore } from './support/examples'
import { freshDir } from './support/fresh'

const root = resolve(__dirname, '..')

/** A project that has the package, and what the examples take for granted. */
function exampleProject(): string {
  const dir = freshDir()
  writeExampleStore(dir)
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(root, join(dir, 'node_modules/reflink-merge'))
  return dir
}

describe('README', () => {
  it('has examples that print what it says, one after the other', async () => {
    const cwd = exampleProject()
    const examples = examplesOf('README.md')
    assert.equal(examples.length, 5)
    for (const { code, output } of examples) {
      const { stdout, stderr, code: exitCode } = await runNode(['-e', code], { cwd })
      assert.equal(stderr, '')
      assert.equal(stdout, output)
      assert.equal(exitCode, 0)
    }
  })
})
