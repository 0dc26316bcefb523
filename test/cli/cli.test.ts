import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { MergePlan, MergeResult, PlanEntry } from '../../lib/index'
import { startCommand, startNode } from '../support/child'
import type { ChildResult } from '../support/child'
import { cli, cliIn, main, type CliResult } from '../support/cli'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { guards } from '../support/needs'
import { assertTree, snapshot } from '../support/snapshot'
import { runTool } from '../support/tool'
import { writeTree } from '../support/tree'
import type { TreeSpec } from '../support/tree'
import { orSkip } from '../support/unrunnable'

/** Two packages that share a directory, one of a name each, and an absent dest beside them. */
interface Scene {
  dir: string
  a: string
  b: string
  dest: string
}

const inA: TreeSpec = {
  'ns/a.js': 'a',
  'ns/run': { data: 'run', mode: 0o755 },
  'ns/link': { symlink: 'a.js' },
}
const inB: TreeSpec = { 'ns/b.js': 'from b', 'empty/': {} }

function scene(a = inA, b = inB, dir = freshDir()): Scene {
  return {
    dir,
    a: writeTree(path.join(dir, 'a'), a),
    b: writeTree(path.join(dir, 'b'), b),
    dest: path.join(dir, 'dest'),
  }
}

function assertMerged({ dir, dest }: Scene, ...specs: TreeSpec[]): void {
  const spec = Object.assign({}, ...specs) as TreeSpec
  assertTree(dest, writeTree(path.join(dir, 'expected'), spec))
}

/** Ended with this code, with all that it said where it did not. */
function assertCode(result: CliResult | ChildResult, expected: number): void {
  const { code, stdout, stderr } = result
  assert.equal(
    code ?? ('signal' in result && result.signal),
    expected,
    `stdout: ${stdout}\nstderr: ${stderr}`,
  )
}

/** An error on stderr, nothing on stdout, and no dest. */
function assertRefused(
  result: CliResult | ChildResult,
  dest: string,
  code: number,
  said: RegExp,
): void {
  assertCode(result, code)
  assert.match(result.stderr, said)
  assert.doesNotMatch(result.stderr, /^ {4}at /m, 'no stack')
  assert.equal(result.stdout, '')
  assert.ok(!fs.existsSync(dest))
}

describe('reflink-merge merge', () => {
  it('of two packages makes dest and tells what it did', async () => {
    const at = scene()
    const result = await cli('merge', at.a, at.b, at.dest)
    assertCode(result, 0)
    assert.equal(result.stderr, '')
    assert.ok(result.stdout.startsWith(`${at.dest}: 3 files, 2 directories, 1 symlink, 10 B in `))
    assert.match(result.stdout, /^ {2}4 created$/m)
    assertMerged(at, inA, inB)
  })

  it('of what is there already tells that it is unchanged', async () => {
    const at = scene()
    await cli('merge', at.a, at.b, at.dest)
    const result = await cli('merge', at.a, at.b, at.dest)
    assertCode(result, 0)
    assert.match(result.stdout, /^ {2}4 unchanged$/m)
    assert.doesNotMatch(result.stdout, /created|placed by/)
  })

  it('with --json prints the result and nothing else', async () => {
    const at = scene()
    const { stdout, stderr, code } = await cli('merge', '--json', at.a, at.b, at.dest)
    assert.deepEqual([code, stderr], [0, ''])
    const { fallbacks, linkModes, duration, locking, containment, ...rest } = JSON.parse(
      stdout,
    ) as MergeResult
    assert.deepEqual(rest, {
      ...{ files: 3, directories: 2, symlinks: 1, bytes: 10 },
      ...{ created: 4, replaced: 0, kept: 0, unchanged: 0, removed: 0, modified: [] },
      attributes: { unsupported: [], differing: 0 },
      conflicts: [],
      sources: [
        { name: at.a, files: 2, bytes: 4, lost: [] },
        { name: at.b, files: 1, bytes: 6, lost: [] },
      ],
    })
    assert.equal(linkModes.clone + linkModes.copy, 3)
    assert.deepEqual([linkModes.hardlink, linkModes.symlink], [0, 0])
    for (const { from, to, files } of fallbacks) {
      assert.deepEqual([from, to, files], ['clone', 'copy', linkModes.copy])
    }
    // Nobody else knows of a dest that is not there yet.
    assert.deepEqual([locking, containment], [guards.locking, guards.containment])
    const phases = ['scan', 'plan', 'stage', 'lock', 'commit', 'total']
    assert.deepEqual(Object.keys(duration), phases)
    assertMerged(at, inA, inB)
  })

  it('with --quiet makes dest and prints nothing', async () => {
    const at = scene()
    const { code, stdout, stderr } = await cli('merge', '--quiet', at.a, at.b, at.dest)
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' })
    assertMerged(at, inA, inB)
  })

  it('of relative paths takes them from where it was started', async () => {
    const at = scene()
    const result = await cliIn(at.dir, 'merge', 'a', 'b', 'dest')
    assertCode(result, 0)
    assert.match(result.stdout, /^dest: /)
    assertMerged(at, inA, inB)
  })

  it('of packages that conflict makes nothing, whatever is to be printed', async () => {
    const at = scene(inA, { 'ns/a.js': 'b' })
    for (const args of [[], ['--json'], ['--quiet']]) {
      const result = await cli('merge', ...args, at.a, at.b, at.dest)
      assertRefused(
        result,
        at.dest,
        1,
        /^reflink-merge: 1 conflict (?:between|with) .*; nothing was changed:$/m,
      )
    }
  })

  for (const [policy, winner] of [
    ['first', 'a'],
    ['last', 'b'],
  ] as const)
    it(`with --conflicts ${policy} takes the file of the ${policy} package and tells so`, async () => {
      const at = scene({ file: 'a' }, { file: 'b' })
      const result = await cli('merge', '--conflicts', policy, at.a, at.b, at.dest)
      assertCode(result, 0)
      assert.ok(result.stdout.includes(`  file (content): ${at.a}, ${at.b} → ${at[winner]}\n`))
      assertMerged(at, { file: winner })
    })

  it('with --conflicts exclusive leaves the others out of the whole directory and tells so', async () => {
    const at = scene({ 'ns/x': 'a', 'ns/a': 'a', top: 'a' }, { 'ns/x': 'b', 'ns/b': 'b' })
    const args = ['--conflicts', 'exclusive', at.a, at.b, at.dest]
    const plan = await cli('plan', ...args)
    assert.ok(plan.stdout.includes(`  ns/x (content): ${at.a}, ${at.b} → ${at.b}\n`))
    const result = await cli('merge', '--json', ...args)
    assertCode(result, 0)
    const { conflicts, sources } = JSON.parse(result.stdout) as MergeResult
    const both = [at.a, at.b]
    const conflict = { path: 'ns/x', kind: 'content', sources: both, winner: at.b }
    assert.deepEqual(conflicts, [conflict])
    assert.deepEqual(sources[0]?.lost, ['ns/a', 'ns/x'])
    assertMerged(at, { 'ns/x': 'b', 'ns/b': 'b', top: 'a' })
  })

  it('into a dest with another file fails by default and leaves it', async () => {
    const at = scene()
    writeTree(at.dest, { 'ns/a.js': 'mine' })
    const result = await cli('merge', at.a, at.b, at.dest)
    assertCode(result, 1)
    assert.equal(result.stdout, '')
    assert.match(result.stderr, /^ {2}ns\/a\.js: dest already has something different/m)
    assertMerged(at, { 'ns/a.js': 'mine' })
  })

  for (const [policy, kept, tells] of [
    ['keep', 'mine', /^ {2}3 created, 1 kept$/m],
    ['replace', 'a', /^ {2}3 created, 1 replaced$/m],
  ] as const)
    it(`with --existing ${policy} into a dest with another file does that and tells so`, async () => {
      const at = scene()
      writeTree(at.dest, { 'ns/a.js': 'mine' })
      const result = await cli('merge', '--existing', policy, at.a, at.b, at.dest)
      assertCode(result, 0)
      assert.match(result.stdout, tells)
      assertMerged(at, inA, inB, { 'ns/a.js': kept })
    })

  it('with --link-mode hardlink gives dest the very files of the packages', async () => {
    const at = scene()
    const result = await cli('merge', '--link-mode', 'hardlink', at.a, at.b, at.dest)
    assertCode(result, 0)
    assert.match(result.stdout, /^ {2}placed by: hardlink 3$/m)
    const [source, file] = [at.a, at.dest].map((dir) => fs.statSync(path.join(dir, 'ns/a.js')).ino)
    assert.equal(file, source)
  })

  it('with several link modes takes the first that works, and no other', async () => {
    const at = scene()
    const result = await cli('merge', '--link-mode', 'copy,hardlink', '--json', at.a, at.b, at.dest)
    assertCode(result, 0)
    const { linkModes, fallbacks } = JSON.parse(result.stdout) as MergeResult
    assert.deepEqual(linkModes, { clone: 0, hardlink: 0, copy: 3, symlink: 0 })
    assert.deepEqual(fallbacks, [])
  })

  describeOn(['tmpfs'], (volume) => {
    it('with --link-mode clone fails with the errno and makes nothing', async () => {
      const at = scene(inA, inB, volume.fresh())
      const result = await cli('merge', '--link-mode', 'clone', at.a, at.b, at.dest)
      assertRefused(result, at.dest, 2, /^reflink-merge: EOPNOTSUPP: .*ficlone/m)
    })

    it('by default copies and tells why', async () => {
      const at = scene(inA, inB, volume.fresh())
      const result = await cli('merge', at.a, at.b, at.dest)
      assertCode(result, 0)
      assert.match(result.stdout, /^ {2}placed by: copy 3$/m)
      assert.match(result.stdout, /^ {2}3 files: clone → copy, EOPNOTSUPP from ficlone, first /m)
    })
  })
})

describe('what a terminal shows of conflicts', () => {
  const between =
    "--conflicts decides between packages: 'first' or 'last' go by their order, and 'exclusive' " +
    'excludes the losers from the whole directory.'
  const withDest = "--existing decides about what is already in dest: 'keep' or 'replace'."

  /** Merges packages by their names in the current directory; what is said, by line. */
  async function saidOf(
    packages: Readonly<Record<string, TreeSpec>>,
    held?: TreeSpec,
    dest = path.join(freshDir(), 'dest'),
  ): Promise<string[]> {
    const cwd = freshDir()
    for (const [name, spec] of Object.entries(packages)) writeTree(path.join(cwd, name), spec)
    if (held !== undefined) writeTree(dest, held)
    const result = await cliIn(cwd, 'merge', ...Object.keys(packages), dest)
    assertCode(result, 1)
    assert.equal(result.stdout, '')
    return result.stderr.split('\n')
  }

  /** As many packages, `p000` and so on. */
  function manyPackages(
    count: number,
    specOf: (index: number) => TreeSpec,
  ): Record<string, TreeSpec> {
    return Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`p${padded(index)}`, specOf(index)]),
    )
  }

  function padded(number: number): string {
    return String(number).padStart(3, '0')
  }

  it('of one', async () => {
    assert.deepEqual(await saidOf({ a: { 'ns/x.js': 'a' }, b: { 'ns/x.js': 'b' } }), [
      'reflink-merge: 1 conflict between a and b; nothing was changed:',
      '  ns/x.js: different in a, b',
      between,
      '',
    ])
  })

  it('of two, among three packages', async () => {
    const packages = { a: { 'd/a': '', x: 'a' }, b: { x: 'b' }, c: { d: 'c' } }
    assert.deepEqual(await saidOf(packages), [
      'reflink-merge: 2 conflicts between a, c and b; nothing was changed:',
      '  d: of different kinds (file, directory or symlink) in a, c',
      '  x: different in a, b',
      between,
      '',
    ])
  })

  it('of one package with what dest holds', async () => {
    assert.deepEqual(await saidOf({ a: { x: 'a' } }, { x: 'mine' }), [
      'reflink-merge: 1 conflict with a; nothing was changed:',
      '  x: dest already has something different from a',
      withDest,
      '',
    ])
  })

  it('of every kind', async () => {
    const packages = { a: { d: 'a', x: 'a', y: 'a' }, b: { 'd/b': '', x: 'b', z: 'b' } }
    assert.deepEqual(await saidOf(packages, { y: 'mine', 'z/mine': '' }), [
      'reflink-merge: 4 conflicts between a and b; nothing was changed:',
      '  d: of different kinds (file, directory or symlink) in a, b',
      '  x: different in a, b',
      '  y: dest already has something different from a',
      '  z: dest already has something different from b',
      between,
      withDest,
      '',
    ])
  })

  it('of 11, in 11 packages', async () => {
    // Each has one of its own with the next, in a ring.
    const packages = manyPackages(11, (index) => {
      return { [`x${padded(index)}`]: 'one', [`x${padded((index + 1) % 11)}`]: 'other' }
    })
    assert.deepEqual(await saidOf(packages), [
      'reflink-merge: 11 conflicts between p000, p010, p001, p002, p003, p004, p005, p006, p007, p008 ' +
        'and 1 more package; nothing was changed:',
      '  x000: different in p000, p010',
      '  x001: different in p000, p001',
      '  x002: different in p001, p002',
      '  x003: different in p002, p003',
      '  x004: different in p003, p004',
      '  x005: different in p004, p005',
      '  x006: different in p005, p006',
      '  x007: different in p006, p007',
      '  x008: different in p007, p008',
      '  x009: different in p008, p009',
      '  … and 1 more',
      between,
      '',
    ])
  })

  it('of 200, in 200 packages', async () => {
    const packages = manyPackages(200, (index) => {
      return { [`x${padded(index)}`]: 'one', [`x${padded((index + 1) % 200)}`]: 'other' }
    })
    const [first, ...lines] = await saidOf(packages)
    assert.equal(
      first,
      'reflink-merge: 200 conflicts between p000, p199, p001, p002, p003, p004, p005, p006, p007, p008 ' +
        'and 190 more packages; nothing was changed:',
    )
    assert.equal(lines[0], '  x000: different in p000, p199')
    assert.deepEqual(lines.slice(9), [
      '  x009: different in p008, p009',
      '  … and 190 more',
      between,
      '',
    ])
  })

  it('of one that is between 200 packages, on a screen', async () => {
    const said = await saidOf(manyPackages(200, (index) => ({ x: padded(index) })))
    for (const line of said) assert.ok(line.length < 300, `${String(line.length)} letters: ${line}`)
  })

  describeOn(['exfat'], (volume) => {
    it('of names that are one to dest, in two packages', async () => {
      const dest = path.join(volume.fresh(), 'dest')
      const said = await saidOf({ a: { 'ns/Foo': 'a' }, b: { 'ns/foo': 'b' } }, undefined, dest)
      assert.deepEqual(said.slice(0, 3), [
        'reflink-merge: 1 conflict between a and b; nothing was changed:',
        "  ns/Foo and ns/foo: the same name on dest's file system (a, b)",
        between,
      ])
    })

    it('of names that are one to dest, in one package, with what decides it', async () => {
      const dest = path.join(volume.fresh(), 'dest')
      // 'first' takes Foo and 'last' takes foo; dest holds nothing.
      const said = await saidOf({ a: { Foo: '1', foo: '2' } }, undefined, dest)
      assert.equal(said[1], "  Foo and foo: the same name on dest's file system (a)")
      assert.ok(said.includes(between), said.join('\n'))
    })
  })
})

describe('reflink-merge plan', () => {
  it('tells what merge would do and makes nothing', async () => {
    const at = scene()
    const result = await cli('plan', at.a, at.b, at.dest)
    assertCode(result, 0)
    assert.equal(result.stderr, '')
    const paths = ['empty/', 'ns/', 'ns/a.js', 'ns/b.js', 'ns/link', 'ns/run']
    assert.deepEqual(result.stdout.split('\n'), [
      ...[`${at.dest}: 3 files, 2 directories, 1 symlink, 10 B`, '  create 4', 'paths:'],
      ...paths.map((each) => `  create ${each}`),
      '',
    ])
    assert.ok(!fs.existsSync(at.dest))
  })

  it('with --json prints every entry, in the order of the tree', async () => {
    const at = scene()
    writeTree(at.dest, { 'ns/a.js': 'a' })
    const { code, stdout, stderr } = await cli('plan', '--json', at.a, at.b, at.dest)
    assert.deepEqual([code, stderr], [0, ''])
    const plan = JSON.parse(stdout) as Omit<MergePlan, 'entries'> & { entries: PlanEntry[] }
    assert.deepEqual(plan, {
      ...{ files: 3, directories: 2, symlinks: 1, bytes: 10, conflicts: [] },
      sources: [
        { name: at.a, files: 2, bytes: 4, lost: [] },
        { name: at.b, files: 1, bytes: 6, lost: [] },
      ],
      entries: [
        { path: 'empty', type: 'directory', source: at.b, size: 0, action: 'create' },
        { path: 'ns', type: 'directory', source: at.a, size: 0, action: 'unchanged' },
        { path: 'ns/a.js', type: 'file', source: at.a, size: 1, action: 'unchanged' },
        { path: 'ns/b.js', type: 'file', source: at.b, size: 6, action: 'create' },
        { path: 'ns/link', type: 'symlink', source: at.a, size: 0, action: 'create' },
        { path: 'ns/run', type: 'file', source: at.a, size: 3, action: 'create' },
      ],
    })
    assertMerged(at, { 'ns/a.js': 'a' })
  })

  it('of packages that conflict lists all conflicts on stdout and exits with 1', async () => {
    const at = scene({ file: 'a', other: 'a', there: 'a' }, { file: 'b', 'other/b': 'b' })
    writeTree(at.dest, { there: 'mine' })
    const text = await cli('plan', at.a, at.b, at.dest)
    assertCode(text, 1)
    assert.equal(text.stderr, '')
    const [, , ...lines] = text.stdout.split('\n')
    const both = `${at.a}, ${at.b}`
    assert.deepEqual(lines, [
      'paths:',
      '  keep there',
      '3 conflicts:',
      `  file (content): ${both}`,
      `  other (type): ${both}`,
      `  there (existing): ${at.a}`,
      '',
    ])

    const json = await cli('plan', '--json', at.a, at.b, at.dest)
    assertCode(json, 1)
    const { conflicts } = JSON.parse(json.stdout) as MergePlan
    const sources = [at.a, at.b]
    assert.deepEqual(conflicts, [
      { path: 'file', kind: 'content', sources, winner: null },
      { path: 'other', kind: 'type', sources, winner: null },
      { path: 'there', kind: 'existing', sources: [at.a], winner: null },
    ])
    assertMerged(at, { there: 'mine' })
  })

  const inTheWay: Record<string, [TreeSpec, TreeSpec]> = {
    'a symlink where a directory is wanted': [{ 'ns/a': 'a' }, { ns: { symlink: 'a' } }],
    'a directory where a file is wanted': [{ ns: 'a' }, { 'ns/a': 'a' }],
    'a file where a directory is wanted': [{ 'ns/a': 'a' }, { ns: 'a' }],
    'another file': [{ ns: 'a' }, { ns: 'b' }],
  }
  for (const [what, [wanted, held]] of Object.entries(inTheWay))
    for (const existing of ['error', 'keep', 'replace'])
      it(`exits as merge does where dest holds ${what}, with --existing ${existing}`, async () => {
        const at = scene(wanted, {})
        writeTree(at.dest, held)
        const args = [at.a, at.dest, '--existing', existing]
        const plan = await cli('plan', ...args)
        const dryRun = await cli('merge', '--dry-run', ...args)
        const { code } = await cli('merge', ...args)
        assert.deepEqual([plan.code, dryRun.code], [code, code])
        if (existing === 'error') assert.equal(code, 1)
      })

  it('with --quiet tells by its exit code alone', async () => {
    const at = scene({ file: 'a' }, { file: 'b' })
    const { code, stdout, stderr } = await cli('plan', '--quiet', at.a, at.b, at.dest)
    assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: '', stderr: '' })
  })
})

describe('reflink-merge', () => {
  it('--version prints the version of the package', async () => {
    const file = path.join(__dirname, '..', '..', 'package.json')
    const { version } = JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }
    const { code, stdout, stderr } = await cli('--version')
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('--help tells the commands and the exit codes', async () => {
    const { code, stdout, stderr } = await cli('--help')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^ {2}merge .*into dest$/m)
    assert.match(stdout, /^ {2}plan /m)
    assert.match(
      stdout,
      /^Exit codes: 0 success, 1 conflicts \(verify: differences\), 2 failure, 130 interrupted, 129 terminal closed\.$/m,
    )
  })

  for (const command of ['merge', 'plan', 'sync'])
    it(`${command} --help tells every option`, async () => {
      const { code, stdout, stderr } = await cli(command, '--help')
      assert.deepEqual([code, stderr], [0, ''])
      assert.ok(stdout.startsWith(`Usage: reflink-merge ${command} [options] [source...] <dest>\n`))
      const [declared = ''] = stdout.split('\nExamples:\n')
      const options = [...declared.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name)
      const expected = [
        'packages',
        'sources',
        'exclude',
        'include',
        'link-mode',
        'conflicts',
        'existing',
        'manifest',
        ...(command === 'sync' ? [] : ['prune']),
        'modified',
        'adopt',
        'symlinks',
        'specials',
        'mutable',
        'writable',
        'preserve-timestamps',
        'no-directory-clone',
        'quarantine',
        'durability',
        'concurrency',
        'lock-timeout',
        'no-lock',
        'json',
        'quiet',
        'verbose',
        ...(command === 'plan' ? [] : ['dry-run']),
        'list',
        'help',
      ]
      assert.deepEqual(options, expected)
    })

  for (const [what, args, said] of [
    ['no command', [], /^Usage: /],
    ['an unknown command', ['move', 'a', 'dest'], /unknown command 'move'/],
    ['an unknown option', ['merge', '--force', 'a', 'dest'], /unknown option '--force'/],
    ['no path', ['merge'], /missing required argument 'dest'/],
    ['no path to plan', ['plan', '--list'], /missing required argument 'dest'/],
    ['a single path', ['merge', 'a'], /there must be a source and a dest/],
    ['a single path to plan', ['plan', 'a'], /there must be a source and a dest/],
    ['a source that is not there', ['merge', 'a', 'c', 'dest'], /ENOENT.*'.*\/c'/],
    ['a source that is a file', ['merge', 'a/file', 'dest'], /ENOTDIR.*'.*\/a\/file'/],
    ['a source named twice', ['merge', 'a', 'a', 'dest'], /the source "a" is given twice/],
    ['dest within a source', ['merge', 'a', 'a/dest'], /and a source overlap/],
    ['an unknown policy', ['merge', '--conflicts', 'newest', 'a', 'dest'], /Allowed choices/],
    [
      'an unknown link mode',
      ['merge', '--link-mode', 'clone,move', 'a', 'dest'],
      /"move" is not one of/,
    ],
    ['a concurrency of none', ['merge', '--concurrency', '0', 'a', 'dest'], /whole number/],
  ] as const)
    it(`with ${what} says so on stderr and exits with 2`, async () => {
      const dir = freshDir()
      writeTree(path.join(dir, 'a'), { file: 'a' })
      const before = snapshot(dir)
      const result = await cliIn(dir, ...args)
      assertRefused(result, path.join(dir, 'dest'), 2, said)
      assertTree(dir, before)
    })
})

describe('reflink-merge, when its output', () => {
  it('is not read to the end, says nothing of it', async () => {
    const at = scene()
    const child = startNode([main, 'plan', '--json', at.a, at.b, at.dest])
    child.process.stdout?.destroy()
    const result = await child.done
    assertCode(result, 0)
    assert.equal(result.stderr, '')
  })

  it('cannot be written, tells the errno and exits with 2', async () => {
    const at = scene()
    const node = [process.execPath, '--require', require.resolve('tsx/cjs')]
    const command = [...node, main, 'plan', at.a, at.b, at.dest]
    const full = ['sh', '-c', 'exec "$@" > /dev/full', 'sh']
    assertRefused(await startCommand([...full, ...command]).done, at.dest, 2, /ENOSPC/)
  })
})

describe('a big merge from the command line', function () {
  const FILES = 15_000
  let dir: string
  let source: string

  before('makes a package of many small files', () => {
    dir = freshDir()
    source = path.join(dir, 'source')
    for (let index = 0; index < FILES; index++) {
      const folder = path.join(source, String(index % 50))
      if (index < 50) fs.mkdirSync(folder, { recursive: true })
      fs.writeFileSync(path.join(folder, `file-${String(index)}`), `${String(index)}\n`)
    }
  })

  /** On a terminal, but for stdout, which goes to a file. */
  async function onTerminal(dest: string, ...args: string[]): Promise<ChildResult> {
    const out = `${dest}.out`
    // Sanitizers are for the addon: preloaded into `script` they fail it for its own leaks.
    const env = ['env', `LD_PRELOAD=${process.env['LD_PRELOAD'] ?? ''}`]
    const node = [...env, process.execPath, '--require', require.resolve('tsx/cjs'), main]
    const merge = ['merge', '--concurrency', '1', ...args, source, dest]
    const command = [...node, ...merge].map((word) => `'${word}'`).join(' ')
    const script = ['script', '-qec', `${command} > '${out}'`, '/dev/null']
    // A terminal that can do what terminals do, also where the tests themselves run in CI.
    const terminal = { LD_PRELOAD: undefined, CI: undefined, TERM: 'xterm' }
    const result = await startCommand(script, { env: terminal }).done
    return { ...result, stdout: fs.readFileSync(out, 'utf8'), stderr: result.stdout }
  }

  it('tells its progress on stderr if that is a terminal, and only there', async function () {
    await orSkip(this, runTool('script', ['--version']))
    const result = await onTerminal(path.join(dir, 'terminal'))
    assertCode(result, 0)
    assert.match(result.stderr, /placing .* \d+ % \| [\d,]+\/15,000 files \| [\d,]+\/s/)
    assert.match(result.stdout, /^[^\n]*: 15,000 files, 50 directories, /)
    assert.ok(!result.stdout.includes('\u001b'), 'no control characters')
  })

  for (const option of ['--quiet', '--json'])
    it(`tells no progress on a terminal with ${option}`, async function () {
      await orSkip(this, runTool('script', ['--version']))
      const result = await onTerminal(path.join(dir, `terminal${option}`), option)
      assertCode(result, 0)
      assert.equal(result.stderr, '')
      assert.equal(result.stdout === '', option === '--quiet')
    })

  it('draws no bar where stderr is a pipe: after 3 s it tells lines', async () => {
    const result = await cli('merge', source, path.join(dir, 'pipe'))
    assertCode(result, 0)
    // eslint-disable-next-line no-control-regex -- what a bar would be drawn with
    assert.match(result.stderr, /^(?:reflink-merge: [^\u001b\r\n]+\n)*$/)
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 130],
    ['SIGHUP', 129],
  ] as const)
    for (const [state, held] of [
      ['absent', undefined],
      ['there', { '0/mine': 'mine', other: 'other' }],
    ] as const)
      it(`ends with ${String(code)} at ${signal} and leaves a dest that is ${state} as it was`, async () => {
        const parent = path.join(dir, `${signal}-${state}`)
        const dest = path.join(parent, 'dest')
        fs.mkdirSync(parent)
        if (held !== undefined) writeTree(dest, held)
        const before = snapshot(parent)

        const child = startNode([main, 'merge', '--concurrency', '1', source, dest])
        const place = held === undefined ? parent : dest
        const isStaging = (name: string): boolean => name.startsWith('.reflink-merge-')
        while (!fs.readdirSync(place).some(isStaging)) {
          assert.equal(child.process.exitCode, null, 'ended too early')
          await sleep(1)
        }
        child.process.kill(signal)

        const result = await child.done
        assertCode(result, code)
        assert.equal(result.stdout, '')
        // A machine that is busy takes its time to put everything back, and says so.
        const said = result.stderr.replace(
          /^.*putting everything back; once more ends at once\n/,
          '',
        )
        assert.equal(said, 'reflink-merge: interrupted, nothing was changed\n')
        assertTree(parent, before)
      })
})
