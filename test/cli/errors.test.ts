import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { cli, main, type CliResult } from '../support/cli'
import { startNode } from '../support/child'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { asNobody, giveToNobody } from '../support/nobody'
import { assertTree, snapshot } from '../support/snapshot'
import { runTool } from '../support/tool'
import { writeTree } from '../support/tree'
import { makeVolume, MiB, volumeOf } from '../support/volumes'
import { orSkip, Unrunnable } from '../support/unrunnable'

/** The lines of stderr of a command that failed and printed nothing. */
function saidBy({ code, stdout, stderr }: CliResult): string[] {
  assert.deepEqual([code, stdout], [2, ''], stderr)
  return stderr.trimEnd().split('\n')
}

describe('what fails on the command line is told with the errno and the next step', () => {
  it('a source that may not be read', async function () {
    if (process.getuid?.() !== 0) await orSkip(this, Promise.reject(new Unrunnable('needs root')))
    const dir = freshDir()
    const a = writeTree(path.join(dir, 'a'), { file: { data: 'x', mode: 0o000 } })
    const out = giveToNobody(writeTree(path.join(dir, 'out'), {}))
    const lines = saidBy(await asNobody(() => cli('merge', a, path.join(out, 'dest'))))
    assert.match(lines[0] ?? '', /^reflink-merge: EACCES: permission denied, open '.*\/a\/file'/)
    assert.deepEqual(lines.slice(1), [
      `  package: ${a}`,
      '  this user is not allowed to read it (EACCES)',
      '  next: give this user read permission in the store (r for files, r and x for directories)',
    ])
    assert.deepEqual(fs.readdirSync(out), [])
  })

  it('a dest that may not be written', async function () {
    if (process.getuid?.() !== 0) await orSkip(this, Promise.reject(new Unrunnable('needs root')))
    const dir = freshDir()
    const a = writeTree(path.join(dir, 'a'), { file: 'x' })
    const dest = writeTree(path.join(dir, 'dest'), {})
    const lines = saidBy(await asNobody(() => cli('merge', a, dest)))
    assert.match(lines[0] ?? '', /^reflink-merge: EACCES: permission denied, mkdir /)
    assert.equal(lines.at(-1), '  next: use another dest, or change its owner or mode')
  })

  it('a volume that is full: dest is as it was', async function () {
    const small = await orSkip(this, makeVolume('tmpfs', { size: MiB }))
    try {
      const a = writeTree(path.join(freshDir(), 'a'), { big: Buffer.alloc(2 * MiB) })
      const dest = writeTree(path.join(small.path, 'dest'), { mine: 'm' })
      const before = snapshot(dest)
      const lines = saidBy(await cli('merge', a, dest))
      // The addon tells the call, node:fs that it was one of those that copy.
      assert.match(
        lines[0] ?? '',
        /^reflink-merge: ENOSPC: no space left on device, (?:write|copyfile) /,
      )
      assert.ok(lines[2]?.startsWith(`  tmpfs volume ${small.path} is full, in bytes or in inodes`))
      assert.match(lines[3] ?? '', /^ {2}next: free some space there/)
      assertTree(dest, before)
    } finally {
      small.remove()
    }
  })

  it('two volumes that cannot share extents, both by their names', async function () {
    const btrfs = await orSkip(this, volumeOf('btrfs'))
    const ext4 = await orSkip(this, volumeOf('ext4'))
    const a = writeTree(path.join(btrfs.fresh(), 'a'), { file: 'x' })
    const lines = saidBy(await cli('merge', a, ext4.fresh(), '--link-mode', 'clone'))
    assert.deepEqual(lines.slice(-2), [
      `  Btrfs volume ${btrfs.path} and ext4 volume ${ext4.path} cannot share extents (EXDEV)`,
      '  next: put store and dest on one volume that can clone (Btrfs, XFS, APFS), or add `copy` to --link-mode',
    ])
  })

  describeOn(['ext4'], (volume) => {
    it('a volume that cannot clone, by its name', async () => {
      const dir = volume.fresh()
      const a = writeTree(path.join(dir, 'a'), { file: 'x' })
      const lines = saidBy(await cli('merge', a, path.join(dir, 'd'), '--link-mode', 'clone'))
      assert.equal(lines.at(-2), `  ext4 volume ${volume.path} cannot clone files (EOPNOTSUPP)`)
    })
  })

  it('a package that has what cannot be merged', async () => {
    const a = writeTree(path.join(freshDir(), 'a'), { fifo: { fifo: true } })
    const lines = saidBy(await cli('merge', a, path.join(freshDir(), 'd')))
    assert.equal(lines[0], 'reflink-merge: 1 entry of the sources cannot be merged:')
    assert.equal(
      lines[2],
      'Only regular files, directories and symbolic links that stay inside dest can be; leave others out with --exclude, ' +
        'or keep all links with --symlinks verbatim. --specials skip leaves out fifos, sockets and devices.',
    )
    assert.match(
      lines.at(-1) ?? '',
      /^ {2}next: remove it from the package, or leave it out with --exclude;/,
    )
  })

  it('and with --specials skip is merged without it, and that is told', async () => {
    const a = writeTree(path.join(freshDir(), 'a'), { good: '', pipe: { fifo: true } })
    const dest = path.join(freshDir(), 'd')
    for (const command of ['plan', 'merge']) {
      const { code, stdout, stderr } = await cli(command, '--specials', 'skip', a, dest)
      assert.deepEqual([code, stderr], [0, ''])
      assert.ok(stdout.includes(`\n  1 special file skipped, first pipe of ${a}\n`), stdout)
    }
    assert.deepEqual(fs.readdirSync(dest), ['good'])
  })
})

describeWith('locks', 'a lock that another process holds', () => {
  it('is told after --lock-timeout, and is no matter with --no-lock', async function () {
    await orSkip(this, runTool('flock', ['--version']))
    const a = writeTree(path.join(freshDir(), 'a'), { file: 'x' })
    const dest = writeTree(path.join(freshDir(), 'dest'), {})
    const hold = `process.stdout.write('held'); setTimeout(() => undefined, 60000)`
    const holder = startNode(['-e', hold], { prefix: ['flock', dest] })
    try {
      await new Promise((resolve) => holder.process.stdout?.once('data', resolve))
      const lines = saidBy(await cli('merge', a, dest, '--lock-timeout', '50'))
      assert.equal(
        lines[0],
        `reflink-merge: another merge has held the lock on ${dest} for 50 ms; raise --lock-timeout to wait longer`,
      )
      assert.match(
        lines.at(-1) ?? '',
        /^ {2}next: try again later, or with a longer --lock-timeout/,
      )
      assert.deepEqual(fs.readdirSync(dest), [])
      const unlocked = await cli('merge', a, dest, '--no-lock', '--json')
      assert.equal(unlocked.code, 0)
      assert.equal((JSON.parse(unlocked.stdout) as { locking: string }).locking, 'none')
    } finally {
      holder.kill()
      await holder.done
    }
  })
})

describe('options that do not fit', () => {
  for (const [args, said] of [
    [['--quiet', '--json'], /'-q, --quiet' cannot be used with option '--json'/],
    [['--quiet', '--verbose'], /'-q, --quiet' cannot be used with option '--verbose'/],
    [['--no-lock', '--lock-timeout', '5'], /cannot be used with option '--no-lock'/],
    [['--lock-timeout', 'soon'], /number of milliseconds/],
    [['--lock-timeout', '-1'], /number of milliseconds/],
    [['--concurrency', '1e3'], /whole number/],
    [['--link-mode', 'copy,copy'], /each mode once/],
    [['--link-mode', ''], /"" is not one of clone/],
    [['--symlinks', 'all'], /Allowed choices are contained, verbatim, reject/],
    [['--specials', 'keep'], /Allowed choices are error, skip/],
    [['--durability', 'most'], /Allowed choices are none, full/],
  ] as const)
    it(`are refused: ${args.join(' ')}`, async () => {
      const a = writeTree(path.join(freshDir(), 'a'), { file: 'x' })
      const dest = path.join(freshDir(), 'd')
      const lines = saidBy(await cli('merge', ...args, a, dest))
      assert.match(lines[0] ?? '', said)
      assert.equal(lines.at(-1), '(see --help)')
      assert.ok(!fs.existsSync(dest))
    })
})

describe('a pipe that nobody reads', () => {
  it('ends a merge in silence, and dest is complete', async () => {
    const a = writeTree(path.join(freshDir(), 'a'), { file: 'x' })
    const dest = path.join(freshDir(), 'd')
    const child = startNode([main, 'merge', a, dest])
    child.process.stdout?.destroy()
    child.process.stderr?.destroy()
    assert.equal((await child.done).code, 0)
    assertTree(dest, a)
  })

  it('changes nothing about what fails: exit code 2', async () => {
    const child = startNode([main, 'merge', '/none', '/none/dest'])
    child.process.stderr?.destroy()
    assert.equal((await child.done).code, 2)
  })
})
