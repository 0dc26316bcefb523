import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { notTried, type TreeJob } from '../../lib/host/whole-trees'
import type { MergeOptions, MergeResult, Source } from '../../lib/index'
import { mergeOn, planOn } from '../../lib/merge'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { nameByName } from '../support/name-by-name'
import { describeWith, itWith } from '../support/needs'
import { randomFrom, type Random } from '../support/random'
import { reportOf, staged, stagingIn } from '../support/session'
import { assertTree, snapshot } from '../support/snapshot'
import { withUmask } from '../support/umask'
import { writeTree, type TreeNode, type TreeSpec } from '../support/tree'

type PlaceTrees = NonNullable<Host['placeTrees']>

function missing(): never {
  throw new Error('this host has no trees')
}

const byName = nameByName(defaultHost)
const placeTrees: PlaceTrees = defaultHost.placeTrees ?? missing

/** Where the directories of a job are to stand, in its order. */
function targetsOf({ to, paths, skip }: TreeJob): string[] {
  const start = path.join(typeof to.base === 'string' ? to.base : to.base.path, to.path)
  return paths
    .split('\0')
    .slice(0, -1)
    .map((each) => path.join(start, each.slice(skip)))
}

/** Where its files are to stand, in its order, and in which of its directories. */
function filesOf(job: TreeJob): { file: string; directory: number }[] {
  const names = job.names.split('\0')
  let first = 0
  return targetsOf(job).flatMap((above, directory) => {
    const count = job.counts[directory] ?? 0
    first += count
    return names
      .slice(first - count, first)
      .map((name) => ({ file: path.join(above, name), directory }))
  })
}

/** A host that loses a part of each tree that it makes, as if the system had been interrupted. */
function losing(random: Random): Host {
  return {
    ...defaultHost,
    async placeTrees(operation, jobs, options) {
      const { bytes, rows } = await placeTrees(operation, jobs, options)
      const made: number[] = []
      const stops: number[] = []
      const errnos: number[] = []
      jobs.forEach((job, index) => {
        const directories = targetsOf(job)
        const before = job.made ?? 0
        const left = before + random.below(directories.length - before + 1)
        const files = filesOf(job)
        // The last ones first: a directory stands before those in it.
        for (const directory of directories.slice(left).reverse()) {
          fs.rmSync(directory, { recursive: true, force: true })
        }
        made.push(left)
        stops.push(left < directories.length ? errno.EINTR : 0)
        for (const [row, { file, directory }] of files.entries()) {
          const failed = rows?.errnos[errnos.length] ?? 0
          const isWanted = job.wanted?.[row] !== 0
          if (!isWanted || failed !== 0) {
            errnos.push(isWanted && directory >= left ? notTried : failed)
            continue
          }
          const isKept = directory < left && random.below(3) > 0
          if (directory < left && !isKept) fs.unlinkSync(file)
          // A link tells no size.
          if (!isKept && operation !== 'hardlink') bytes[index] = (bytes[index] ?? 0) - 1
          errnos.push(isKept ? 0 : directory < left ? errno.EINTR : notTried)
        }
      })
      return {
        complete: [...stops, ...errnos].every((number) => number === 0),
        bytes,
        made: Uint32Array.from(made),
        stops: { errnos: Int32Array.from(stops), syscall: () => 'mkdir' },
        rows: {
          errnos: Int32Array.from(errnos),
          syscall: (index) => rows?.syscall(index) || 'open',
        },
      }
    },
  }
}

/** Small trees that share some names; every file has one byte. */
function randomTree(random: Random, names: string): TreeSpec {
  const spec: Record<string, TreeNode> = {}
  const kinds = new Map<string, 'file' | 'directory'>()
  for (let entry = 1 + random.below(8); entry > 0; entry--) {
    const parts = Array.from(
      { length: 1 + random.below(4) },
      () => names[random.below(names.length)],
    )
    const above = parts.slice(0, -1).map((_, depth) => parts.slice(0, depth + 1).join('/'))
    const at = parts.join('/')
    if (kinds.has(at) || above.some((each) => kinds.get(each) === 'file')) continue
    for (const each of above) kinds.set(each, 'directory')
    kinds.set(at, 'file')
    spec[at] = { data: random.pick(['x', 'y']), mode: random.pick([0o644, 0o755, 0o600]) }
  }
  if (random.below(3) === 0) spec['empty/'] = {}
  // What makes a tree one that has to be looked at entry by entry.
  if (random.below(6) === 0) spec['link'] = { symlink: 'empty' }
  return spec
}

/** Packages in places of their own, within each other, and in one and the same. */
function randomSources(random: Random, base: string): Source[] {
  return Array.from({ length: 1 + random.below(4) }, (_, index) => {
    const dir = writeTree(path.join(base, 'store', String(index)), randomTree(random, 'abc'))
    const to = random.pick(['', `p${String(index)}`, 'p0', 'p0/a', 'a', 'q/r'])
    return { name: `s${String(index)}`, dir, to }
  })
}

describeWith('trees', 'a tree that one source alone provides', () => {
  describeOn(['btrfs', 'xfs', 'ext4', 'tmpfs'], (volume) => {
    let base = ''
    let dest = ''
    let expected = ''
    const setUp = (): void => {
      base = volume.fresh()
      dest = path.join(base, 'dest')
      expected = path.join(base, 'expected')
    }
    beforeEach(setUp)

    const outcomeOf = async (merging: Promise<MergeResult>, into: string): Promise<object> => {
      try {
        return reportOf(await merging, into)
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        return { code, message: message.replaceAll(into, 'DEST') }
      }
    }

    /** The report and the tree must be those of a merge name by name. */
    const mergeAlike = async (
      host: Host,
      sources: readonly Source[],
      options: MergeOptions,
    ): Promise<void> => {
      const outcome = await outcomeOf(mergeOn(host, sources, dest, options), dest)
      const other = await outcomeOf(mergeOn(byName, sources, expected, options), expected)
      assert.deepEqual(outcome, other)
      const there = [dest, expected].map((each) =>
        fs.existsSync(each) ? snapshot(each) : undefined,
      )
      assert.deepEqual(there[0], there[1])
      assert.deepEqual(stagingIn(base, dest), [])
    }

    /** Each in a place of its own; an error tells the seed. */
    const eachCase = async (
      cases: number,
      check: (random: Random, sources: Source[]) => Promise<void>,
    ): Promise<void> => {
      for (let seed = 0; seed < cases; seed++) {
        const random = randomFrom(seed)
        setUp()
        try {
          await check(random, randomSources(random, base))
        } catch (error) {
          throw new Error(`seed ${String(seed)}`, { cause: error })
        }
      }
    }

    const randomOptions = (random: Random): MergeOptions => ({
      linkModes: random.pick([
        ['clone', 'copy'],
        ['copy'],
        ['hardlink', 'copy'],
        ['clone', 'hardlink', 'copy'],
        ['symlink'],
      ]),
      conflicts: random.pick(['error', 'first', 'last', 'exclusive']),
      existing: random.pick(['error', 'keep', 'replace']),
      ...(random.below(4) === 0 && { writable: true }),
      ...(random.below(4) === 0 && { preserveTimestamps: true }),
      ...(random.below(4) === 0 && { mutable: (at: string) => at.endsWith('b') }),
      ...(random.below(4) === 0 && { onProgress: () => undefined }),
    })

    itWith(
      'steps',
      'is placed in one call for all its directories, and nothing is looked at before',
      async () => {
        const sources = ['a', 'b'].map((name) => ({
          name,
          dir: writeTree(path.join(base, 'store', name), { 'x/y/1': '1', 'x/2': '22', 3: '333' }),
          to: `ns/${name}`,
        }))
        const calls: string[] = []
        const { scanTrees } = defaultHost
        const host: Host = {
          ...defaultHost,
          scanTrees: (places, sized) => {
            calls.push(`scan ${String(places.length)} ${String(sized)}`)
            return (scanTrees ?? missing)(places, sized)
          },
          placeTrees: (operation, jobs, options) => {
            calls.push(`place ${String(jobs.length)}`)
            return placeTrees(operation, jobs, options)
          },
        }
        const { files, bytes, directories, created } = await mergeOn(host, sources, dest)
        assert.deepEqual([files, bytes, directories, created], [6, 12, 7, 6])
        assert.deepEqual(calls, ['scan 2 false', 'place 2'])
      },
    )

    it('gives the same result as name by name, whatever the trees and options (40 cases)', async () => {
      await eachCase(40, async (random, sources) => {
        if (random.below(2) === 0) {
          const there = randomTree(random, 'abcpq')
          for (const each of [dest, expected]) writeTree(each, there)
        }
        const options = randomOptions(random)
        await mergeAlike(defaultHost, sources, options)
        // Once more, into what is there now; and into what somebody has changed.
        await mergeAlike(defaultHost, sources, options)
        const files = fs.existsSync(dest)
          ? snapshot(dest).filter(({ type }) => type === 'file')
          : []
        const lost = files[random.below(files.length)]?.path
        const isChanged = random.below(2) === 0
        for (const each of [dest, expected]) {
          if (lost === undefined) continue
          if (isChanged) fs.writeFileSync(path.join(each, lost), 'z')
          else fs.unlinkSync(path.join(each, lost))
        }
        await mergeAlike(defaultHost, sources, options)
      })
    })

    it('of which a part could not be made for now is completed (25 cases)', () =>
      eachCase(25, async (random, sources) => {
        const linkModes = random.pick([['clone', 'copy'] as const, ['hardlink', 'copy'] as const])
        await mergeAlike(losing(random), sources, { linkModes, conflicts: 'last' })
      }))

    it('is staged by a session, and moved as it is', async () => {
      const sources = ['a', 'b'].map((name) => ({
        name,
        dir: writeTree(path.join(base, 'store', name), { 'x/1': name, 'y/z/2': name }),
        to: name,
      }))
      const session = await staged(defaultHost, sources, dest)
      const report = reportOf(await session.commit(), dest)
      const one = await mergeOn(byName, sources, expected)
      assert.deepEqual(report, reportOf(one, expected))
      assert.deepEqual(snapshot(dest), snapshot(expected))
    })

    it('is planned with all its entries and sizes', async () => {
      const dir = writeTree(path.join(base, 'store'), { 'a/1': '1', 'a/b/2': '22' })
      const sources = [{ name: 's', dir, to: 'p' }]
      const plan = await planOn(defaultHost, sources, dest)
      const other = await planOn(byName, sources, dest)
      assert.deepEqual([...plan.entries()], [...other.entries()])
      assert.deepEqual([plan.files, plan.bytes], [2, 3])
      await mergeOn(defaultHost, sources, dest)
      const again = await planOn(defaultHost, sources, dest)
      assert.deepEqual(
        [...new Set([...again.entries()].map(({ action }) => action))],
        ['unchanged'],
      )
    })

    it('counts the bytes of what dest keeps out, too', async () => {
      const dir = writeTree(path.join(base, 'store'), { 'a/1': '1', 'a/b/2': '22' })
      for (const each of [dest, expected]) writeTree(each, { p: 'a file' })
      const sources = [{ name: 's', dir, to: 'p' }]
      await mergeAlike(defaultHost, sources, { existing: 'keep' })
    })

    itWith(
      'steps',
      'that lost a file which two sources want fails the merge before anything is written',
      async () => {
        const sources = ['a', 'b'].map((name) => ({
          name,
          dir: writeTree(path.join(base, 'store', name), { 'ns/both': 'x', 'ns/more': 'y' }),
        }))
        const { scanTrees } = defaultHost
        const host: Host = {
          ...defaultHost,
          scanTrees: async (places, sized) => {
            const found = await (scanTrees ?? missing)(places, sized)
            fs.rmSync(path.join(base, 'store/b/ns/both'), { force: true })
            return found
          },
        }
        const { code, path: at, syscall } = await failureOf(mergeOn(host, sources, dest))
        const lost = path.join(base, 'store/b/ns/both')
        assert.deepEqual([code, at, syscall], ['ENOENT', lost, 'lstat'])
        assert.deepEqual(fs.readdirSync(base), ['store'])
      },
    )

    itWith('steps', 'is given up where it is aborted: nothing is left of it', async () => {
      const sources = ['a', 'b'].map((name) => ({
        name,
        dir: writeTree(path.join(base, 'store', name), { 'x/1': name, 'y/z/2': name }),
        to: name,
      }))
      const controller = new AbortController()
      const host: Host = {
        ...defaultHost,
        placeTrees: async (operation, jobs, options) => {
          const outcomes = await placeTrees(operation, jobs, options)
          controller.abort(new Error('enough'))
          return outcomes
        },
      }
      const { signal } = controller
      await assert.rejects(mergeOn(host, sources, dest, { signal }), /enough/)
      assert.deepEqual(fs.readdirSync(base), ['store'])
    })

    it('has its modes under any umask', async () => {
      const spec = { 'x/': { dir: true, mode: 0o775 }, 'x/1': { data: '1', mode: 0o666 } } as const
      const dir = writeTree(path.join(base, 'store'), spec)
      await withUmask(0o077, () => mergeOn(defaultHost, [{ name: 's', dir, to: 'p' }], dest))
      assertTree(path.join(dest, 'p'), dir)
    })
  })
})
