import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

import { errno } from '../../lib/errno'
import {
  Equality,
  identityLength,
  Kind,
  type Directory,
  type FileOptions,
  type Listing,
  type Outcomes,
  type PairJob,
  type Place,
} from '../../lib/host/host'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { codeOf, failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'
import { withUmask } from '../support/umask'

const plain: FileOptions = { writable: false, times: false, inKernelCopy: false }

/** `code syscall` of each name; `ok` for success. */
function told({ errnos, syscall }: Outcomes): string[] {
  return [...errnos].map((number, index) =>
    number === 0 ? 'ok' : `${codeOf(number)} ${syscall(index)}`,
  )
}

const at = (base: Directory | string, below = ''): Place => ({ base, path: below })

/** Names that are none, whatever lies there. */
const noNames = [
  ...['', '.', '..', '/', 'a/b', 'a/', '/a', '../x', 'a\0b', '\0', 'a\\b'],
  ...['n'.repeat(256), 'é'.repeat(128), 'a\ud800'],
]

describe('host', () => {
  onBothHosts((host) => {
    const native = host.kind === 'native'

    /** The operations on pairs that make something new, each on one name. */
    const makers: Record<string, (jobs: readonly PairJob[]) => Promise<Outcomes>> = {
      clone: (jobs) => host.clone(jobs, plain),
      hardlink: (jobs) => host.hardlink(jobs),
      copy: (jobs) => host.copy(jobs, plain),
      'rename without replacing': (jobs) => host.rename(jobs, false),
      'rename with replacing': (jobs) => host.rename(jobs, true),
    }

    let dir = ''
    const opened: Directory[] = []
    const in_ = (name: string): string => path.join(dir, name)
    const pair = (from: string, to: string, name = '', toName = name): PairJob[] => [
      { from: at(dir, from), to: at(dir, to), names: [name], toNames: [toName] },
    ]

    async function open(place: Place): Promise<Directory> {
      const directory = await host.open(place)
      opened.push(directory)
      return directory
    }

    async function listOne(place: Place): Promise<Listing> {
      const [listing] = await host.list([place])
      assert.ok(listing)
      return listing
    }

    beforeEach(() => {
      dir = freshDir()
    })

    afterEach(async () => {
      for (const directory of opened.splice(0)) await host.close(directory)
    })

    describe('open', () => {
      it('opens a directory, also through a symlink at the start, and tells its inode', async () => {
        writeTree(dir, { 'real/deep/': {}, link: { symlink: 'real' } })
        const direct = await open(at(in_('real')))
        const through = await open(at(in_('link')))
        const below = await open(at(direct, 'deep'))
        assert.equal(direct.path, in_('real'))
        assert.equal(below.path, in_('real/deep'))
        assert.equal(through.identity, direct.identity)
        assert.notEqual(below.identity, direct.identity)
        assert.ok(fs.fstatSync(below.fd).isDirectory())
      })

      it('closes what it opened', async () => {
        const { fd } = await host.open(at(dir)).then(async (directory) => {
          await host.close(directory)
          return directory
        })
        assert.throws(() => fs.fstatSync(fd), { code: 'EBADF' })
      })

      it('rejects with errno, syscall and path', async () => {
        writeTree(dir, {
          file: '',
          fifo: { fifo: true },
          'real/in/': {},
          link: { symlink: 'real' },
        })
        const failed = async (place: Place, codes: readonly string[]): Promise<void> => {
          const { code = '', syscall, errno: number, path: told } = await failureOf(open(place))
          assert.ok(codes.includes(code), code)
          assert.equal(number, -errno[code as 'ENOENT'])
          assert.equal(syscall, 'open')
          assert.equal(
            told,
            typeof place.base === 'string' ? path.join(place.base, place.path) : '',
          )
        }
        await failed(at(in_('none')), ['ENOENT'])
        await failed(at(dir, 'none'), ['ENOENT'])
        await failed(at(in_('file')), ['ENOTDIR'])
        await failed(at(dir, 'file'), ['ENOTDIR'])
        await failed(at(dir, 'file/x'), ['ENOTDIR'])
        await failed(at(dir, 'fifo'), ['ENOTDIR'])
        // With O_DIRECTORY Linux tells ENOTDIR for a symlink that it is not to follow.
        await failed(at(dir, 'link'), ['ELOOP', 'ENOTDIR'])
        if (native) await failed(at(dir, 'link/in'), ['ELOOP', 'ENOTDIR'])
      })

      if (native)
        it('refuses a place with what is no name in it', async () => {
          writeTree(dir, { 'a/b/': {} })
          for (const place of ['..', 'a/..', 'a//b', '/a', 'a/', './a', 'a\0', 'n'.repeat(256)])
            assert.equal((await failureOf(open(at(dir, place)))).code, 'EINVAL', place)
        })
    })

    describe('tryLock', () => {
      if (native) {
        it('gives the lock to one of two descriptors, until it is closed', async () => {
          const one = await host.open(at(dir))
          const other = await open(at(dir))
          assert.equal(host.tryLock(one), 0)
          assert.equal(host.tryLock(one), 0)
          assert.equal(host.tryLock(other), errno.EWOULDBLOCK)
          await host.close(one)
          assert.equal(host.tryLock(other), 0)
        })

        it('tells EBADF for a descriptor that is closed', async () => {
          const one = await host.open(at(dir))
          await host.close(one)
          assert.equal(host.tryLock(one), errno.EBADF)
        })
      } else {
        it('tells ENOSYS', async () => {
          assert.equal(host.tryLock(await open(at(dir))), errno.ENOSYS)
        })
      }
    })

    describe('list', () => {
      it('tells names, kinds, modes, sizes and texts of symlinks', async () => {
        writeTree(dir, {
          'd/sub/': { dir: true, mode: 0o751 },
          'd/file': { data: '12345', mode: 0o640 },
          'd/set-id': { data: '', mode: 0o4755 },
          'd/link-1': { symlink: '../nowhere' },
          'd/fifo': { fifo: true, mode: 0o600 },
          'd/link-2': { symlink: 'file' },
          'd/': { dir: true, mode: 0o2750 },
        })
        const listing = await listOne(at(dir, 'd'))
        assert.deepEqual([listing.errno, listing.failedName, listing.notUtf8], [0, '', []])
        assert.equal(listing.mode, 0o2750)
        assert.equal(listing.device, fs.statSync(dir).dev)
        const entries = listing.names.map((name, index) => [
          name,
          listing.kinds[index],
          listing.kinds[index] === Kind.Symlink ? 'text' : listing.modes[index],
          listing.kinds[index] === Kind.File ? listing.sizes[index] : 0,
          listing.targets.get(index),
        ])
        assert.deepEqual(entries.sort(), [
          ['fifo', Kind.Other, 0o600, 0, undefined],
          ['file', Kind.File, 0o640, 5, undefined],
          ['link-1', Kind.Symlink, 'text', 0, '../nowhere'],
          ['link-2', Kind.Symlink, 'text', 0, 'file'],
          ['set-id', Kind.File, 0o4755, 0, undefined],
          ['sub', Kind.Directory, 0o751, 0, undefined],
        ])
      })

      it('lists an open directory, and one below it', async () => {
        writeTree(dir, { 'a/b/c': '' })
        const base = await open(at(dir))
        const listings = await host.list([at(base), at(base, 'a'), at(base, 'a/b')])
        assert.deepEqual(
          listings.map(({ names }) => names),
          [['a'], ['b'], ['c']],
        )
        // Reading does not use up the open directory.
        assert.deepEqual((await listOne(at(base))).names, ['a'])
      })

      it('follows a symlink at the start of a place', async () => {
        writeTree(dir, { 'real/x': '', link: { symlink: 'real' } })
        assert.deepEqual((await listOne(at(in_('link')))).names, ['x'])
      })

      it('tells names that are not UTF-8 apart', async () => {
        fs.writeFileSync(Buffer.from(in_('caf\xe9'), 'latin1'), '')
        fs.writeFileSync(in_('café'), '')
        const { names, notUtf8, kinds } = await listOne(at(dir))
        assert.deepEqual([names, notUtf8, [...kinds]], [['café'], ['caf\ufffd'], [Kind.File]])
      })

      it('tells an empty directory, and a fifo or file in its place', async () => {
        writeTree(dir, { 'empty/': {}, file: '', fifo: { fifo: true }, link: { symlink: 'empty' } })
        const places = ['empty', 'file', 'fifo', 'none', 'file/x', 'link'].map((name) =>
          at(dir, name),
        )
        const listings = await host.list(places)
        assert.deepEqual(
          listings.map((each) => [codeOf(each.errno), each.syscall, each.names, each.failedName]),
          [
            ['', '', [], ''],
            ['ENOTDIR', 'open', [], ''],
            ['ENOTDIR', 'open', [], ''],
            ['ENOENT', 'open', [], ''],
            ['ENOTDIR', 'open', [], ''],
            ['ENOTDIR', 'open', [], ''],
          ],
        )
      })

      if (native)
        it('follows no symlink in the middle of a place', async () => {
          writeTree(dir, { 'real/in/x': '', link: { symlink: 'real' } })
          const { errno: number, names } = await listOne(at(dir, 'link/in'))
          assert.deepEqual([codeOf(number), names], ['ENOTDIR', []])
        })

      it('lists nothing for no places', async () => {
        assert.deepEqual(await host.list([]), [])
      })
    })

    describe('stat', () => {
      it('tells columns, texts and identities in the order of the names', async () => {
        writeTree(dir, {
          'a/file': { data: '123', mode: 0o600 },
          'a/l-2': { symlink: 'two' },
          'a/l-1': { symlink: 'one' },
          'b/l-3': { symlink: 'three' },
          'b/dir/': { dir: true, mode: 0o1777 },
        })
        const stats = await host.stat([
          { to: at(dir, 'a'), names: ['l-1', 'none', 'file', 'l-2'] },
          { to: at(dir, 'b'), names: [] },
          { to: at(dir, 'b'), names: ['dir', 'l-3'] },
        ])
        assert.deepEqual(told(stats), ['ok', 'ok', 'ok', 'ok', 'ok', 'ok'])
        const { Missing, File, Directory, Symlink } = Kind
        assert.deepEqual([...stats.kinds], [Symlink, Missing, File, Symlink, Directory, Symlink])
        assert.deepEqual(
          [...stats.targets].sort(([a], [b]) => a - b),
          [
            [0, 'one'],
            [3, 'two'],
            [5, 'three'],
          ],
        )
        assert.deepEqual([stats.modes[2], stats.modes[4], stats.sizes[2]], [0o600, 0o1777, 3])
        const identities = ['a/l-1', '', 'a/file', 'a/l-2', 'b/dir', 'b/l-3'].flatMap((name) => {
          if (name === '') return [0n, 0n, 0n, 0n]
          const { dev, ino, mtimeNs, ctimeNs } = fs.lstatSync(in_(name), { bigint: true })
          return [dev, ino, mtimeNs, ctimeNs]
        })
        assert.equal(stats.identities.length, 6 * identityLength)
        assert.deepEqual([...stats.identities], identities)
      })

      it('tells what stands in the place of the directory', async () => {
        writeTree(dir, { file: '' })
        const stats = await host.stat([{ to: at(dir, 'file'), names: ['x'] }])
        assert.deepEqual(told(stats), [native ? 'ENOTDIR open' : 'ENOTDIR fstat'])
      })

      if (native) {
        it('tells a directory that is missing apart from a missing entry', async () => {
          const stats = await host.stat([{ to: at(dir, 'none'), names: ['x', 'y'] }])
          assert.deepEqual(told(stats), ['ENOENT open', 'ENOENT open'])
          assert.equal(stats.identities.length, 2 * identityLength)
        })

        it('follows no symlink on the way', async () => {
          writeTree(dir, { 'real/in/x': '', link: { symlink: 'real' } })
          const stats = await host.stat([
            { to: at(dir, 'link'), names: ['in'] },
            { to: at(dir, 'link/in'), names: ['x'] },
          ])
          assert.deepEqual(told(stats), ['ENOTDIR open', 'ENOTDIR open'])
        })
      }
    })

    describe('compare', () => {
      const data = Buffer.alloc(200_000, 'data')
      const other = Buffer.from(data)
      other[data.length - 1] = 0

      const answer = async (a: string, b: string): Promise<string> => {
        const result = await host.compare(pair('', '', a, b))
        const [one = ''] = told(result)
        if (one !== 'ok') return one
        const [name = ''] =
          Object.entries(Equality).find(([, number]) => number === result.equal[0]) ?? []
        return name
      }

      it('tells equal bytes, other bytes, other sizes, empty files and one inode', async () => {
        writeTree(dir, {
          a: data,
          same: data,
          link: { hardlink: 'a' },
          other,
          longer: Buffer.concat([data, Buffer.from('x')]),
          empty: '',
          'empty too': '',
        })
        assert.equal(await answer('a', 'a'), 'SameFile')
        assert.equal(await answer('a', 'link'), 'SameFile')
        assert.equal(await answer('a', 'same'), 'SameBytes')
        assert.equal(await answer('a', 'other'), 'Differ')
        assert.equal(await answer('a', 'longer'), 'Differ')
        assert.equal(await answer('longer', 'a'), 'Differ')
        assert.equal(await answer('a', 'empty'), 'Differ')
        assert.equal(await answer('empty', 'empty too'), 'SameBytes')
      })

      it('compares regular files only, without waiting and without following', async () => {
        writeTree(dir, {
          a: '',
          'd/': {},
          fifo: { fifo: true },
          link: { symlink: 'a' },
          file: '',
        })
        for (const [name, code] of [
          ['none', 'ENOENT'],
          ['d', 'EISDIR'],
          ['fifo', 'EINVAL'],
          ['link', 'ELOOP'],
        ] as const) {
          assert.equal(await answer('a', name), `${code} open`)
          assert.equal(await answer(name, 'a'), `${code} open`)
        }
      })
    })

    for (const [what, make] of Object.entries(makers))
      describe(`${what}: names and places`, () => {
        it('refuses what is no name, and does the others', async () => {
          const names = noNames.flatMap((_, index) => [`good-${String(index)}`])
          writeTree(dir, Object.fromEntries(names.map((name) => [`from/${name}`, 'x'])))
          writeTree(dir, { 'to/': {}, 'from/a/b': '', x: 'x' })
          const before = snapshot(dir)
          const places = { from: at(dir, 'from'), to: at(dir, 'to') }
          const badTo = await make([{ ...places, names, toNames: noNames }])
          assert.deepEqual(
            told(badTo),
            noNames.map(() => 'EINVAL name'),
          )
          const badFrom = await make([{ ...places, names: noNames, toNames: names }])
          assert.deepEqual(
            told(badFrom),
            noNames.map(() => 'EINVAL name'),
          )
          for (const name of noNames) {
            const alone = await make([{ ...places, names: ['good-0'], toNames: [name] }])
            assert.deepEqual(told(alone), ['EINVAL name'], JSON.stringify(name))
            const same = await make([{ ...places, names: [name] }])
            assert.deepEqual(told(same), ['EINVAL name'], JSON.stringify(name))
          }
          assertTree(dir, before)
        })

        it('does nothing for no jobs and for jobs without names', async () => {
          const job = { from: at(dir), to: at(dir), names: [] }
          assert.equal((await make([])).errnos.length, 0)
          assert.equal((await make([job, job])).errnos.length, 0)
        })

        it('tells ENOENT where either directory is missing', async () => {
          writeTree(dir, { 'from/a': 'a' })
          const missingTo = await make(pair('from', 'none', 'a'))
          const missingFrom = await make(pair('none', 'from', 'a', 'b'))
          for (const result of [missingTo, missingFrom]) {
            assert.equal(result.errnos[0], errno.ENOENT)
            if (native) assert.equal(result.syscall(0), 'open')
          }
        })

        if (native)
          it('follows no symlink on the way to a directory', async () => {
            writeTree(dir, { 'real/deep/a': 'a', link: { symlink: 'real' }, 'to/': {} })
            const before = snapshot(dir)
            for (const [from, to] of [
              ['link/deep', 'to'],
              ['real/deep', 'link'],
              ['real/deep', 'link/deep'],
            ] as const) {
              assert.deepEqual(told(await make(pair(from, to, 'a', 'b'))), ['ENOTDIR open'])
            }
            assertTree(dir, before)
          })
      })

    /** What clone and copy share; clone where the file system can. */
    function makesFiles(
      make: (jobs: readonly PairJob[], options: FileOptions) => Promise<Outcomes>,
    ) {
      const one = (from: string, to: string, options = plain): Promise<Outcomes> =>
        make(pair('', '', from, to), options)

      it('makes whole files of every size, and leaves the source as it was', async () => {
        const sizes = [0, 1, 4095, 4096, 4097, 131_072, 131_073, 1_000_001]
        const spec = sizes.map(
          (size) => [`from/${String(size)}`, Buffer.alloc(size, 'abc')] as const,
        )
        writeTree(dir, { ...Object.fromEntries(spec), 'to/': {} })
        const before = snapshot(in_('from'))
        const job = { from: at(dir, 'from'), to: at(dir, 'to'), names: sizes.map(String) }
        for (const inKernelCopy of [false, true]) {
          const result = await make([job], { ...plain, inKernelCopy })
          assert.deepEqual(
            told(result),
            sizes.map(() => 'ok'),
          )
          assertTree(in_('to'), before)
          assertTree(in_('from'), before)
          await host.unlink([job])
        }
      })

      it('keeps what holes read as', async () => {
        const file = fs.openSync(in_('holes'), 'wx', 0o644)
        fs.writeSync(file, 'begin', 0)
        fs.writeSync(file, 'middle', 500_000)
        fs.ftruncateSync(file, 1_000_000)
        fs.closeSync(file)
        for (const inKernelCopy of [false, true]) {
          const to = `copy-${String(inKernelCopy)}`
          assert.deepEqual(told(await one('holes', to, { ...plain, inKernelCopy })), ['ok'])
          assert.ok(fs.readFileSync(in_(to)).equals(fs.readFileSync(in_('holes'))))
        }
      })

      it("gives the source's permission bits and no others, whatever the umask", async () => {
        // Who is not root cannot read a source that nobody may.
        const modes = [0o644, 0o777, 0o400, 0o000, 0o4755, 0o2775, 0o6711, 0o1666].filter(
          (mode) => mode !== 0 || process.getuid?.() === 0,
        )
        writeTree(
          dir,
          Object.fromEntries(
            modes.map((mode) => [`from/${mode.toString(8)}`, { data: 'x', mode }]),
          ),
        )
        for (const mask of [0o000, 0o022, 0o077, 0o277])
          for (const writable of [false, true]) {
            const to = `to-${mask.toString(8)}-${String(writable)}`
            fs.mkdirSync(in_(to), { recursive: true })
            fs.chmodSync(in_(to), 0o755)
            const names = modes.map((mode) => mode.toString(8))
            const job = { from: at(dir, 'from'), to: at(dir, to), names }
            const result = await withUmask(mask, () => make([job], { ...plain, writable }))
            assert.deepEqual(
              told(result),
              modes.map(() => 'ok'),
            )
            const got = names.map((name) => fs.statSync(path.join(dir, to, name)).mode & 0o7777)
            assert.deepEqual(
              got,
              modes.map((mode) => (mode & 0o777) | (writable ? 0o200 : 0)),
            )
          }
      })

      it('keeps atime and mtime where it is told to', async () => {
        writeTree(dir, { a: 'a' })
        const [atime, mtime] = [1_234_567_890.123, 987_654_321.987]
        fs.utimesSync(in_('a'), atime, mtime)
        const stat = (name: string): fs.BigIntStats => fs.statSync(in_(name), { bigint: true })
        // Before the copies: reading the source gives it a new atime.
        const from = stat('a')
        assert.deepEqual(told(await one('a', 'kept', { ...plain, times: true })), ['ok'])
        assert.deepEqual(told(await one('a', 'new')), ['ok'])
        const kept = stat('kept')
        // Node's own call takes seconds as a floating-point number; up to Node 22 it cuts them to microseconds.
        const slack = native ? 0n : 2000n
        for (const time of ['atimeNs', 'mtimeNs'] as const) {
          const off = kept[time] - from[time]
          assert.ok(-slack <= off && off <= slack, `${time} is off by ${String(off)} ns`)
        }
        assert.ok(stat('new').mtimeMs > Date.parse('2020-01-01'))
      })

      it('tells EEXIST where the name is taken, and touches nothing', async () => {
        writeTree(dir, {
          a: 'new',
          file: 'old',
          'dir/in': '',
          dangling: { symlink: 'nowhere' },
          link: { symlink: 'file' },
        })
        const before = snapshot(dir)
        for (const taken of ['file', 'dir', 'dangling', 'link', 'a']) {
          const { errnos } = await one('a', taken)
          assert.deepEqual([...errnos], [errno.EEXIST], taken)
        }
        assertTree(dir, before)
      })

      it('reads regular files only, without waiting and without following', async () => {
        writeTree(dir, { 'd/': {}, fifo: { fifo: true }, link: { symlink: 'file' }, file: 'x' })
        const server = net.createServer()
        await new Promise<void>((resolve) => server.listen(in_('socket'), resolve))
        const before = snapshot(dir)
        const outcome = async (name: string): Promise<string | undefined> =>
          told(await one(name, 'made'))[0]
        try {
          assert.equal(await outcome('none'), 'ENOENT open')
          assert.equal(await outcome('d'), 'EISDIR open')
          assert.equal(await outcome('fifo'), 'EINVAL open')
          assert.equal(await outcome('link'), 'ELOOP open')
          assert.equal(await outcome('socket'), 'ENXIO open')
          assertTree(dir, before)
        } finally {
          server.close()
        }
      })

      it('gives outcomes in the order of the names over several jobs', async () => {
        writeTree(dir, { 'a/1': 'x', 'a/2': 'x', 'b/1': 'x', 'to/2': 'taken', 'to2/': {} })
        const jobs = [
          { from: at(dir, 'a'), to: at(dir, 'to'), names: ['1', 'none', '2'] },
          { from: at(dir, 'none'), to: at(dir, 'to'), names: ['1', '2'] },
          { from: at(dir, 'b'), to: at(dir, 'to2'), names: ['none', '..', '1'] },
        ]
        const { errnos } = await make(jobs, plain)
        assert.deepEqual([...errnos].map(codeOf), [
          '',
          'ENOENT',
          'EEXIST',
          'ENOENT',
          'ENOENT',
          'ENOENT',
          'EINVAL',
          '',
        ])
        assert.deepEqual(fs.readdirSync(in_('to')).sort(), ['1', '2'])
        assert.deepEqual(fs.readdirSync(in_('to2')), ['1'])
      })

      it('makes files below open directories', async () => {
        writeTree(dir, { 'from/in/a': 'a', 'to/in/': {} })
        const from = await open(at(in_('from')))
        const to = await open(at(in_('to')))
        const job = { from: at(from, 'in'), to: at(to, 'in'), names: ['a'], toNames: ['b'] }
        assert.deepEqual(told(await make([job], plain)), ['ok'])
        assert.equal(fs.readFileSync(in_('to/in/b'), 'utf8'), 'a')
      })
    }

    describe('copy', () => {
      makesFiles((jobs, options) => host.copy(jobs, options))

      it('makes a file of its own', async () => {
        writeTree(dir, { a: 'a' })
        assert.deepEqual(told(await host.copy(pair('', '', 'a', 'b'), plain)), ['ok'])
        assert.equal(fs.statSync(in_('a')).nlink, 1)
        assert.notEqual(fs.statSync(in_('a')).ino, fs.statSync(in_('b')).ino)
      })
    })

    describe('clone', () => {
      describeOn(['btrfs'], (volume) => {
        beforeEach(() => {
          dir = volume.fresh()
        })

        makesFiles((jobs, options) => host.clone(jobs, options))

        it('tells EXDEV for another file system, and leaves nothing', async () => {
          writeTree(dir, { a: 'a' })
          const elsewhere = freshDir()
          const job = { from: at(dir), to: at(elsewhere), names: ['a'] }
          assert.deepEqual(told(await host.clone([job], plain)), [`EXDEV ${host.cloneSyscall}`])
          assert.deepEqual(fs.readdirSync(elsewhere), [])
        })
      })

      it('tells EOPNOTSUPP where the file system cannot, and leaves nothing', async () => {
        writeTree(dir, { a: 'a', empty: '' })
        const jobs = [...pair('', '', 'a', 'b'), ...pair('', '', 'empty', 'c')]
        const expected = `EOPNOTSUPP ${host.cloneSyscall}`
        assert.deepEqual(told(await host.clone(jobs, plain)), [expected, expected])
        assert.deepEqual(fs.readdirSync(dir).sort(), ['a', 'empty'])
      })
    })

    describe('hardlink', () => {
      it('gives one inode two names', async () => {
        writeTree(dir, { a: 'a' })
        assert.deepEqual(told(await host.hardlink(pair('', '', 'a', 'b'))), ['ok'])
        assert.equal(fs.statSync(in_('a')).ino, fs.statSync(in_('b')).ino)
      })

      it('links a symlink itself', async () => {
        writeTree(dir, { file: 'x', link: { symlink: 'file' } })
        assert.deepEqual(told(await host.hardlink(pair('', '', 'link', 'second'))), ['ok'])
        assert.equal(fs.readlinkSync(in_('second')), 'file')
        assert.equal(fs.statSync(in_('file')).nlink, 1)
      })

      it('tells what the system says', async () => {
        writeTree(dir, { a: 'a', taken: 'old', 'd/': {} })
        const outcome = async (from: string, to: string): Promise<string | undefined> =>
          told(await host.hardlink(pair('', '', from, to)))[0]
        assert.equal(await outcome('none', 'new'), 'ENOENT link')
        assert.equal(await outcome('a', 'taken'), 'EEXIST link')
        assert.equal(await outcome('d', 'new'), 'EPERM link')
        assert.equal(fs.readFileSync(in_('taken'), 'utf8'), 'old')
      })

      describeOn(['btrfs'], (volume) => {
        it('tells EXDEV for another file system', async () => {
          writeTree(dir, { a: 'a' })
          const job = { from: at(dir), to: at(volume.fresh()), names: ['a'] }
          assert.deepEqual(told(await host.hardlink([job])), ['EXDEV link'])
          const rename = told(await host.rename([job], false))
          assert.deepEqual(rename, ['EXDEV rename'])
        })
      })
    })

    describe('symlink', () => {
      it('keeps the text as it is', async () => {
        const targets = ['a', '../..', '/abs/', 'a//b', '.', ' ', 'ümlaut', 'x'.repeat(4000)]
        const names = targets.map((_, index) => String(index))
        const result = await host.symlink([{ to: at(dir), names, targets }])
        assert.deepEqual(
          told(result),
          targets.map(() => 'ok'),
        )
        assert.deepEqual(
          names.map((name) => fs.readlinkSync(in_(name))),
          targets,
        )
      })

      it('tells what the system says, in the order of the names', async () => {
        writeTree(dir, { taken: 'old' })
        const jobs = [
          { to: at(dir), names: ['taken', 'new', 'empty'], targets: ['x', 'y', ''] },
          { to: at(dir), names: ['alone'], targets: [''] },
          { to: at(dir), names: ['..', 'a/b'], targets: ['x', 'x'] },
          { to: at(dir), names: [], targets: [] },
          { to: at(dir, 'none'), names: ['x'], targets: ['y'] },
        ]
        const { errnos, syscall } = await host.symlink(jobs)
        assert.deepEqual([...errnos].map(codeOf), [
          'EEXIST',
          '',
          'ENOENT',
          'ENOENT',
          'EINVAL',
          'EINVAL',
          'ENOENT',
        ])
        assert.deepEqual([0, 2, 3, 4].map(syscall), ['symlink', 'symlink', 'symlink', 'name'])
        assert.deepEqual(fs.readdirSync(dir).sort(), ['new', 'taken'])
      })

      it('refuses what is no name', async () => {
        for (const name of noNames) {
          const result = await host.symlink([{ to: at(dir), names: [name], targets: ['x'] }])
          assert.deepEqual(told(result), ['EINVAL name'], JSON.stringify(name))
        }
        assert.deepEqual(fs.readdirSync(dir), [])
      })
    })

    describe('mkdir', () => {
      const modes = [0o755, 0o700, 0o777, 0o555, 0o711]
      const make = (exact: boolean): Promise<Outcomes> =>
        host.mkdir(
          [{ to: at(dir), names: modes.map(String), modes: Uint32Array.from(modes) }],
          exact,
        )
      const made = (): number[] => modes.map((mode) => fs.statSync(in_(String(mode))).mode & 0o7777)

      it('gives the modes exactly, whatever the umask', async () => {
        const result = await withUmask(0o077, () => make(true))
        assert.deepEqual(
          told(result),
          modes.map(() => 'ok'),
        )
        assert.deepEqual(made(), modes)
      })

      it('lets the umask have its way otherwise', async () => {
        await withUmask(0o027, () => make(false))
        assert.deepEqual(
          made(),
          modes.map((mode) => mode & ~0o027),
        )
      })

      it('tells what the system says', async () => {
        writeTree(dir, { 'd/in': '', file: '', link: { symlink: 'nowhere' } })
        const before = snapshot(dir)
        for (const exact of [false, true]) {
          const names = ['d', 'file', 'link', '..', '']
          const result = await host.mkdir([{ to: at(dir), names }], exact)
          const expected = [
            ...['EEXIST mkdir', 'EEXIST mkdir', 'EEXIST mkdir'],
            ...['EINVAL name', 'EINVAL name'],
          ]
          assert.deepEqual(told(result), expected)
          const { errnos } = await host.mkdir([{ to: at(dir, 'none'), names: ['x'] }], exact)
          assert.deepEqual([...errnos], [errno.ENOENT])
        }
        assertTree(dir, before)
      })
    })

    describe('chmod', () => {
      const chmod = (name: string, mode: number): Promise<Outcomes> =>
        host.chmod([{ to: at(dir), names: [name], modes: Uint32Array.of(mode) }])

      it('sets the mode of a directory', async () => {
        writeTree(dir, { 'd/': {} })
        // Nothing last: who is not root could not open the directory again.
        for (const mode of [0o700, 0o555, 0o777, 0o000]) {
          assert.deepEqual(told(await chmod('d', mode)), ['ok'])
          assert.equal(fs.statSync(in_('d')).mode & 0o7777, mode)
        }
      })

      it('is for directories only, and follows nothing', async () => {
        writeTree(dir, {
          file: '',
          'd/': {},
          link: { symlink: 'd' },
          'to-file': { symlink: 'file' },
        })
        const before = snapshot(dir)
        for (const name of ['file', 'link', 'to-file']) {
          const { errnos } = await chmod(name, 0o700)
          assert.notEqual(errnos[0], 0, name)
        }
        assertTree(dir, before)
      })

      it('tells what the system says', async () => {
        assert.equal((await chmod('none', 0o700)).errnos[0], errno.ENOENT)
        for (const name of noNames)
          assert.deepEqual(told(await chmod(name, 0o700)), ['EINVAL name'], JSON.stringify(name))
      })
    })

    describe('copyTimes', () => {
      it('gives directories and symlinks the times of others', async () => {
        writeTree(dir, { 'from/d/': {}, 'to/d/': {} })
        fs.symlinkSync('nowhere', in_('from/l'))
        fs.symlinkSync('nowhere', in_('to/l'))
        for (const name of ['d', 'l'])
          fs.lutimesSync(in_(`from/${name}`), 1_000_000_000.5, 1_100_000_000.25)
        const job = { from: at(dir, 'from'), to: at(dir, 'to'), names: ['d', 'l'] }
        assert.deepEqual(told(await host.copyTimes([job])), ['ok', 'ok'])
        for (const name of ['d', 'l']) {
          const { atimeMs, mtimeMs } = fs.lstatSync(in_(`to/${name}`))
          assert.deepEqual([atimeMs, mtimeMs], [1_000_000_000_500, 1_100_000_000_250])
        }
      })

      it('tells what the system says', async () => {
        writeTree(dir, { 'd/': {} })
        const { errnos } = await host.copyTimes([
          ...pair('', '', 'none', 'd'),
          ...pair('', '', 'd', 'none'),
          ...pair('', '', 'd', '..'),
        ])
        assert.deepEqual([...errnos].map(codeOf), ['ENOENT', 'ENOENT', 'EINVAL'])
      })
    })

    describe('rename', () => {
      const taken = {
        file: 'old',
        'empty/': {},
        'full/in': 'old',
        link: { symlink: 'file' },
        dangling: { symlink: 'nowhere' },
      }

      it('moves files, directories and symlinks to free names', async () => {
        for (const replace of [false, true]) {
          const base = `base-${String(replace)}`
          writeTree(dir, {
            [`${base}/from/f`]: 'f',
            [`${base}/from/d/in`]: 'in',
            [`${base}/from/l`]: { symlink: 'nowhere' },
            [`${base}/to/`]: {},
          })
          const before = snapshot(in_(`${base}/from`))
          const job = { from: at(dir, `${base}/from`), to: at(dir, `${base}/to`) }
          const result = await host.rename([{ ...job, names: ['f', 'd', 'l'] }], replace)
          assert.deepEqual(told(result), ['ok', 'ok', 'ok'])
          assertTree(in_(`${base}/to`), before)
          assert.deepEqual(fs.readdirSync(in_(`${base}/from`)), [])
        }
      })

      it('replaces nothing unless told to: EEXIST', async () => {
        writeTree(dir, { ...taken, 'from/f': 'new', 'from/d/x': 'new', 'from/l': { symlink: 'x' } })
        const before = snapshot(dir)
        for (const name of ['f', 'd', 'l'])
          for (const to of ['file', 'empty', 'full', 'link', 'dangling'])
            assert.deepEqual(
              told(await host.rename(pair('from', '', name, to), false)),
              ['EEXIST rename'],
              `${name} to ${to}`,
            )
        assertTree(dir, before)
      })

      it('replaces files and symlinks, never what they lead to', async () => {
        writeTree(dir, { ...taken, 'from/1': 'new', 'from/2': 'new', 'from/3': { symlink: 'x' } })
        const job = { from: at(dir, 'from'), to: at(dir), names: ['1', '2', '3'] }
        const toNames = ['link', 'dangling', 'file']
        assert.deepEqual(told(await host.rename([{ ...job, toNames }], true)), ['ok', 'ok', 'ok'])
        assert.equal(fs.readFileSync(in_('link'), 'utf8'), 'new')
        assert.equal(fs.readFileSync(in_('dangling'), 'utf8'), 'new')
        assert.equal(fs.readlinkSync(in_('file')), 'x')
      })

      it('tells what the system says', async () => {
        writeTree(dir, { ...taken, 'from/f': '', 'from/d/x': '' })
        const outcome = async (from: string, to: string, replace: boolean): Promise<string> =>
          told(await host.rename(pair('from', '', from, to), replace))[0] ?? ''
        assert.equal(await outcome('none', 'new', true), 'ENOENT rename')
        assert.equal(await outcome('none', 'new', false), 'ENOENT rename')
        assert.equal(await outcome('f', 'empty', true), 'EISDIR rename')
        assert.equal(await outcome('d', 'file', true), 'ENOTDIR rename')
        assert.match(await outcome('d', 'full', true), /^(ENOTEMPTY|EEXIST) rename$/)
        assert.equal(await outcome('d', 'from', true), 'ENOTEMPTY rename')
      })

      it('goes on after one that failed', async () => {
        writeTree(dir, { 'from/a': 'a', 'from/b': 'b', 'from/c': 'c', 'to/b': 'old' })
        const job = { from: at(dir, 'from'), to: at(dir, 'to'), names: ['a', 'b', 'c', 'd'] }
        const { errnos } = await host.rename([job], false)
        assert.deepEqual([...errnos].map(codeOf), ['', 'EEXIST', '', 'ENOENT'])
        assert.deepEqual(fs.readdirSync(in_('from')), ['b'])
      })
    })

    describe('unlink', () => {
      it('removes files and symlinks, not what they lead to', async () => {
        writeTree(dir, { a: '', keep: '', link: { symlink: 'keep' }, fifo: { fifo: true } })
        const result = await host.unlink([{ to: at(dir), names: ['a', 'link', 'fifo'] }])
        assert.deepEqual(told(result), ['ok', 'ok', 'ok'])
        assert.deepEqual(fs.readdirSync(dir), ['keep'])
      })

      it('tells what the system says', async () => {
        writeTree(dir, { 'd/in': '', 'to-d': { symlink: 'd' } })
        const names = ['none', 'd']
        const result = await host.unlink([{ to: at(dir), names }])
        assert.deepEqual(told(result), ['ENOENT unlink', 'EISDIR unlink'])
        assert.deepEqual(fs.readdirSync(dir).sort(), ['d', 'to-d'])
        for (const name of noNames) {
          const bad = await host.unlink([{ to: at(dir), names: [name] }])
          assert.deepEqual(told(bad), ['EINVAL name'], JSON.stringify(name))
        }
      })
    })

    describe('rmdir', () => {
      it('removes empty directories', async () => {
        writeTree(dir, { 'a/': {}, 'b/c/': {} })
        const base = await open(at(dir))
        const result = await host.rmdir([
          { to: at(base, 'b'), names: ['c'] },
          { to: at(base), names: ['a', 'b'] },
        ])
        assert.deepEqual(told(result), ['ok', 'ok', 'ok'])
        assert.deepEqual(fs.readdirSync(dir), [])
      })

      it('tells what the system says', async () => {
        writeTree(dir, { 'full/in': '', file: '', 'd/': {}, link: { symlink: 'd' } })
        const before = snapshot(dir)
        const result = await host.rmdir([{ to: at(dir), names: ['none', 'full', 'file', 'link'] }])
        assert.deepEqual(told(result), [
          'ENOENT rmdir',
          'ENOTEMPTY rmdir',
          'ENOTDIR rmdir',
          'ENOTDIR rmdir',
        ])
        for (const name of noNames) {
          const bad = await host.rmdir([{ to: at(dir), names: [name] }])
          assert.deepEqual(told(bad), ['EINVAL name'], JSON.stringify(name))
        }
        assertTree(dir, before)
      })
    })

    describe('every other operation', () => {
      it('does nothing for no jobs and for jobs without names', async () => {
        const none = [{ to: at(dir), names: [] }]
        for (const jobs of [[], none]) {
          assert.equal((await host.stat(jobs)).errnos.length, 0)
          assert.equal((await host.mkdir(jobs, true)).errnos.length, 0)
          assert.equal((await host.chmod(jobs)).errnos.length, 0)
          assert.equal((await host.unlink(jobs)).errnos.length, 0)
          assert.equal((await host.rmdir(jobs)).errnos.length, 0)
        }
        assert.equal((await host.symlink([])).errnos.length, 0)
        assert.equal((await host.compare([])).errnos.length, 0)
        assert.equal((await host.copyTimes([])).errnos.length, 0)
      })

      it('stat refuses what is no name, and does the others', async () => {
        for (const name of noNames) {
          const stats = await host.stat([{ to: at(dir), names: [name] }])
          assert.deepEqual(told(stats), ['EINVAL name'], JSON.stringify(name))
        }
        const mixed = await host.stat([{ to: at(dir), names: ['ok', ...noNames, 'ok'] }])
        assert.deepEqual(told(mixed), ['ok', ...noNames.map(() => 'EINVAL name'), 'ok'])
      })

      it('compare refuses what is no name', async () => {
        writeTree(dir, { a: '' })
        for (const name of noNames) {
          for (const jobs of [pair('', '', 'a', name), pair('', '', name, 'a')])
            assert.deepEqual(told(await host.compare(jobs)), ['EINVAL name'], JSON.stringify(name))
        }
      })
    })
  })
})
