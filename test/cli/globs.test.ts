import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { cliIn } from '../support/cli'
import { freshDir } from '../support/fresh'
import { assertTree } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const tree: TreeSpec = {
  'a/index.js': 'index',
  'a/index.js.map': 'map',
  'a/.hidden/x.map': 'hidden',
  'a/lib/one.d.ts': 'types',
  'a/lib/deep/two.d.ts': 'types',
  'a/lib/deep/two.js': 'two',
  'a/test/one.js': 'test',
  'a/test/deep/two.js': 'test',
  'a/link': { symlink: 'index.js' },
  'store/one': 'one',
  'list.json': JSON.stringify([
    { name: 'm', files: { 'm/index.js': 'store/one', 'm/x/index.map': 'store/one' }, to: 'm' },
  ]),
}

async function assertMerged(args: string[], expected: TreeSpec): Promise<void> {
  const cwd = writeTree(freshDir(), tree)
  const { code, stderr } = await cliIn(cwd, 'merge', '-q', ...args, 'dest')
  assert.deepEqual([code, stderr], [0, ''])
  assertTree(path.join(cwd, 'dest'), writeTree(freshDir(), expected))
}

describe('--exclude and --include', () => {
  it('leave out by last name, at every depth, also names that begin with a dot', async () => {
    await assertMerged(['a', '--exclude', '*.map', '--exclude', 'test'], {
      'index.js': 'index',
      '.hidden/': { dir: true },
      'lib/one.d.ts': 'types',
      'lib/deep/two.d.ts': 'types',
      'lib/deep/two.js': 'two',
      link: { symlink: 'index.js' },
    })
  })

  it('leave out by path, with all that is under it', async () => {
    await assertMerged(
      ['a', '--exclude', 'lib/deep', '--exclude', '**/*.map', '--exclude', 'test/**'],
      {
        'index.js': 'index',
        '.hidden/': { dir: true },
        'lib/one.d.ts': 'types',
        link: { symlink: 'index.js' },
      },
    )
  })

  it('merge only what is included, and no directory that would stay empty', async () => {
    const types = { 'lib/one.d.ts': 'types', 'lib/deep/two.d.ts': 'types' }
    await assertMerged(['a', '--include', '*.d.ts'], types)
    await assertMerged(['a', '--include', 'lib/**/*.d.ts'], types)
    await assertMerged(['a', '--include', 'l*'], { link: { symlink: 'index.js' } })
  })

  it('together: what is excluded is not included', async () => {
    await assertMerged(['a', '--include', '*.d.ts', '--exclude', 'deep'], {
      'lib/one.d.ts': 'types',
    })
  })

  it('hold for file maps too', async () => {
    await assertMerged(['--sources', 'list.json', '--exclude', '*.map'], { 'm/m/index.js': 'one' })
    await assertMerged(['--sources', 'list.json', '--include', '*.map'], {
      'm/m/x/index.map': 'one',
    })
  })
})

describe('--mutable', () => {
  it('names files of dest that are never links into the store', async () => {
    const cwd = writeTree(freshDir(), tree)
    const args = ['merge', '-q', 'a:pkg', 'dest', '--link-mode', 'hardlink,copy']
    const { code, stderr } = await cliIn(
      cwd,
      ...args,
      '--mutable',
      'pkg/lib/**',
      '--mutable',
      '*.map',
    )
    assert.deepEqual([code, stderr], [0, ''])
    const links = (name: string): number => fs.statSync(path.join(cwd, 'dest/pkg', name)).nlink
    assert.deepEqual(
      ['index.js', 'index.js.map', 'lib/one.d.ts', 'lib/deep/two.js'].map(links),
      [2, 1, 1, 1],
    )
  })
})

describe('plan', () => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`a/f${String(n + 10)}`, '']),
  )

  it('lists a screenful of paths, and says how many more there are', async () => {
    const cwd = writeTree(freshDir(), many)
    const { stdout } = await cliIn(cwd, 'plan', 'a', 'dest')
    assert.match(stdout, /\n {2}create f10\n {2}create f11\n/)
    assert.match(stdout, /\n {2}… and 24 more: --list shows all\n/)
  })

  for (const command of [['plan'], ['merge', '--dry-run']])
    it(`${command.join(' ')} --list lists every path`, async () => {
      const cwd = writeTree(freshDir(), many)
      const { stdout } = await cliIn(cwd, ...command, '--list', 'a', 'dest')
      assert.equal([...stdout.matchAll(/^ {2}create f\d\d$/gm)].length, 40)
      assert.doesNotMatch(stdout, /more/)
    })

  it('lists what is unchanged with --list alone', async () => {
    const cwd = writeTree(freshDir(), { 'a/x': 'x', 'dest/x': 'x' })
    assert.doesNotMatch((await cliIn(cwd, 'plan', 'a', 'dest')).stdout, /unchanged x/)
    assert.match((await cliIn(cwd, 'plan', 'a', 'dest', '--list')).stdout, / {2}unchanged x\n/)
  })
})
