import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runNode } from './support/child'
import { freshDir } from './support/fresh'
import { writeTree } from './support/tree'

const root = resolve(__dirname, '..')

/** The examples of a document: each js block, with the text block that follows it. */
function examplesOf(file: string): { code: string; output: string }[] {
  const text = readFileSync(join(root, file), 'utf8')
  const pattern = /```js\n(.*?)```\n\n(?:[^`]*?```text\n(.*?)```)/gs
  return [...text.matchAll(pattern)].map(([, code = '', output = '']) => ({ code, output }))
}

/** What the examples take for granted. */
function exampleProject(): string {
  const dir = freshDir()
  writeTree(dir, {
    'store/@acme+core@1.0.0/package.json': '{ "name": "@acme/core" }',
    'store/@acme+core@1.0.0/index.js': 'exports.core = true',
    'store/@acme+cli@2.1.0/package.json': '{ "name": "@acme/cli" }',
    'store/@acme+cli@2.1.0/index.js': 'exports.cli = true',
    'store/theme-dark/colors.css': 'body { background: black }',
    'store/theme-light/colors.css': 'body { background: white }',
    'store/files/0a1b': '{ "name": "tiny" }',
    'store/files/2c3d': 'exports.tiny = true',
  })
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
