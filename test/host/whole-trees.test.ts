import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { cloneNeverHere, errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import {
  identityLength,
  joinPath,
  Kind,
  type FileOptions,
  type Host,
  type Place,
} from '../../lib/host/host'
import {
  notTried,
  TreeFound,
  type TreeColumns,
  type TreeOperation,
} from '../../lib/host/whole-trees'
import { PackedTree } from '../../lib/scan/packed-tree'
import { runText } from '../support/child'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { asNobody, giveToNobody } from '../support/nobody'
import { assertTree, snapshot } from '../support/snapshot'
import { runTool, runToolSync } from '../support/tool'
import { writeTree, type TreeSpec } from '../support/tree'
import { withUmask } from '../support/umask'

type TreeHost = Required<Pick<Host, 'scanTrees' | 'placeTrees' | 'matchTrees'>>

/** As it is there in the tests below; `describeWith` leaves them out elsewhere. */
const host = defaultHost as Host & { [K in keyof TreeHost]: NonNullable<TreeHost[K]> }

const { Plain, Other, Large } = TreeFound
const options: FileOptions = { writable: false, times: false, inKernelCopy: false }

const at = (base: string, below = ''): Place => ({ base, path: below })

const spec: TreeSpec = {
  'a.txt': { data: 'one', mode: 0o600 },
  run: { data: '#!/bin/sh\n', mode: 0o755 },
  'lib/b': { data: 'four', mode: 0o666 },
  'lib/deep/c': { data: '', mode: 0o444 },
  'lib/deep/d': 'd'.repeat(100_000),
  'lib/hollow/in/': { dir: true, mode: 0o711 },
  'empty/': {},
  'tight/': { dir: true, mode: 0o700 },
  'tight/e': { data: 'e', mode: 0o400 },
}
const specBytes = 3 + 10 + 4 + 100_000 + 1

/** Files, by their paths, that can no longer be placed. */
interface Spoilt {
  readonly gone: readonly string[]
  /** A link to the file itself can be made even so: nothing is opened for it. */
  readonly canLink?: boolean
  readonly change: (dir: string) => void
}

interface Row {
  path: string
  mode: number
  bytes: number
  /** Name → mode and size. */
  files: Record<string, readonly [number, number]>
}

/** Cuts joined texts where the numbers tell that one directory's end; each text has a NUL after it. */
function cut(joined: string, ends: Uint32Array, from: number): string[] {
  const text = joined.slice(from === 0 ? 0 : ends[from - 1], ends[from])
  assert.match(text, /^$|\0$/)
  return text.split('\0').slice(0, -1)
}

/** One tree as the columns tell it, its directories in their order. */
function rowsOf(columns: TreeColumns, index: number): Row[] {
  const rows: Row[] = []
  const start = columns.starts[index] ?? 0
  for (let row = start; row < (columns.ends[start] ?? 0); row++) {
    const [directory = assert.fail('no path'), ...more] = cut(columns.paths, columns.pathEnds, row)
    assert.deepEqual(more, [])
    const names = cut(columns.names, columns.nameEnds, row)
    assert.equal(columns.counts[row], names.length)
    const first = row === 0 ? 0 : (columns.fileEnds[row - 1] ?? 0)
    assert.equal(columns.fileEnds[row], first + names.length)
    const files = names.map((name, position) => {
      const { fileModes, sizes } = columns
      return [name, [fileModes[first + position] ?? -1, sizes[first + position] ?? -1]] as const
    })
    rows.push({
      ...{ path: directory, mode: columns.modes[row] ?? -1, bytes: columns.bytes[row] ?? -1 },
      files: Object.fromEntries(files),
    })
  }
  return rows
}

/** The same as node:fs tells it, in the order of `paths`. */
function rowsIn(dir: string, paths: readonly string[], sized: boolean): Row[] {
  return paths.map((directory) => {
    const own = path.join(dir, directory)
    const entries = fs.readdirSync(own, { withFileTypes: true }).filter((entry) => entry.isFile())
    const files = entries.map(({ name }) => {
      const { mode, size } = fs.lstatSync(path.join(own, name))
      return [name, sized ? ([mode & 0o7777, size] as const) : ([-1, -1] as const)] as const
    })
    const bytes = sized ? files.reduce((sum, [, [, size]]) => sum + size, 0) : 0
    const mode = fs.statSync(own).mode & 0o7777
    return { path: directory, mode, bytes, files: Object.fromEntries(files) }
  })
}

/** The directories below a tree, and itself. */
function directoriesIn(dir: string): string[] {
  const found = snapshot(dir, { contents: false }).filter(({ type }) => type === 'directory')
  return ['', ...found.map((entry) => entry.path)]
}

/** Each directory stands before those in it, which are the next ones. */
function assertNested(columns: TreeColumns, index: number, paths: readonly string[]): void {
  const start = columns.starts[index] ?? 0
  paths.forEach((directory, own) => {
    const inIt = (other: string): boolean => directory === '' || other.startsWith(`${directory}/`)
    const end = (columns.ends[start + own] ?? 0) - start
    assert.ok(end > own && end <= paths.length, `${directory} ends at ${String(end)}`)
    assert.ok(paths.slice(own + 1, end).every(inIt), directory)
    assert.ok(!paths.slice(0, own).some(inIt), directory)
    assert.ok(!paths.slice(end).some(inIt), directory)
  })
}

function assertColumns(columns: TreeColumns, index: number, dir: string): void {
  assert.equal(columns.found[index], Plain, dir)
  assert.equal(columns.devices[index], fs.statSync(dir).dev)
  const rows = rowsOf(columns, index)
  const paths = rows.map((row) => row.path)
  assert.deepEqual([...paths].sort(), directoriesIn(dir).sort())
  assertNested(columns, index, paths)
  assert.deepEqual(rows, rowsIn(dir, paths, columns.sized))
}

/** All columns are as long as they must be, and hold nothing but these trees. */
function assertNothingElse(columns: TreeColumns, dirs: readonly string[]): void {
  const directories = dirs.flatMap(directoriesIn).length
  const files = dirs.flatMap((dir) => snapshot(dir, { contents: false })).length
  const count = files - (directories - dirs.length)
  for (const key of [
    'ends',
    'modes',
    'counts',
    'bytes',
    'pathEnds',
    'nameEnds',
    'fileEnds',
  ] as const)
    assert.equal(columns[key].length, directories, key)
  for (const key of ['fileModes', 'sizes'] as const)
    assert.equal(columns[key].length, columns.sized ? count : 0, key)
  assert.equal(columns.fileEnds.at(-1) ?? 0, count)
  assert.equal(columns.paths.length, columns.pathEnds.at(-1) ?? 0)
  assert.equal(columns.names.length, columns.nameEnds.at(-1) ?? 0)
}

async function packed(dir: string, sized = true): Promise<PackedTree> {
  const columns = await host.scanTrees([at(dir)], sized)
  assert.equal(columns.found[0], Plain)
  return PackedTree.of(columns, 0, at(dir))
}

/** A directory of the tree, by its path. */
function subtree(tree: PackedTree, below: string): PackedTree {
  return below
    .split('/')
    .reduce((own, name) => own.directories.get(name) ?? assert.fail(name), tree)
}

/** At every level what `list` tells. */
async function assertListed(tree: PackedTree, dir: string, sized: boolean): Promise<number> {
  const [listing] = await host.list([at(dir)])
  assert.ok(listing?.errno === 0)
  const { names, kinds, modes, sizes, mode, device } = listing
  const all = names.map((name, index) => ({ name, index }))
  const files = all.filter(({ index }) => kinds[index] === Kind.File)
  const directories = all.filter(({ index }) => kinds[index] === Kind.Directory)
  assert.deepEqual([...tree.names].sort(), files.map(({ name }) => name).sort())
  assert.deepEqual([...tree.directories.keys()].sort(), directories.map(({ name }) => name).sort())
  assert.deepEqual([...tree.kinds], Array(files.length).fill(Kind.File))
  assert.deepEqual([tree.mode, tree.device, tree.distinct], [mode, device, listing.distinct])
  if (sized) {
    const known = tree.names.map((name, own) => [name, tree.modes[own], tree.sizes[own]])
    const told = files.map(({ name, index }) => [name, modes[index], sizes[index]])
    assert.deepEqual(known.sort(), told.sort())
    assert.equal(tree.plainBytes, listing.plain?.bytes)
  } else {
    assert.equal(tree.plainBytes, undefined)
  }
  let levels = 1
  for (const [name, child] of tree.directories)
    levels += await assertListed(child, path.join(dir, name), sized)
  return levels
}

function makeEntries(dir: string, directories: number, files: number): string {
  for (let directory = 0; directory < directories; directory++) {
    fs.mkdirSync(path.join(dir, String(directory)))
    for (let file = 0; file < files; file++)
      fs.writeFileSync(path.join(dir, String(directory), `f${String(file)}`), '')
  }
  return dir
}

/** What makes a tree another one than it can read or keep in columns. */
const impure: Record<string, TreeSpec> = {
  'a symlink': { 'd/link': { symlink: 'x' } },
  'a symlink to a directory': { 'd/link': { symlink: '.' } },
  'a fifo': { 'd/fifo': { fifo: true } },
  'a name beyond ASCII': { 'd/é': '' },
  'a directory beyond ASCII': { 'd/é/': {} },
  'a name with a backslash': { 'd/a\\b': '' },
  'a directory with a backslash': { 'd/a\\b/in': '' },
  'two names that differ in case only': { 'd/Foo': '', 'd/foo': '' },
  'a file and a directory that differ in case only': { 'd/Foo': '', 'd/foo/': {} },
  'two names that differ by a dot at the end': { 'd/foo': '', 'd/foo.': '' },
  'two names that differ by a space at the end': { 'd/foo': '', 'd/foo ': '' },
  'a directory that its owner may not write to': { 'd/in/': { dir: true, mode: 0o555 } },
  'a directory that its owner may not read': { 'd/in/': { dir: true, mode: 0o300 } },
  'a directory that its owner may not enter': { 'd/in/': { dir: true, mode: 0o600 } },
}

const special: Record<string, TreeSpec> = {
  'a setuid file': { 'd/x': { data: '', mode: 0o4755 } },
  'a setgid file': { 'd/x': { data: '', mode: 0o2755 } },
  'a sticky file': { 'd/x': { data: '', mode: 0o1644 } },
}

const hasAcl = runToolSync('setfacl', ['--version']) === null

describeWith('trees', 'whole trees', function () {
  describeOn(['btrfs', 'xfs', 'ext4', 'tmpfs'], (volume) => {
    const source = (more: TreeSpec = {}): string => writeTree(volume.fresh(), { ...spec, ...more })

    describe('are read', () => {
      for (const sized of [true, false])
        describe(sized ? 'with a look at each file' : 'without one', () => {
          it('with all that lies in them', async () => {
            const dir = source()
            const columns = await host.scanTrees([at(dir)], sized)
            assert.equal(columns.sized, sized)
            assertColumns(columns, 0, dir)
            assertNothingElse(columns, [dir])
          })

          it('as they are listed at every level', async () => {
            const dir = source()
            const tree = await packed(dir, sized)
            assert.equal(await assertListed(tree, dir, sized), directoriesIn(dir).length)
            const counts = [tree.allEntries, tree.allDirectories, tree.allBytes]
            assert.deepEqual(counts, [6, 7, sized ? specBytes : undefined])
            const lib = subtree(tree, 'lib')
            assert.deepEqual([lib.allEntries, lib.allDirectories], [3, 4])
          })

          it('where nothing lies in them', async () => {
            const [empty, hollow] = [volume.fresh(), writeTree(volume.fresh(), { 'a/b/': {} })]
            const columns = await host.scanTrees([at(empty), at(hollow), at(empty)], sized)
            for (const [index, dir] of [empty, hollow, empty].entries())
              assertColumns(columns, index, dir)
            assertNothingElse(columns, [empty, hollow, empty])
            assert.equal(columns.names, '')
          })

          it('several of them at once, by places of all kinds', async () => {
            const [first, second] = [source(), source({ 'lib/more/x': 'x', z: 'z' })]
            const directory = await host.open(at(second))
            try {
              const places = [at(first), { base: directory, path: 'lib' }, at(second, 'lib/more')]
              const dirs = [first, `${second}/lib`, `${second}/lib/more`]
              const columns = await host.scanTrees(places, sized)
              for (const [index, dir] of dirs.entries()) {
                assertColumns(columns, index, dir)
                const tree = PackedTree.of(columns, index, places[index] ?? at(''))
                await assertListed(tree, dir, sized)
              }
              assertNothingElse(columns, dirs)
            } finally {
              await host.close(directory)
            }
          })

          it('through a symlink that was named, and no other', async () => {
            const dir = volume.fresh()
            writeTree(dir, { 'real/in/x': 'x', link: { symlink: 'real' } })
            const link = path.join(dir, 'link')
            const places = [at(link), at(dir, 'link'), at(dir, 'link/in'), at(link, 'in')]
            const columns = await host.scanTrees(places, sized)
            assert.deepEqual([...columns.found], [Plain, Other, Other, Plain])
            assertColumns(columns, 0, `${dir}/real`)
            assertColumns(columns, 3, `${dir}/real/in`)
            assertNothingElse(columns, [`${dir}/real`, `${dir}/real/in`])
          })

          /** The tree between two others, of which all is told. */
          const assertBetween = async (place: Place, found: number): Promise<void> => {
            const dirs = [source(), source({ 'lib/last': 'last' })]
            const columns = await host.scanTrees(
              [at(dirs[0] ?? ''), place, at(dirs[1] ?? ''), place],
              sized,
            )
            assert.deepEqual([...columns.found], [Plain, found, Plain, found])
            assertColumns(columns, 0, dirs[0] ?? '')
            assertColumns(columns, 2, dirs[1] ?? '')
            assertNothingElse(columns, dirs)
          }

          for (const [what, more] of Object.entries(impure))
            it(`not at all with ${what}`, () => assertBetween(at(source(more)), Other))

          for (const [what, more] of Object.entries(special))
            it(`${sized ? 'not at all' : 'even so'} with ${what}`, async () => {
              const dir = source(more)
              if (sized) await assertBetween(at(dir), Other)
              else assert.equal((await host.scanTrees([at(dir)], sized)).found[0], Plain)
            })

          it('not at all where the directory itself may not be written to', async () => {
            const dir = source()
            fs.chmodSync(dir, 0o555)
            await assertBetween(at(dir), Other)
          })

          it('not at all where one may not be read', async () => {
            const dir = giveToNobody(source({ 'closed/in/x': 'x' }))
            fs.chmodSync(`${dir}/closed`, 0o700)
            const scan = (): Promise<TreeColumns> =>
              host.scanTrees([at(dir), at(`${dir}/lib`)], sized)
            assert.deepEqual([...(await asNobody(scan)).found], [Plain, Plain])
            fs.chownSync(`${dir}/closed`, 0, 0)
            const columns = await asNobody(scan)
            assert.deepEqual([...columns.found], [Other, Plain])
            assertNothingElse(columns, [`${dir}/lib`])
          })

          it('not at all where there is none', async () => {
            const dir = source()
            await assertBetween(at(dir, 'none'), Other)
            await assertBetween(at(`${dir}/none`), Other)
          })

          it('not at all where there is a file', async () => {
            const dir = source()
            await assertBetween(at(dir, 'run'), Other)
            await assertBetween(at(`${dir}/run`), Other)
          })

          it('not at all by what leads out', async () => {
            const dir = source()
            await assertBetween(at(dir, 'lib/..'), Other)
            await assertBetween(at(`${dir}/lib`, '..'), Other)
          })

          it('not at all with another file system inside', async () => {
            const dir = source({ 'inner/below/x': 'x' })
            const point = path.join(dir, 'inner')
            await runTool('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'tmpfs', point])
            try {
              writeTree(point, { 'd/y': 'y' })
              await assertBetween(at(dir), Other)
              // By itself it is a tree like others.
              assertColumns(await host.scanTrees([at(dir, 'inner')], sized), 0, point)
            } finally {
              await runTool('umount', [point])
            }
            assertColumns(await host.scanTrees([at(dir)], sized), 0, dir)
          })

          if (volume.kind === 'btrfs')
            it('not at all with a subvolume inside', async () => {
              const dir = source()
              await runTool('btrfs', ['subvolume', 'create', path.join(dir, 'inner')])
              await assertBetween(at(dir), Other)
            })
        })
    })

    describe('are made', () => {
      const operations: TreeOperation[] = ['hardlink', 'copy']
      if (volume.kind === 'btrfs' || volume.kind === 'xfs') operations.unshift('clone')

      for (const operation of operations)
        describe(`by ${operation}`, () => {
          const bytesOf = (bytes: number): number => (operation === 'hardlink' ? 0 : bytes)
          const isLinked = (a: string, b: string): boolean =>
            fs.statSync(a, { bigint: true }).ino === fs.statSync(b, { bigint: true }).ino

          for (const mask of [0o022, 0o077, 0o777])
            it(`as they are under umask ${mask.toString(8)}`, async () => {
              const [dir, dest] = [source(), volume.fresh()]
              fs.chmodSync(dir, 0o775)
              const tree = await packed(dir)
              const outcomes = await withUmask(mask, () =>
                host.placeTrees(operation, [tree.jobTo(at(dest, 't'))], options),
              )
              assert.deepEqual(outcomes, {
                complete: true,
                bytes: Float64Array.of(bytesOf(specBytes)),
              })
              assertTree(path.join(dest, 't'), dir)
              assert.equal(fs.statSync(path.join(dest, 't')).mode & 0o7777, 0o775)
              assert.deepEqual(fs.readdirSync(dest), ['t'])
              const linked = isLinked(`${dir}/lib/b`, `${dest}/t/lib/b`)
              assert.equal(linked, operation === 'hardlink')
            })

          if (hasAcl)
            it('as they are under a default ACL', async () => {
              const [dir, dest] = [source(), volume.fresh()]
              await runTool('setfacl', ['-d', '-m', 'u::rwx,g::-,o::-', dest])
              const tree = await packed(dir)
              const jobs = [tree.jobTo(at(dest, 't'))]
              assert.equal((await host.placeTrees(operation, jobs, options)).complete, true)
              assertTree(path.join(dest, 't'), dir)
            })

          it('from what was not looked at', async () => {
            const [dir, dest] = [source(), volume.fresh()]
            const tree = await packed(dir, false)
            const jobs = [tree.jobTo(at(dest, 't'))]
            const { complete, bytes } = await host.placeTrees(operation, jobs, options)
            assert.deepEqual([complete, [...bytes]], [true, [bytesOf(specBytes)]])
            assertTree(path.join(dest, 't'), dir)
          })

          for (const below of ['lib', 'lib/deep', 'lib/hollow', 'empty'])
            it(`from a part of one: ${below}`, async () => {
              const [dir, dest] = [source(), writeTree(volume.fresh(), { 'old/x': 'x' })]
              const job = subtree(await packed(dir), below).jobTo(at(dest, 'old/new'))
              assert.equal(job.skip, below.length)
              const { complete } = await host.placeTrees(operation, [job], options)
              assert.equal(complete, true)
              assertTree(`${dest}/old/new`, path.join(dir, below))
              assert.deepEqual(fs.readdirSync(dest), ['old'])
              assert.deepEqual(fs.readdirSync(`${dest}/old`).sort(), ['new', 'x'])
            })

          it('without their files', async () => {
            const [dir, dest] = [source(), volume.fresh()]
            const job = (await packed(dir)).directoriesTo(at(dest, 't'))
            const { complete, bytes } = await host.placeTrees(operation, [job], options)
            assert.deepEqual([complete, [...bytes]], [true, [0]])
            const expected = snapshot(dir).filter(({ type }) => type === 'directory')
            assertTree(`${dest}/t`, expected)
          })

          it('several at once', async () => {
            const [one, two, dest] = [source(), source({ 'lib/more': 'more' }), volume.fresh()]
            const [first, second] = [await packed(one), await packed(two)]
            const directory = await host.open(at(dest))
            try {
              const lib = subtree(second, 'lib')
              const jobs = [
                first.jobTo({ base: directory, path: 'one' }),
                second.jobTo(at(dest, 'two')),
                lib.jobTo({ base: directory, path: 'two/again' }),
                subtree(first, 'empty').jobTo(at(`${dest}/one`, 'z')),
              ]
              const { complete, bytes } = await host.placeTrees(operation, jobs, options)
              assert.equal(complete, true)
              const wanted = [specBytes, specBytes + 4, 100_008, 0].map(bytesOf)
              assert.deepEqual([...bytes], wanted)
            } finally {
              await host.close(directory)
            }
            fs.mkdirSync(`${one}/z`, { mode: 0o755 })
            assertTree(`${dest}/one`, one)
            assertTree(`${dest}/two/again`, `${two}/lib`)
            fs.rmSync(`${dest}/two/again`, { recursive: true })
            assertTree(`${dest}/two`, two)
          })

          it('only where all columns fit', async () => {
            const [dir, dest] = [source(), volume.fresh()]
            const job = (await packed(dir)).jobTo(at(dest, 't'))
            const rows = job.names.split('\0').length - 1
            const odd: Record<string, object> = {
              'kinds of another number': { kinds: new Uint8Array(rows + 1) },
              'a kind that there is not': { kinds: new Uint8Array(rows).fill(3) },
              'kinds in an array': { kinds: [] },
              'a symlink without a text': { kinds: new Uint8Array(rows).fill(1) },
              'contents that no kind tells of': { contents: [new Uint8Array(1)] },
              'a content that is missing': { kinds: new Uint8Array(rows).fill(2) },
              'a content that is no bytes': { contents: ['x'] },
              'sources of another number': { sources: 'a\0' },
              'sources without a NUL': { sources: 'a' },
              'modes of another number': { fileModes: new Uint32Array(1) },
              'a mask of another number': { wanted: new Uint8Array(1) },
              'more directories made than there are': { made: job.modes.length + 1 },
              'a part of a directory made': { made: 0.5 },
            }
            for (const [what, change] of Object.entries(odd)) {
              const jobs = [{ ...job, ...change }]
              const placing = async (): Promise<unknown> =>
                host.placeTrees(operation, jobs, options)
              await assert.rejects(placing, TypeError, what)
            }
            assert.deepEqual(fs.readdirSync(dest), [])
          })

          it('from no path that leads out of the store', async () => {
            const [dir, dest] = [source(), volume.fresh()]
            const tree = await packed(dir)
            const job = tree.jobTo(at(dest, 't'))
            for (const path of ['../x', 'a/../../x', '/etc/passwd', '', 'a//b', './a', 'a/.']) {
              const sources = `${path}\0`.repeat(tree.allEntries)
              const jobs = [{ ...job, sources, to: at(dest, `t${String(path.length)}`) }]
              const { rows } = await host.placeTrees(operation, jobs, options)
              assert.deepEqual(new Set(rows?.errnos), new Set([errno.EINVAL]), path)
              assert.equal(rows?.syscall(0), 'name')
              fs.rmSync(`${dest}/t${String(path.length)}`, { recursive: true })
            }
          })

          it('and nothing is done where there is nothing to do', async () => {
            const outcomes = await host.placeTrees(operation, [], options)
            assert.deepEqual(outcomes, { complete: true, bytes: new Float64Array(0) })
          })

          /** Two jobs, of which the first one fails at its directory; the second one is whole. */
          const assertFirstFails = async (dir: string, to: Place, dest: string): Promise<void> => {
            const tree = await packed(dir)
            const jobs = [tree.jobTo(to), tree.jobTo(at(dest, 'second'))]
            const outcomes = await host.placeTrees(operation, jobs, options)
            const { complete, bytes, made = [], stops, rows } = outcomes
            assert.equal(complete, false)
            assert.deepEqual([...bytes], [0, bytesOf(specBytes)])
            assert.deepEqual([...made], [0, tree.allDirectories])
            const wanted = [notTried, 0].flatMap((each) =>
              Array<number>(tree.allEntries).fill(each),
            )
            assert.deepEqual([...(rows?.errnos ?? [])], wanted)
            assert.ok((stops?.errnos[0] ?? 0) > 0)
            assert.match(stops?.syscall(0) ?? '', /^(?:mkdir|open|name)$/)
            assert.equal(stops?.errnos[1], 0)
            assertTree(`${dest}/second`, dir)
          }

          for (const [what, there] of Object.entries({
            'a directory': { 'first/mine': 'mine', 'first/lib/b': 'mine' },
            'an empty directory': { 'first/': {} },
            'a file': { first: 'mine' },
            'a symlink': { first: { symlink: 'elsewhere' }, 'elsewhere/': {} },
            'a symlink that leads nowhere': { first: { symlink: 'none' } },
          } satisfies Record<string, TreeSpec>))
            it(`not at all where there is ${what}`, async () => {
              const dest = writeTree(volume.fresh(), there)
              const before = snapshot(dest)
              await assertFirstFails(source(), at(dest, 'first'), dest)
              fs.rmSync(`${dest}/second`, { recursive: true })
              assertTree(dest, before)
            })

          for (const [what, to] of Object.entries({
            'a symlink on the way': 'link/t',
            'a file on the way': 'file/t',
            'nothing on the way': 'none/t',
            'a way out': '../t',
            'no name of its own': '',
          }))
            it(`not at all with ${what}`, async () => {
              const room = volume.fresh()
              const dest = writeTree(path.join(room, 'dest'), {
                ...{ link: { symlink: '../elsewhere' }, file: 'mine' },
              })
              writeTree(path.join(room, 'elsewhere'), { mine: 'mine' })
              const before = snapshot(room)
              await assertFirstFails(source(), at(dest, to), dest)
              fs.rmSync(`${dest}/second`, { recursive: true })
              assertTree(room, before)
            })

          it('once only, where two go to one place', async () => {
            const [one, two, dest] = [source(), source({ 'lib/b2': 'other' }), volume.fresh()]
            const [first, second] = [await packed(one), await packed(two)]
            const jobs = [first.jobTo(at(dest, 't')), second.jobTo(at(dest, 't'))]
            const outcomes = await host.placeTrees(operation, jobs, options)
            assert.equal(outcomes.complete, false)
            assert.deepEqual([...(outcomes.made ?? [])], [first.allDirectories, 0])
            const { errnos = [], syscall } = outcomes.rows ?? {}
            const placed = [...errnos]
            assert.deepEqual([outcomes.stops?.errnos[1], syscall?.(0)], [errno.EEXIST, ''])
            assert.deepEqual(placed.slice(0, first.allEntries), Array(first.allEntries).fill(0))
            assert.deepEqual(
              placed.slice(first.allEntries),
              Array(second.allEntries).fill(notTried),
            )
            assertTree(`${dest}/t`, one)
          })

          const spoil: Record<string, Spoilt> = {
            'a file that is gone': {
              gone: ['lib/deep/d'],
              change: (dir) => {
                fs.rmSync(`${dir}/lib/deep/d`)
              },
            },
            'a file that is a symlink by now': {
              gone: ['lib/b'],
              canLink: true,
              change: (dir) => {
                fs.rmSync(`${dir}/lib/b`)
                fs.symlinkSync('../run', `${dir}/lib/b`)
              },
            },
            'a file that is a fifo by now': {
              gone: ['a.txt'],
              canLink: true,
              change: (dir) => {
                fs.rmSync(`${dir}/a.txt`)
                writeTree(dir, { 'a.txt': { fifo: true } })
              },
            },
            'a file that is a directory by now': {
              gone: ['a.txt'],
              change: (dir) => {
                fs.rmSync(`${dir}/a.txt`)
                fs.mkdirSync(`${dir}/a.txt`)
              },
            },
            'a directory that is gone': {
              gone: ['tight/e'],
              change: (dir) => {
                fs.rmSync(`${dir}/tight`, { recursive: true })
              },
            },
            'a directory that is a symlink by now': {
              gone: ['lib/deep/c', 'lib/deep/d'],
              change: (dir) => {
                fs.renameSync(`${dir}/lib/deep`, `${dir}/lib/moved`)
                fs.symlinkSync('moved', `${dir}/lib/deep`)
              },
            },
          }
          for (const [what, { gone, canLink = false, change }] of Object.entries(spoil)) {
            if (canLink && operation === 'hardlink') {
              it(`even with ${what}, which is not followed`, async () => {
                const [dir, dest] = [source(), volume.fresh()]
                const jobs = [(await packed(dir)).jobTo(at(dest, 't'))]
                change(dir)
                assert.equal((await host.placeTrees(operation, jobs, options)).complete, true)
                assertTree(`${dest}/t`, dir)
              })
              continue
            }
            it(`all but ${what}`, async () => {
              const [dir, dest] = [source(), volume.fresh()]
              const tree = await packed(dir)
              const job = tree.jobTo(at(dest, 't'))
              const before = snapshot(dir)
              change(dir)
              const outcomes = await host.placeTrees(operation, [job], options)
              assert.equal(outcomes.complete, false)
              assert.deepEqual([...(outcomes.made ?? [])], [tree.allDirectories])
              const left = before.filter((entry) => !gone.includes(entry.path))
              assertTree(`${dest}/t`, left)
              const failed = filesOf(job).filter((_, index) => outcomes.rows?.errnos[index] !== 0)
              assert.deepEqual(failed.sort(), [...gone].sort())
              const bytes = left.reduce((sum, { size = 0 }) => sum + size, 0)
              assert.deepEqual([...outcomes.bytes], [bytesOf(bytes)])
            })
          }
        })

      if (!operations.includes('clone'))
        it('without their files where nothing can be cloned', async () => {
          const [dir, dest] = [source(), volume.fresh()]
          const tree = await packed(dir)
          const jobs = [tree.jobTo(at(dest, 't'))]
          const { complete, made, rows } = await host.placeTrees('clone', jobs, options)
          assert.equal(complete, false)
          assert.deepEqual([...(made ?? [])], [tree.allDirectories])
          const errnos = new Set(rows?.errnos)
          assert.ok(
            [...errnos].every((number) => cloneNeverHere.has(number)),
            String([...errnos]),
          )
          assert.equal(rows?.syscall(0), defaultHost.cloneSyscall)
          assertTree(
            `${dest}/t`,
            snapshot(dir).filter(({ type }) => type === 'directory'),
          )
        })
    })

    describe('are looked for', () => {
      let dir: string
      let dest: string
      let tree: PackedTree

      beforeEach(async () => {
        dir = source()
        dest = volume.fresh()
        tree = await packed(dir)
        const jobs = ['a', 'b', 'c'].map((name) => tree.jobTo(at(dest, name)))
        const { complete } = await host.placeTrees('copy', jobs, options)
        assert.ok(complete)
      })

      const identitiesIn = (to: string, paths: string): bigint[] =>
        paths
          .split('\0')
          .slice(0, -1)
          .flatMap((directory) => {
            const stats = fs.statSync(path.join(to, directory), { bigint: true })
            return [stats.dev, stats.ino, stats.mtimeNs, stats.ctimeNs]
          })

      /** Which of the three are there? What their directories are is told wherever they are. */
      const found = async (bytes: boolean): Promise<number[]> => {
        const jobs = ['a', 'b', 'c'].map((name) =>
          bytes ? tree.jobTo(at(dest, name)) : tree.directoriesTo(at(dest, name)),
        )
        const matches = await host.matchTrees(jobs, bytes)
        const { same, identities } = matches
        const length = tree.allDirectories * identityLength
        assert.equal(identities.length, length * jobs.length)
        for (const [index, name] of ['a', 'b', 'c'].entries()) {
          if (same[index] === 0) continue
          const own = identities.subarray(index * length, (index + 1) * length)
          const { paths } = jobs[index] ?? assert.fail()
          assert.deepEqual([...own], identitiesIn(path.join(dest, name), paths))
          assert.equal(matches.bytes[index], bytes ? specBytes : 0)
        }
        return [...same]
      }

      it('and found, with what their directories are', async () => {
        assert.deepEqual(await found(true), [1, 1, 1])
        assert.deepEqual(await found(false), [1, 1, 1])
      })

      it('and found as links to the same files', async () => {
        const job = tree.jobTo(at(dest, 'linked'))
        await host.placeTrees('hardlink', [job], options)
        const { same, bytes } = await host.matchTrees([job], true)
        assert.deepEqual([[...same], [...bytes]], [[1], [specBytes]])
      })

      it('and a part of one is found', async () => {
        for (const below of ['lib', 'lib/deep', 'lib/hollow', 'empty', 'tight']) {
          const part = subtree(tree, below)
          const job = part.jobTo(at(`${dest}/b`, below))
          const { same, bytes, identities } = await host.matchTrees([job], true)
          assert.deepEqual([[...same], [...bytes]], [[1], [part.allBytes]], below)
          const start = identitiesIn(`${dest}/b`, `${below}\0`)
          assert.deepEqual([...identities.subarray(0, identityLength)], start)
        }
        const elsewhere = subtree(tree, 'lib').jobTo(at(dest, 'b/tight'))
        assert.deepEqual([...(await host.matchTrees([elsewhere], true)).same], [0])
      })

      it('and found with other things besides', async () => {
        writeTree(`${dest}/b`, {
          ...{ more: 'more', 'lib/more/x': 'x', 'lib/link': { symlink: 'b' } },
          ...{ 'empty/fifo': { fifo: true }, 'lib/deep/é': '', 'tight/E.': '' },
        })
        assert.deepEqual(await found(true), [1, 1, 1])
      })

      it('and found with other modes of directories', async () => {
        fs.chmodSync(`${dest}/b/lib`, 0o700)
        fs.chmodSync(`${dest}/b/empty`, 0o777)
        assert.deepEqual(await found(true), [1, 1, 1])
      })

      it('but not with other permission bits of a file', async () => {
        fs.chmodSync(`${dest}/b/a.txt`, 0o444)
        assert.deepEqual(await found(true), [1, 0, 1])
      })

      it('nor, where files must be of their own, with a hard link of the source', async () => {
        const { same } = await host.matchTrees([tree.jobTo(at(dir))], true, true)
        assert.deepEqual([...same], [0])
        const linked = await host.matchTrees([tree.jobTo(at(dir))], true)
        assert.deepEqual([...linked.same], [1])
      })

      const onFiles: Record<string, (at: string) => void> = {
        'a file that is missing': (own) => {
          fs.rmSync(`${own}/lib/deep/c`)
        },
        'other bytes of the same size at the beginning': (own) => {
          fs.writeFileSync(`${own}/lib/b`, 'FOUR')
        },
        'other bytes of the same size at the end of a large file': (own) => {
          fs.writeFileSync(`${own}/lib/deep/d`, `${'d'.repeat(99_999)}e`)
        },
        'more bytes': (own) => {
          fs.appendFileSync(`${own}/a.txt`, 'more')
        },
        'fewer bytes': (own) => {
          fs.truncateSync(`${own}/lib/deep/d`, 99_999)
        },
        'bytes where there are none': (own) => {
          fs.chmodSync(`${own}/lib/deep/c`, 0o644)
          fs.writeFileSync(`${own}/lib/deep/c`, 'c')
        },
        'a file that may be executed': (own) => {
          fs.chmodSync(`${own}/lib/b`, 0o766)
        },
        'a file that may not be executed': (own) => {
          fs.chmodSync(`${own}/run`, 0o644)
        },
        'a file that not all may execute': (own) => {
          fs.chmodSync(`${own}/run`, 0o744)
        },
        'a symlink to an equal file': (own) => {
          fs.renameSync(`${own}/tight/e`, `${own}/tight/other`)
          fs.symlinkSync('other', `${own}/tight/e`)
        },
        'a directory in the place of a file': (own) => {
          fs.rmSync(`${own}/lib/b`)
          fs.mkdirSync(`${own}/lib/b`)
        },
        'a fifo in the place of a file': (own) => {
          fs.rmSync(`${own}/a.txt`)
          writeTree(own, { 'a.txt': { fifo: true } })
        },
        'a file in another case': (own) => {
          fs.renameSync(`${own}/lib/b`, `${own}/lib/B`)
        },
      }
      for (const [what, change] of Object.entries(onFiles))
        it(`and not found with ${what}`, async () => {
          change(`${dest}/b`)
          assert.deepEqual(await found(true), [1, 0, 1])
          assert.deepEqual(await found(false), [1, 1, 1])
        })

      const onDirectories: Record<string, (at: string) => void> = {
        'a directory that is missing': (own) => {
          fs.rmdirSync(`${own}/empty`)
        },
        'a deep directory that is missing': (own) => {
          fs.rmdirSync(`${own}/lib/hollow/in`)
        },
        'a symlink to a directory': (own) => {
          fs.renameSync(`${own}/lib/deep`, `${own}/lib/other`)
          fs.symlinkSync('other', `${own}/lib/deep`)
        },
        'a symlink to an empty directory': (own) => {
          fs.rmdirSync(`${own}/empty`)
          fs.symlinkSync('lib/hollow/in', `${own}/empty`)
        },
        'a file in the place of a directory': (own) => {
          fs.rmdirSync(`${own}/empty`)
          fs.writeFileSync(`${own}/empty`, '')
        },
        'a symlink in the place of all of it': (own) => {
          fs.renameSync(own, `${own}-other`)
          fs.symlinkSync(`${own}-other`, own)
        },
        'nothing there': (own) => {
          fs.renameSync(own, `${own}-other`)
        },
        'a directory in another case': (own) => {
          fs.renameSync(`${own}/empty`, `${own}/Empty`)
        },
      }
      for (const [what, change] of Object.entries(onDirectories))
        it(`and not found with ${what}`, async () => {
          change(`${dest}/b`)
          assert.deepEqual(await found(true), [1, 0, 1])
          assert.deepEqual(await found(false), [1, 0, 1])
        })

      it('and not found where a source is no longer what it was', async () => {
        fs.renameSync(`${dir}/lib/b`, `${dir}/lib/moved`)
        fs.symlinkSync('moved', `${dir}/lib/b`)
        assert.deepEqual(await found(true), [0, 0, 0])
        assert.deepEqual(await found(false), [1, 1, 1])
      })

      it('none of them, where there are none', async () => {
        const { same, bytes, identities } = await host.matchTrees([], true)
        assert.deepEqual([same.length, bytes.length, identities.length], [0, 0, 0])
      })
    })
  })

  describeOn(['tmpfs'], (volume) => {
    for (const sized of [true, false])
      it(`are too large with more than 16,384 entries, ${sized ? 'sized' : 'not sized'}`, async () => {
        const small = writeTree(volume.fresh(), spec)
        const large = makeEntries(volume.fresh(), 64, 255)
        const places = [at(small), at(large), at(small)]
        const most = await host.scanTrees(places, sized)
        assert.deepEqual([...most.found], [Plain, Plain, Plain])
        assertColumns(most, 1, large)
        fs.writeFileSync(path.join(large, 'one more'), '')
        const columns = await host.scanTrees(places, sized)
        assert.deepEqual([...columns.found], [Plain, Large, Plain])
        assertColumns(columns, 2, small)
        assertNothingElse(columns, [small, small])
        fs.rmSync(path.join(large, 'one more'))
        fs.mkdirSync(path.join(large, '0/more'))
        assert.equal((await host.scanTrees([at(large)], sized)).found[0], Large)
      })
  })

  it('are not read where their paths are longer than a string can be', async () => {
    const dir = freshDir()
    const { code, signal, stdout, stderr } = await runText(
      `
      const fs = require('node:fs')
      const { defaultHost } = require(${JSON.stringify(path.join(__dirname, '../../lib/host/index.ts'))})
      const [dir] = process.argv.slice(1)
      const name = 'd'.repeat(255)
      process.chdir(dir)
      // One by one: all of it is longer than a path may be.
      for (let depth = 0; depth < 2200; depth++) {
        fs.mkdirSync(name)
        process.chdir(name)
      }
      process.chdir('/')
      defaultHost.scanTrees([{ base: dir, path: '' }], false).then(({ found }) => {
        console.log(found[0])
      })`,
      [dir],
    )
    const ended = { code, signal, stdout }
    assert.deepEqual(ended, { code: 0, signal: null, stdout: `${String(Large)}\n` }, stderr)
  })

  describe('where case does not count', () => {
    /** The source has the executable bits that exfat gives to all. */
    const all = (names: readonly string[]): TreeSpec =>
      Object.fromEntries(names.map((name) => [name, { data: 'x', mode: 0o777 }]))

    const cases = [
      { what: 'a name without letters', wanted: ['1/2.3'], there: ['1/2.3'], same: 1 },
      { what: 'a name with letters', wanted: ['1/a2'], there: ['1/a2'], same: 0 },
      { what: 'a name in another case', wanted: ['1/a2'], there: ['1/A2'], same: 0 },
      { what: 'a later name with letters', wanted: ['1/2', '1/b'], there: ['1/2', '1/B'], same: 0 },
      { what: 'a directory in another case', wanted: ['lib/2'], there: ['LIB/2'], same: 0 },
      { what: 'a deep one in another case', wanted: ['1/lib/2'], there: ['1/Lib/2'], same: 0 },
    ]

    describeOn(['exfat'], (volume) => {
      for (const { what, wanted, there, same } of cases)
        it(`${same ? 'are' : 'are not'} found by ${what}`, async () => {
          const tree = await packed(writeTree(freshDir(), all(wanted)))
          const dest = writeTree(volume.fresh(), all(there))
          const matches = await host.matchTrees([tree.jobTo(at(dest))], true)
          assert.deepEqual([...matches.same], [same])
        })

      it('have no directory in another case', async () => {
        const tree = await packed(writeTree(freshDir(), all(['lib/2'])))
        const dest = writeTree(volume.fresh(), { 'LIB/': {} })
        const matches = await host.matchTrees([tree.directoriesTo(at(dest))], false)
        assert.deepEqual([...matches.same], [0])
      })
    })
  })
})

/** The files of a job, below where it begins, in its order. */
function filesOf(job: { paths: string; counts: Uint32Array; names: string }): string[] {
  const names = job.names.split('\0')
  return job.paths
    .split('\0')
    .slice(0, -1)
    .flatMap((directory, index) =>
      names.splice(0, job.counts[index]).map((name) => joinPath(directory, name)),
    )
}
