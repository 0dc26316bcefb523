import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { MergeResult } from '../../lib/index'
import { cliProcess, cliIn, type CliResult } from '../support/cli'
import { freshDir } from '../support/fresh'
import { assertTree } from '../support/snapshot'
import { writeTree } from '../support/tree'
import type { TreeSpec } from '../support/tree'

/** Merges in a directory with these files; what the merge says, and dest. */
async function merged(files: TreeSpec, ...args: string[]): Promise<CliResult & { dest: string }> {
  const cwd = writeTree(freshDir(), files)
  const result = await cliIn(cwd, 'merge', '--json', ...args, 'dest')
  return { ...result, dest: path.join(cwd, 'dest') }
}

async function assertMerged(
  files: TreeSpec,
  args: string[],
  expected: TreeSpec,
): Promise<string[]> {
  const { code, stdout, stderr, dest } = await merged(files, ...args)
  assert.equal(code, 0, stderr)
  assertTree(dest, writeTree(freshDir(), expected))
  return (JSON.parse(stdout) as MergeResult).sources.map(({ name }) => name)
}

async function refusal(files: TreeSpec, ...args: string[]): Promise<string> {
  const { code, stdout, stderr, dest } = await merged(files, ...args)
  assert.deepEqual([code, stdout], [2, ''])
  assert.ok(!fs.existsSync(dest))
  assert.match(stderr, /^(reflink-merge|error): /)
  return stderr
}

describe('sources on the command line', () => {
  it('go to their own place with path:to, the same one also to two', async () => {
    const names = await assertMerged({ 'a/x': 'x' }, ['a:@s/one', 'a:two/deep', 'a'], {
      '@s/one/x': 'x',
      'two/deep/x': 'x',
      x: 'x',
    })
    assert.deepEqual(names, ['a:@s/one', 'a:two/deep', 'a'])
  })

  it('may have a colon in their path, with one more at its end', async () => {
    await assertMerged({ 'a:b/x': 'x' }, ['a:b:'], { x: 'x' })
    await assertMerged({ 'a:b/x': 'x' }, ['a:b:c'], { 'c/x': 'x' })
  })

  it('cannot leave dest', async () => {
    assert.match(await refusal({ 'a/x': 'x' }, 'a:../out'), /"\.\.\/out"[^]*next: /)
  })

  it('are the packages of a directory with --packages, scopes and links understood', async () => {
    const files: TreeSpec = {
      'store/left/x': 'l',
      'store/@acme/core/x': 'c',
      'store/@acme/cli/x': 'i',
      'store/.bin/run': 'no package',
      'store/.package-lock.json': '{}',
      'store/README': 'no package',
      'store/linked': { symlink: '../elsewhere' },
      'store/gone': { symlink: '../nowhere' },
      'elsewhere/x': 'e',
    }
    const names = await assertMerged(files, ['--packages', 'store'], {
      '@acme/cli/x': 'i',
      '@acme/core/x': 'c',
      'left/x': 'l',
      'linked/x': 'e',
    })
    assert.deepEqual(names, ['store/@acme/cli', 'store/@acme/core', 'store/left', 'store/linked'])
  })

  it('come in the order --packages, --sources, then those named one by one', async () => {
    const names = await assertMerged(
      { 'p/a/x': 'p', 'm/x': 'm', 'o/x': 'o', list: '[{ "name": "m", "dir": "m", "to": "a" }]' },
      ['o:a', '--sources', 'list', '--packages', 'p', '--conflicts', 'last'],
      { 'a/x': 'o' },
    )
    assert.deepEqual(names, ['p/a', 'm', 'o:a'])
  })

  it('are not there in a directory without packages: refused', async () => {
    assert.match(await refusal({ 'p/.bin/x': '' }, '--packages', 'p'), /there are no packages in p/)
    assert.match(await refusal({}, '--packages', 'none'), /ENOENT.*'none'[^]*next: /)
  })
})

describe('a file of sources', () => {
  const manifest = JSON.stringify([
    { name: 'dir', dir: '../a', to: '@s/dir' },
    { name: 'files', files: { 'lib/x.js': '../store/0a1b' }, to: 'files' },
  ])

  it('has sources with relative paths from where it lies, files as an object', async () => {
    const files = { 'a/x': 'x', 'store/0a1b': 'js', 'lists/list.json': manifest }
    await assertMerged(files, ['--sources', 'lists/list.json'], {
      '@s/dir/x': 'x',
      'files/lib/x.js': 'js',
    })
  })

  it('comes from stdin with -, paths from the current directory', async () => {
    const cwd = writeTree(freshDir(), { 'a/x': 'x', 'here/': {} })
    const child = await cliProcess(['merge', '--sources', '-', path.join(cwd, 'dest')], {
      cwd: path.join(cwd, 'here'),
      input: '[{ "name": "dir", "dir": "../a" }]',
    })
    assert.equal(child.code, 0, child.stderr)
    assertTree(path.join(cwd, 'dest'), path.join(cwd, 'a'))
  })

  it('may have a byte order mark, and may be empty', async () => {
    const list = '\uFEFF[{ "name": "a", "dir": "a" }]'
    await assertMerged({ 'a/x': 'x', list }, ['--sources', 'list'], { x: 'x' })
    await assertMerged({ list: '[]' }, ['--sources', 'list'], {})
  })

  for (const [what, text, said] of [
    ['is no JSON', '[{ "name": "a", }]', /list is not JSON: .*position \d+/],
    ['is cut off', '[{ "name":', /list is not JSON: /],
    ['holds no array', '{ "name": "a" }', /must hold an array of sources/],
    ['holds what is no object', '["a"]', /source 0 of list must be an object/],
    ['has a source without a name', '[{ "dir": "a" }]', /source 0 of list must have a name/],
    ['has a name that is no string', '[{ "name": 1, "dir": "a" }]', /"name" of source 0 of list/],
    [
      'has a key that is not known',
      '[{ "name": "a", "dirr": "a" }]',
      /"dirr", which is not one of name/,
    ],
    [
      'has a filter',
      '[{ "name": "a", "dir": "a", "filter": "x" }]',
      /"filter", which is not one of/,
    ],
    ['has files as an array', '[{ "name": "a", "files": [] }]', /"files" of source 0 .* object/],
    ['has a file without a path', '[{ "name": "a", "files": { "x": 1 } }]', /a path for "x"/],
    ['has neither dir nor files', '[{ "name": "a" }]', /must have either dir or files/],
    ['has both', '[{ "name": "a", "dir": "a", "files": {} }]', /must have either dir or files/],
    [
      'has one name twice',
      '[{"name":"a","dir":"a"},{"name":"a","dir":"a"}]',
      /the source "a" is given twice/,
    ],
  ] as const)
    it(`that ${what} is refused, with where and why`, async () => {
      assert.match(await refusal({ 'a/x': 'x', list: text }, '--sources', 'list'), said)
    })

  it('that is not there is refused, with the errno', async () => {
    assert.match(await refusal({}, '--sources', 'list'), /ENOENT.*'list'[^]*next: /)
  })
})
