import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { cliIn, type CliResult } from '../support/cli'
import { freshDir } from '../support/fresh'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const manifest = '.reflink-merge-manifest'

/** A directory with packages, from which commands are started. */
class Project {
  readonly dir: string

  constructor(files: TreeSpec) {
    this.dir = writeTree(freshDir(), files)
  }

  run(...args: string[]): Promise<CliResult> {
    return cliIn(this.dir, ...args)
  }

  /** What a command that succeeds prints, without the time that it took. */
  async said(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.run(...args)
    assert.deepEqual([code, stderr], [0, ''], stderr)
    return linesOf(stdout)
  }

  path(...names: string[]): string {
    return path.join(this.dir, ...names)
  }

  write(file: string, text: string): void {
    fs.writeFileSync(this.path(file), text)
  }

  /** What dest holds, but for its manifest. */
  assertDest(expected: TreeSpec): void {
    const found = snapshot(this.path('dest')).filter(({ path: name }) => name !== manifest)
    assert.deepEqual(found, snapshot(writeTree(freshDir(), expected)))
  }
}

function linesOf(stdout: string): string[] {
  return stdout
    .replace(/ in \d+\.\d\d s$/gm, '')
    .split('\n')
    .filter((line) => line !== '' && !/placed by|clone → copy/.test(line))
}

const packages: TreeSpec = {
  'a1/lib/x': 'x',
  'a1/old': 'old',
  'a2/lib/x': 'x of 2',
  'b/y': 'y',
}

describe('reflink-merge sync', () => {
  it('removes what an earlier one put there and no source has any more, and nothing else', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'b', 'dest')
    at.write('dest/a/mine', 'm')
    assert.deepEqual(await at.said('sync', 'a2:a', 'b', 'dest'), [
      'dest: 2 files, 2 directories, 7 B',
      '  1 replaced, 1 removed, 1 unchanged',
    ])
    at.assertDest({ 'a/lib/x': 'x of 2', 'a/mine': 'm', y: 'y' })
  })

  it('with --dry-run tells what it would remove, and changes nothing', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'dest')
    const before = snapshot(at.path('dest'))
    const told = [
      ...['dest: 1 file, 0 directories, 1 B', '  remove 2, create 1', 'paths:'],
      ...['  remove a/', '  remove a/lib/', '  remove a/lib/x', '  remove a/old', '  create y'],
    ]
    assert.deepEqual(await at.said('sync', 'b', 'dest', '--dry-run'), told)
    assert.deepEqual(await at.said('plan', 'b', 'dest', '--manifest', '--prune'), told)
    const alone = await at.said('plan', 'b', 'dest', '--manifest')
    assert.deepEqual(alone.slice(1), ['  create 1', 'paths:', '  create y'])
    assertTree(at.path('dest'), before)
  })

  it('without a source is refused, unless a list says that there are none', async () => {
    const at = new Project({ ...packages, none: '[]' })
    await at.said('sync', 'b', 'dest')
    const { code, stderr } = await at.run('sync', 'dest')
    assert.equal(code, 2)
    assert.match(stderr, /source/)
    at.assertDest({ y: 'y' })
    await at.said('sync', '--sources', 'none', 'dest')
    at.assertDest({})
  })

  it('does not replace what somebody has edited: code 1, nothing changed, and how to decide', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'dest')
    at.write('dest/a/lib/x', 'mine')
    const before = snapshot(at.path('dest'))
    for (const args of [[], ['--dry-run']]) {
      const result = await at.run('sync', 'a2:a', 'dest', ...args)
      assert.equal(result.code, 1)
      if (args.length > 0) continue
      assert.deepEqual(result.stderr.split('\n'), [
        'reflink-merge: 1 conflict with a2:a; nothing was changed:',
        '  a/lib/x: changed since an earlier merge put it there (a2:a)',
        "--modified decides about entries changed since an earlier merge: 'keep' or 'replace'.",
        '',
      ])
    }
    assertTree(at.path('dest'), before)
  })

  it('tells apart what was edited and what was always there', async () => {
    const at = new Project({ ...packages, 'c/z': 'z' })
    await at.said('sync', 'a1:a', 'dest')
    at.write('dest/a/old', 'mine')
    at.write('dest/y', 'mine')
    const { code, stderr } = await at.run('sync', 'a2:a', 'b', 'dest')
    assert.equal(code, 1)
    assert.deepEqual(stderr.split('\n').slice(1), [
      '  a/old: changed since an earlier merge put it there (a1:a)',
      '  y: dest already has something different from b',
      "--existing decides about what is already in dest: 'keep' or 'replace'.",
      "--modified decides about entries changed since an earlier merge: 'keep' or 'replace'.",
      '',
    ])
  })

  it('never removes a directory in the place of a file, and says what to do', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'dest')
    fs.rmSync(at.path('dest/a/old'))
    writeTree(at.path('dest/a/old'), { mine: 'm' })
    const { code, stderr } = await at.run('sync', 'a2:a', 'dest', '--modified', 'replace')
    assert.equal(code, 1)
    assert.match(
      stderr,
      /is never removed together with its contents: move it away, .* --modified keep\.$/m,
    )
    assert.equal(fs.readFileSync(at.path('dest/a/old/mine'), 'utf8'), 'm')
  })

  for (const [policy, held, outcome] of [
    ['keep', 'mine', 'kept'],
    ['replace', 'x of 2', 'not kept'],
  ] as const)
    it(`with --modified ${policy} does that with what somebody has edited, and tells it`, async () => {
      const at = new Project(packages)
      await at.said('sync', 'a1:a', 'dest')
      at.write('dest/a/lib/x', 'mine')
      const said = await at.said('sync', 'a2:a', 'dest', '--modified', policy)
      assert.deepEqual(said.slice(-2), [
        '1 entry changed since an earlier merge:',
        `  a/lib/x (other content): a1:a, ${outcome}`,
      ])
      at.assertDest({ 'a/lib/x': held })
    })

  it('makes again what is missing, and tells it', async () => {
    const at = new Project(packages)
    await at.said('sync', 'b', 'dest')
    fs.rmSync(at.path('dest/y'))
    const said = await at.said('sync', 'b', 'dest')
    assert.deepEqual(said.slice(1), [
      ...['  1 created', '1 entry changed since an earlier merge:', '  y (missing): b'],
    ])
    at.assertDest({ y: 'y' })
  })

  it('never removes what was there before, unless --adopt said so', async () => {
    const at = new Project({ ...packages, none: '[]', 'dest/y': 'y' })
    await at.said('sync', 'b', 'dest')
    assert.deepEqual(await at.said('sync', '--sources', 'none', 'dest'), [
      'dest: 0 files, 0 directories, 0 B',
      '1 entry kept, already there before the first merge with a manifest:',
      '  y: b',
    ])
    at.assertDest({ y: 'y' })
    await at.said('sync', 'b', 'dest', '--adopt')
    await at.said('sync', '--sources', 'none', 'dest')
    at.assertDest({})
  })

  it('does not read a source whose digest is the recorded one, if the globs are the same too', async () => {
    const list = '[{ "name": "b", "dir": "b", "digest": "1" }]'
    const at = new Project({ ...packages, list })
    await at.said('sync', '--sources', 'list', 'dest')
    at.write('b/z', 'z')
    await at.said('sync', '--sources', 'list', 'dest')
    at.assertDest({ y: 'y' })
    await at.said('sync', '--sources', 'list', '--exclude', 'nothing', 'dest')
    at.assertDest({ y: 'y', z: 'z' })
  })
})

describe('reflink-merge merge --manifest', () => {
  const orders = {
    'before a source': ['--manifest', 'a1:a', 'b', 'dest'],
    'between sources': ['a1:a', '--manifest', 'b', 'dest'],
    'before dest': ['a1:a', 'b', '--manifest', 'dest'],
    'at the end': ['a1:a', 'b', 'dest', '--manifest'],
  }
  for (const [where, words] of Object.entries(orders))
    it(`${where} takes no path for its file`, async () => {
      const at = new Project(packages)
      await at.said('merge', ...words)
      at.assertDest({ 'a/lib/x': 'x', 'a/old': 'old', y: 'y' })
    })

  const named = {
    'before the sources': ['--manifest', 'dest/list', 'b', 'dest'],
    'before dest': ['b', '--manifest', 'dest/list', 'dest'],
    'at the end': ['b', 'dest', '--manifest', 'dest/list'],
    'with =': ['b', '--manifest=dest/list', 'dest'],
  }
  for (const [where, words] of Object.entries(named))
    it(`${where} takes a path in dest for its file`, async () => {
      const at = new Project(packages)
      await at.said('merge', ...words)
      assert.deepEqual(fs.readdirSync(at.path('dest')).sort(), ['list', 'y'])
      assert.deepEqual(await at.said('verify', 'dest', '--manifest', 'dest/list'), [
        'dest: 1 entry of 1 source, all as recorded',
      ])
    })

  it('outside of dest is refused', async () => {
    const at = new Project(packages)
    const { code, stderr } = await at.run('merge', 'b', 'dest', '--manifest=list')
    assert.equal(code, 2)
    assert.match(stderr, /--manifest must be inside dest/)
    assert.ok(!fs.existsSync(at.path('dest')))
  })

  it('removes nothing without --prune', async () => {
    const at = new Project(packages)
    await at.said('merge', 'a1:a', 'dest', '--manifest')
    await at.said('merge', 'a2:a', 'dest', '--manifest')
    at.assertDest({ 'a/lib/x': 'x of 2', 'a/old': 'old' })
    await at.said('merge', 'a2:a', 'dest', '--manifest', '--prune')
    at.assertDest({ 'a/lib/x': 'x of 2' })
  })

  for (const option of [['--prune'], ['--modified', 'keep'], ['--adopt']])
    it(`is required by ${String(option[0])}`, async () => {
      const at = new Project(packages)
      const { code, stderr } = await at.run('merge', 'b', 'dest', ...option)
      assert.deepEqual(
        [code, stderr],
        [2, `reflink-merge: ${String(option[0])} requires --manifest\n`],
      )
    })
})

describe('reflink-merge remove', () => {
  it('takes a source out again, by its name or by its place, and leaves the rest', async () => {
    for (const name of ['a1:a', 'a']) {
      const at = new Project(packages)
      await at.said('sync', 'a1:a', 'b:b', 'dest')
      const said = await at.said('remove', 'dest', name)
      assert.deepEqual(said, ['dest: 2 entries and 2 directories removed'])
      at.assertDest({ 'b/y': 'y' })
    }
  })

  it('takes no place for one source where there are two', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'b:a', 'dest')
    const { code, stdout, stderr } = await at.run('remove', 'dest', 'a')
    assert.deepEqual([code, linesOf(stdout)], [0, ['dest: 0 entries removed']])
    assert.match(
      stderr,
      /has no source named "a", and not exactly one at that path; it lists a1:a, b:a$/m,
    )
  })

  it('twice has nothing to do the second time, and says what there is', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'b', 'dest')
    await at.said('remove', 'dest', 'a1:a')
    const { code, stdout, stderr } = await at.run('remove', 'dest', 'a1:a', 'b')
    assert.deepEqual([code, linesOf(stdout)], [0, ['dest: 1 entry removed']])
    assert.match(
      stderr,
      /^reflink-merge: the manifest has no source named "a1:a", .*; it lists b$/m,
    )
  })

  it('keeps what somebody has changed and what others put there, and tells the first', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'dest')
    at.write('dest/a/old', 'mine')
    at.write('dest/a/lib/more', 'm')
    assert.deepEqual(await at.said('remove', 'dest', 'a'), [
      'dest: 1 entry removed',
      '1 entry changed since an earlier merge:',
      '  a/old (other content): a1:a, kept',
    ])
    at.assertDest({ 'a/lib/more': 'm', 'a/old': 'mine' })
  })

  it('tells which paths another source had lost to it; the next sync puts those there', async () => {
    const at = new Project({ 'a/f': 'a', 'a/own': 'a', 'b/f': 'b' })
    await at.said('sync', 'a', 'b', 'dest', '--conflicts', 'first')
    assert.deepEqual(await at.said('remove', 'dest', 'a'), [
      'dest: 2 entries removed',
      '1 path that another source also provides; the next sync restores its version:',
      '  f: b',
    ])
    await at.said('sync', 'b', 'dest')
    at.assertDest({ f: 'b' })
  })

  it('with --dry-run tells all of that, and changes nothing', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'dest')
    at.write('dest/a/old', 'mine')
    const before = snapshot(at.path('dest'))
    assert.deepEqual(await at.said('remove', 'dest', 'a', '--dry-run'), [
      ...['dest: 1 entry and 1 directory to remove', 'paths:'],
      ...['  remove a/lib/', '  remove a/lib/x'],
      '1 entry changed since an earlier merge:',
      '  a/old (other content): a1:a, kept',
    ])
    assertTree(at.path('dest'), before)
  })

  it('with --dry-run lists a screenful, and with --list all', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `a/f${String(index).padStart(2, '0')}`)
    const at = new Project(Object.fromEntries(names.map((name) => [name, ''])))
    await at.said('sync', 'a', 'dest')
    const some = await at.said('remove', 'dest', 'a', '--dry-run')
    assert.deepEqual([some.length, some.at(-1)], [19, '  … and 24 more: --list shows all'])
    assert.equal((await at.said('remove', 'dest', 'a', '--dry-run', '--list')).length, 42)
  })

  it('with --quiet prints nothing', async () => {
    const at = new Project(packages)
    await at.said('sync', 'b', 'dest', '--quiet')
    assert.deepEqual(await at.said('remove', 'dest', 'b', '--quiet'), [])
    at.assertDest({})
  })

  it('of a dest without a manifest fails, and says what that means', async () => {
    const at = new Project({ ...packages, 'dest/y': 'y' })
    for (const command of [
      ['remove', 'dest', 'b'],
      ['remove', 'dest', 'b', '--dry-run'],
      ['verify', 'dest'],
      ['verify', 'nowhere'],
    ]) {
      const { code, stdout, stderr } = await at.run(...command)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /\.reflink-merge-manifest' is missing/)
      assert.match(stderr, /\(ERR_MERGE_MANIFEST\)\n {2}next: /)
    }
  })

  it('wants a dest and a name', async () => {
    const at = new Project({})
    for (const [args, said] of [
      [['remove'], /missing required argument 'dest'/],
      [['remove', 'dest'], /missing required argument 'name'/],
    ] as const) {
      const { code, stderr } = await at.run(...args)
      assert.equal(code, 2)
      assert.match(stderr, said)
    }
  })
})

describe('reflink-merge verify', () => {
  it('of what is as recorded ends with 0', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'b', 'dest')
    assert.deepEqual(await at.said('verify', 'dest'), [
      'dest: 3 entries of 2 sources, all as recorded',
    ])
    assert.deepEqual(await at.said('verify', 'dest', '--bytes', '--verbose'), [
      'dest: 3 entries of 2 sources, all as recorded',
      ...['  a1:a in a', '  b'],
    ])
  })

  it('tells what is missing or was changed, and ends with 1', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'b', 'dest')
    at.write('dest/a/lib/x', 'mine')
    fs.rmSync(at.path('dest/y'))
    fs.chmodSync(at.path('dest/a/old'), 0o600)
    const { code, stdout, stderr } = await at.run('verify', 'dest')
    assert.deepEqual([code, stderr], [1, ''])
    assert.deepEqual(linesOf(stdout), [
      'dest: 3 entries of 2 sources, 0 as recorded',
      '3 entries not as recorded:',
      '  a/lib/x (other content): a1:a',
      '  a/old (other permission bits): a1:a',
      '  y (missing): b',
    ])
    const quiet = await at.run('verify', 'dest', '--quiet')
    assert.deepEqual([quiet.code, quiet.stdout, quiet.stderr], [1, '', ''])
  })

  it('lists what others put there with --foreign, which is no difference', async () => {
    const at = new Project(packages)
    await at.said('sync', 'a1:a', 'dest')
    at.write('dest/a/mine', 'm')
    assert.deepEqual(await at.said('verify', 'dest'), [
      'dest: 2 entries of 1 source, all as recorded',
    ])
    assert.deepEqual(await at.said('verify', 'dest', '--foreign'), [
      'dest: 2 entries of 1 source, all as recorded',
      '1 path in directories made by merges, but not in the manifest:',
      '  a/mine',
    ])
  })

  it('lists the first 20, and with --verbose all', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `a/f${String(index).padStart(2, '0')}`)
    const at = new Project(Object.fromEntries(names.map((name) => [name, ''])))
    await at.said('sync', 'a', 'dest')
    for (const name of names) fs.rmSync(at.path('dest', path.basename(name)))
    const some = linesOf((await at.run('verify', 'dest')).stdout)
    assert.deepEqual([some.length, some.at(-1)], [23, '  … and 5 more: --verbose shows all'])
    const all = linesOf((await at.run('verify', 'dest', '--verbose')).stdout)
    assert.equal(all.length, 28)
  })

  it('of a manifest that is damaged fails with 2, and changes nothing', async () => {
    const at = new Project(packages)
    await at.said('sync', 'b', 'dest')
    at.write(`dest/${manifest}`, 'reflink-merge manifest 99\n')
    const before = snapshot(at.path('dest'))
    for (const args of [
      ['verify', 'dest'],
      ['sync', 'b', 'dest'],
      ['remove', 'dest', 'b'],
    ]) {
      const { code, stdout, stderr } = await at.run(...args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /cannot be used as the manifest/)
    }
    assertTree(at.path('dest'), before)
  })
})
