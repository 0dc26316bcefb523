import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import type { Source } from '../../lib/index'
import { mergeOn, planOn } from '../../lib/merge'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { itWith } from '../support/needs'
import { recordingHost } from '../support/scripts'
import { runToolSync } from '../support/tool'
import { writeTree } from '../support/tree'
import type { TreeNode, TreeSpec } from '../support/tree'
import { MiB } from '../support/volumes'
import { toldOf } from './on-disk'

/** Less than one buffer of each of two files. */
const NOTHING = 64 << 10

/** Packages in a directory, named a, b, c, … */
function packages(dir: string, ...specs: readonly TreeSpec[]): Source[] {
  return specs.map((spec, index) => {
    const name = 'abcdefghij'.charAt(index)
    return { name, dir: writeTree(path.join(dir, 'store', name), spec) }
  })
}

/** The conflicts of a plan, as toldOf() gives them. */
async function conflictsOf(host: Host, sources: Source[], dest: string): Promise<string[]> {
  const { conflicts } = await planOn(host, sources, dest)
  return conflicts.map(toldOf)
}

/** How many bytes all threads of this process read meanwhile. */
async function bytesRead(work: () => Promise<unknown>): Promise<number> {
  const read = (): number => {
    const [, bytes = ''] = /^rchar: (\d+)$/m.exec(fs.readFileSync('/proc/self/io', 'utf8')) ?? []
    return Number(bytes)
  }
  const before = read()
  await work()
  return read() - before
}

/** Files of some MiB, the same but for what `changed` overwrites: position → text. */
function content(changed: Readonly<Record<number, string>> = {}): Buffer {
  const data = Buffer.alloc(4 * MiB, 'the same ')
  for (const [position, text] of Object.entries(changed)) data.write(text, Number(position))
  return data
}

/** Two packages with a file each, of which one is a clone of the other. */
function clones(dir: string): { sources: Source[]; dest: string; clone: string } {
  const sources = packages(dir, { file: content() }, {})
  const [original, clone] = ['a', 'b'].map((name) => path.join(dir, 'store', name, 'file'))
  const complaint = runToolSync('cp', ['--reflink=always', original ?? '', clone ?? ''])
  assert.equal(complaint, null)
  return { sources, dest: path.join(dir, 'dest'), clone: clone ?? '' }
}

function overwrite(file: string, position: number, text: string): void {
  const fd = fs.openSync(file, 'r+')
  fs.writeSync(fd, text, position)
  fs.closeSync(fd)
}

describe('two files of packages for one path', () => {
  onBothHosts((host) => {
    const same: [what: string, one: TreeNode, other: TreeNode][] = [
      ['both empty', '', ''],
      ['of equal bytes', 'x = 1\n', 'x = 1\n'],
      ['of equal bytes, many', content(), content()],
      ['of which one is private', 'x', { data: 'x', mode: 0o600 }],
      ['of which one is read-only', 'x', { data: 'x', mode: 0o444 }],
      ['of which one is set-user-ID', { data: 'x', mode: 0o755 }, { data: 'x', mode: 0o4755 }],
      ['that are links to the same', { symlink: 'a.py' }, { symlink: 'a.py' }],
      ['that are links to nothing', { symlink: 'none/gone' }, { symlink: 'none/gone' }],
    ]
    for (const [what, one, other] of same)
      it(`are the same ${what}: the namespace is shared`, async () => {
        const dir = freshDir()
        const dest = path.join(dir, 'dest')
        const sources = packages(
          dir,
          { 'ns/__init__.py': one, 'ns/a.py': 'a' },
          { 'ns/__init__.py': other, 'ns/b.py': 'b' },
        )
        const { conflicts, created, sources: told } = await mergeOn(host, sources, dest)
        assert.deepEqual([conflicts, created], [[], 3])
        assert.deepEqual(
          told.map(({ lost, files }) => ({ lost, files })),
          // The file that they share counts for the first, which also gives it its mode.
          [
            { lost: [], files: typeof one === 'object' && 'symlink' in one ? 1 : 2 },
            { lost: [], files: 1 },
          ],
        )
        const modeIn = (at: string): number => fs.lstatSync(path.join(at, 'ns/__init__.py')).mode
        assert.equal(modeIn(dest), modeIn(sources[0]?.dir ?? ''))
      })

    const different: [what: string, one: TreeNode, other: TreeNode][] = [
      ['in size', 'x', 'x\n'],
      ['in that one is empty', '', 'x'],
      ['in their first byte', content(), content({ 0: 'X' })],
      ['in their last byte', content(), content({ [4 * MiB - 1]: 'X' })],
      ['in one byte in the middle', content(), content({ [2 * MiB + 77]: 'X' })],
      ['in that one may be executed', 'x', { data: 'x', mode: 0o755 }],
      ['in who may execute them', { data: 'x', mode: 0o744 }, { data: 'x', mode: 0o755 }],
      ['in whether they may be executed, both empty', '', { data: '', mode: 0o755 }],
      ['in where they lead', { symlink: 'a.py' }, { symlink: 'b.py' }],
      ['in how they say where they lead', { symlink: 'a.py' }, { symlink: './a.py' }],
    ]
    for (const [what, one, other] of different)
      it(`conflict where they differ ${what}`, async () => {
        const dir = freshDir()
        const sources = packages(dir, { 'ns/__init__.py': one }, { 'ns/__init__.py': other })
        assert.deepEqual(await conflictsOf(host, sources, path.join(dir, 'dest')), [
          'content ns/__init__.py: a, b → nobody',
        ])
      })

    it('are the same whatever their times and the modes of their directories', async () => {
      const dir = freshDir()
      const spec = { 'ns/__init__.py': 'x', 'ns/deep/': { mode: 0o750 } }
      const sources = packages(dir, spec, { ...spec, 'ns/deep/': { mode: 0o700 } })
      fs.utimesSync(path.join(dir, 'store/b/ns/__init__.py'), 1, 2)
      assert.deepEqual(await conflictsOf(host, sources, path.join(dir, 'dest')), [])
    })

    it('of three sorts in six packages are each compared with one of each sort at most', async () => {
      const dir = freshDir()
      const sorts = ['x', 'y', 'x', 'z', 'y', 'x'].map((text): TreeSpec => ({ 'ns/m': text }))
      const { host: recording, count } = recordingHost(host)
      const dest = path.join(dir, 'dest')
      assert.deepEqual(await conflictsOf(recording, packages(dir, ...sorts), dest), [
        'content ns/m: a, b, c, d, e, f → nobody',
      ])
      // The five others with a; then d and e, which differ from it, with b.
      assert.equal(count('compare'), 7)
    })
  })
})

describe('no byte is read', () => {
  onBothHosts((host) => {
    it('nor anything compared of packages that share directories and no path', async () => {
      const dir = freshDir()
      const dest = path.join(dir, 'dest')
      const sources = packages(
        dir,
        ...['a', 'b', 'c', 'd'].map((name): TreeSpec => {
          return { [`ns/deep/${name}`]: 'x', [`${name}/same`]: 'x', 'ns/empty/': {} }
        }),
      )
      const { host: recording, count } = recordingHost(host)
      await planOn(recording, sources, dest)
      await mergeOn(recording, sources.slice(0, 2), dest)
      await mergeOn(recording, sources.slice(2), dest)
      assert.equal(count('compare'), 0)
    })

    for (const [what, one, other] of [
      ['sizes', 'short', 'longer'],
      ['executable bits', 'x', { data: 'x', mode: 0o755 }],
      ['kinds', 'x', { symlink: 'x' }],
      ['links', { symlink: 'y' }, { symlink: 'x' }],
    ] as [string, TreeNode, TreeNode][])
      it(`nor anything compared where ${what} differ`, async () => {
        const dir = freshDir()
        const { host: recording, count } = recordingHost(host)
        const sources = packages(dir, { x: one }, { x: other })
        assert.equal((await conflictsOf(recording, sources, path.join(dir, 'dest'))).length, 1)
        assert.equal(count('compare'), 0)
      })

    describeOn(['ext4'], (volume) => {
      it('of what is one inode, in two packages and in dest', async () => {
        const dir = volume.fresh()
        const dest = path.join(dir, 'dest')
        const sources = packages(dir, { file: content() }, {})
        fs.linkSync(path.join(dir, 'store/a/file'), path.join(dir, 'store/b/file'))
        const merging = (): Promise<unknown> =>
          mergeOn(host, sources, dest, { linkModes: 'hardlink' })
        assert.ok((await bytesRead(merging)) < NOTHING)
        assert.ok((await bytesRead(merging)) < NOTHING)
      })

      it('twice: of equal files that are not one, all are', async () => {
        const dir = volume.fresh()
        const sources = packages(dir, { file: content() }, { file: content() })
        const read = await bytesRead(() => planOn(host, sources, path.join(dir, 'dest')))
        assert.ok(read >= 8 * MiB && read < 8 * MiB + NOTHING, String(read))
      })

      it('behind the first difference', async () => {
        const dir = volume.fresh()
        const sources = packages(dir, { file: content() }, { file: content({ 0: 'X' }) })
        const read = await bytesRead(() => planOn(host, sources, path.join(dir, 'dest')))
        assert.ok(read > 0 && read < MiB, String(read))
      })
    })
  })

  describeOn(['btrfs', 'xfs'], (volume) => {
    itWith('extents', 'of clones of one file, in two packages and in dest', async () => {
      const { sources, dest } = clones(volume.fresh())
      const merging = (): Promise<unknown> =>
        mergeOn(defaultHost, sources, dest, { linkModes: 'clone' })
      assert.ok((await bytesRead(merging)) < NOTHING)
      assert.ok((await bytesRead(merging)) < NOTHING)
    })

    it('no more of a clone that was changed than tells that it was', async () => {
      const { sources, dest, clone } = clones(volume.fresh())
      overwrite(clone, 0, 'X')
      assert.equal(runToolSync('sync', [clone]), null)
      const read = await bytesRead(async () => {
        assert.equal((await conflictsOf(defaultHost, sources, dest)).length, 1)
      })
      assert.ok(read < MiB, String(read))
    })
  })
})

describe('a clone that was changed a moment ago', () => {
  // What is not yet on disk leaves the clone's extents as they were.
  describeOn(['btrfs', 'xfs'], (volume) => {
    for (const position of [0, 2 * MiB + 77, 4 * MiB - 1])
      it(`at byte ${String(position)} is not the same any more`, async () => {
        const { sources, dest, clone } = clones(volume.fresh())
        overwrite(clone, position, 'X')
        assert.deepEqual(await conflictsOf(defaultHost, sources, dest), [
          'content file: a, b → nobody',
        ])
      })

    it('in dest is not taken for the file that was merged', async () => {
      const { sources, dest } = clones(volume.fresh())
      await mergeOn(defaultHost, sources, dest, { linkModes: 'clone' })
      overwrite(path.join(dest, 'file'), 5, 'X')
      assert.deepEqual(await conflictsOf(defaultHost, sources, dest), [
        'existing file: a, b → nobody',
      ])
    })
  })
})

describe('comparing', () => {
  onBothHosts((host) => {
    it('goes in batches, several at once, but no more than the concurrency', async () => {
      const PAIRS = 1000
      const dir = freshDir()
      const spec: Record<string, TreeNode> = {}
      for (let n = 0; n < PAIRS; n++) spec[`${String(n % 20)}/${String(n)}`] = 'the same'
      const sizes: number[] = []
      let [inFlight, most] = [0, 0]
      const counting: Host = {
        ...host,
        compare: async (jobs) => {
          sizes.push(jobs.reduce((sum, { names }) => sum + names.length, 0))
          most = Math.max(most, ++inFlight)
          return host.compare(jobs).finally(() => inFlight--)
        },
      }
      const sources = packages(dir, spec, spec)
      await planOn(counting, sources, path.join(dir, 'dest'), { concurrency: 3 })
      assert.equal(
        sizes.reduce((sum, size) => sum + size),
        PAIRS,
      )
      assert.ok(sizes.length <= PAIRS / 50, `${String(sizes.length)} calls`)
      assert.equal(most, 3)
    })

    describeOn(['tmpfs'], (volume) => {
      it('two files of 100 MB leave the main thread to others', async () => {
        const dir = volume.fresh()
        const sources = packages(dir, {}, {})
        for (const source of sources)
          fs.writeFileSync(path.join(source.dir ?? '', 'file'), Buffer.alloc(100_000_000, 'x'))
        let [ticks, during] = [0, 0]
        const watched: Host = {
          ...host,
          compare: async (jobs) => {
            const before = ticks
            const result = await host.compare(jobs)
            during = ticks - before
            return result
          },
        }
        const timer = setInterval(() => ticks++, 1)
        const planning = (): Promise<unknown> => planOn(watched, sources, path.join(dir, 'dest'))
        assert.ok((await bytesRead(planning)) >= 200_000_000)
        clearInterval(timer)
        assert.ok(during >= 10, `the timer went off ${String(during)} times`)
      })
    })
  })
})
