import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

import { mergeOn, planOn } from '../lib/merge'
import type { SourcePath } from '../lib/merge-error'
import type { Host } from '../lib/host/host'
import { shortened } from '../lib/scan/depth'
import type { MergeOptions, Source } from '../lib/types'
import { onBothHosts } from './support/both-hosts'
import { runText } from './support/child'
import { failureOf, pathLines, type Failure } from './support/failure'
import { freshDir } from './support/fresh'
import { scriptedHost } from './support/scripted-host'
import { assertTree, snapshot } from './support/snapshot'
import { runTool } from './support/tool'
import { writeTree } from './support/tree'
import { orSkip, Unrunnable } from './support/unrunnable'

/** Merges into a dest that is there and into one that is not, and plans both: all refuse alike, and nothing changes. */
async function refusalOf(
  host: Host,
  sources: readonly Source[],
  options?: MergeOptions,
): Promise<Failure> {
  const base = freshDir()
  writeTree(base, { 'dest/kept/file': 'kept' })
  const before = snapshot(base)
  const error = await failureOf(mergeOn(host, sources, path.join(base, 'dest'), options))
  for (const dest of ['dest', 'absent/dest']) {
    const at = path.join(base, dest)
    for (const again of [mergeOn, planOn]) {
      const { code, message, paths } = await failureOf(again(host, sources, at, options))
      assert.deepEqual({ code, paths }, { code: error.code, paths: error.paths })
      assert.equal(message, error.message)
    }
    assertTree(base, before)
  }
  return error
}

/** A package with one good file in a store, for file maps. */
function storeFile(): string {
  return path.join(writeTree(freshDir(), { file: 'good' }), 'file')
}

function mapped(name: string, ...paths: readonly string[]): Source {
  const file = storeFile()
  return { name, files: new Map(paths.map((each) => [each, file])) }
}

describe('bad input', () => {
  onBothHosts((host) => {
    describe('dest and a source within each other', () => {
      let base = ''

      beforeEach(() => {
        base = writeTree(freshDir(), {
          'a/pkg/index.js': 'a',
          'b/pkg/index.js': 'b',
          'to-a': { symlink: 'a' },
          'to-pkg': { symlink: 'a/pkg' },
          'a-2/': {},
        })
      })

      const at = (name: string): string => path.join(base, name)
      const refused = async (
        dest: string,
        sources: Source[],
        told: readonly string[],
      ): Promise<void> => {
        const before = snapshot(base)
        for (const run of [mergeOn, planOn]) {
          const error = await failureOf(run(host, sources, at(dest)))
          assert.equal(error.code, 'ERR_MERGE_INTO_SELF')
          assert.deepEqual(pathLines(error), told)
          for (const each of told) assert.ok(error.message.includes(`\n  ${each}`), error.message)
          assert.ok(error.message.includes(fs.realpathSync(base)))
        }
        assertTree(base, before)
      }

      it('refuses a dest inside a source, there or not', async () => {
        await refused('a/pkg', [{ name: 'a', dir: at('a') }], [`a: ${at('a')} (dest lies in it)`])
        await refused(
          'a/new/deep',
          [{ name: 'a', dir: at('a') }],
          [`a: ${at('a')} (dest lies in it)`],
        )
      })

      it('refuses a source inside dest', async () => {
        await refused(
          'a',
          [{ name: 'p', dir: at('a/pkg') }],
          [`p: ${at('a/pkg')} (is inside dest)`],
        )
        await refused(
          '.',
          [{ name: 'p', dir: at('a/pkg') }],
          [`p: ${at('a/pkg')} (is inside dest)`],
        )
      })

      it('refuses a source that is dest', async () => {
        await refused('a', [{ name: 'a', dir: at('a') }], [`a: ${at('a')} (is dest)`])
      })

      it('sees through a symlink on the way to dest', async () => {
        await refused('to-pkg', [{ name: 'a', dir: at('a') }], [`a: ${at('a')} (dest lies in it)`])
        await refused(
          'to-a/pkg/new',
          [{ name: 'a', dir: at('a') }],
          [`a: ${at('a')} (dest lies in it)`],
        )
      })

      it('sees through a symlink on the way to a source', async () => {
        await refused(
          'a',
          [{ name: 'p', dir: at('to-pkg') }],
          [`p: ${at('a/pkg')} (is inside dest)`],
        )
        await refused(
          'a',
          [{ name: 'p', dir: at('to-a/pkg') }],
          [`p: ${at('a/pkg')} (is inside dest)`],
        )
      })

      it('refuses a file map with a file of dest', async () => {
        const files = new Map([['x', at('a/pkg/index.js')]])
        await refused('a', [{ name: 'p', files }], [`p: ${at('a/pkg')} (is inside dest)`])
      })

      it('sees through a symlink on the way to a file of a map', async () => {
        const before = snapshot(base)
        const files = new Map([['x', at('to-a/pkg/index.js')]])
        const error = await failureOf(mergeOn(host, [{ name: 'p', files }], at('a')))
        assert.equal(error.code, 'ERR_MERGE_INTO_SELF')
        assertTree(base, before)
      })

      it('names every such source', async () => {
        const sources = [
          { name: 'whole', dir: at('.') },
          { name: 'fine', dir: at('b') },
          { name: 'inner', dir: at('a/pkg') },
        ]
        await refused('a', sources, [
          `whole: ${base} (dest lies in it)`,
          `inner: ${at('a/pkg')} (is inside dest)`,
        ])
      })

      it('merges where one name only begins like the other', async () => {
        await mergeOn(host, [{ name: 'a', dir: at('a') }], at('a-2'))
        assertTree(at('a-2'), at('a'))
      })
    })

    describe('a source that is no directory', () => {
      it('tells ENOENT with the source for one that does not exist', async () => {
        const dir = path.join(freshDir(), 'absent')
        const error = await refusalOf(host, [{ name: 'gone', dir }])
        const { code, syscall, path: at, source } = error
        const want = { code: 'ENOENT', syscall: 'open', path: dir, source: 'gone' }
        assert.deepEqual({ code, syscall, path: at, source }, want)
      })

      it('tells ENOTDIR for a file', async () => {
        const error = await refusalOf(host, [{ name: 'f', dir: storeFile() }])
        assert.equal(error.code, 'ENOTDIR')
        assert.equal(error.source, 'f')
      })

      it('tells ENOENT for a symlink that leads nowhere', async () => {
        const base = writeTree(freshDir(), { link: { symlink: 'nowhere' } })
        const error = await refusalOf(host, [{ name: 'l', dir: path.join(base, 'link') }])
        assert.equal(error.code, 'ENOENT')
      })

      it('tells ENOTDIR for a fifo, without waiting for a writer', async () => {
        const base = writeTree(freshDir(), { fifo: { fifo: true } })
        const error = await refusalOf(host, [{ name: 'p', dir: path.join(base, 'fifo') }])
        assert.equal(error.code, 'ENOTDIR')
      })

      it('tells all of them in `errors`', async () => {
        const base = freshDir()
        const good = { name: 'good', dir: writeTree(path.join(base, 'good'), { a: 'a' }) }
        const gone = { name: 'gone', dir: path.join(base, 'gone') }
        const file = { name: 'file', dir: storeFile() }
        const { errors = [] } = await refusalOf(host, [gone, good, file])
        assert.deepEqual(
          errors.map(({ code, source }) => `${source ?? ''}: ${code ?? ''}`).sort(),
          ['file: ENOTDIR', 'gone: ENOENT'],
        )
      })

      it('merges a symlink to a directory', async () => {
        const base = writeTree(freshDir(), { 'real/a': 'a', link: { symlink: 'real' } })
        const dest = path.join(base, 'dest')
        await mergeOn(host, [{ name: 'l', dir: path.join(base, 'link') }], dest)
        assertTree(dest, path.join(base, 'real'))
      })
    })

    describe('a file of a map that cannot be read', () => {
      it('tells ENOENT with path and source for one that is missing', async () => {
        const file = path.join(freshDir(), 'absent')
        const error = await refusalOf(host, [{ name: 'm', files: new Map([['a', file]]) }])
        assert.equal(error.code, 'ENOENT')
        assert.equal(error.path, file)
        assert.equal(error.source, 'm')
      })

      it('refuses what is no regular file, all at once', async () => {
        const base = writeTree(freshDir(), {
          file: '',
          'dir/': {},
          fifo: { fifo: true },
          link: { symlink: 'file' },
        })
        const kinds = ['dir', 'fifo', 'link']
        const files = new Map(kinds.map((kind) => [`at/${kind}`, path.join(base, kind)]))
        const error = await refusalOf(host, [{ name: 'm', files }])
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
        const told = kinds.map(
          (kind) => `m: at/${kind} (${path.join(base, kind)} is not a regular file)`,
        )
        assert.deepEqual(pathLines(error), told)
      })

      it('refuses a path that is not Unicode', async () => {
        const files = new Map([['a', '/store/\ud800']])
        const error = await refusalOf(host, [{ name: 'm', files }])
        assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
        const reason = '"/store/\\ud800" has a lone surrogate'
        assert.deepEqual(error.paths, [{ source: 'm', path: 'a', reason }])
      })
    })

    describe('names', () => {
      const shown = (name: string): string => JSON.stringify(shortened(name))
      const tooLong = 'é'.repeat(128)
      const bad: Record<string, string> = {
        '..': 'is not a name',
        '../x': 'is not a name',
        'a/../b': 'is not a name',
        'a/..': 'is not a name',
        './a': 'is not a name',
        'a/.': 'is not a name',
        '/etc/x': 'absolute path',
        '/': 'absolute path',
        '//': 'absolute path',
        'a//b': 'empty name',
        'a/': 'empty name',
        'a\0b': 'NUL',
        'a/b\0': 'NUL',
        'a\\b': 'backslash',
        '..\\x': 'backslash',
        [`a/${'n'.repeat(256)}`]: 'longer than 255 bytes',
        [tooLong]: 'longer than 255 bytes',
        'a\ud800': 'surrogate',
        '\udc00/a': 'surrogate',
      }

      it('refuses every bad path of a file map, and tells all of them', async () => {
        const error = await refusalOf(host, [mapped('m', 'good', ...Object.keys(bad), '')])
        assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
        assert.equal(error.paths?.length, Object.keys(bad).length + 1)
        for (const [name, why] of Object.entries({ ...bad, '': 'empty name' })) {
          const found: SourcePath | undefined = error.paths.find((each) => each.path === name)
          assert.equal(found?.source, 'm', shown(name))
          assert.ok(found.reason.includes(why), `${shown(name)}: ${found.reason}`)
        }
      })

      for (const [to, why] of Object.entries(bad))
        it(`refuses ${JSON.stringify(to).slice(0, 12)} as \`to\``, async () => {
          const error = await refusalOf(host, [{ ...mapped('m', 'good'), to }])
          assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
          const [only, ...others] = error.paths ?? []
          assert.deepEqual([only?.source, only?.path, others], ['m', to, []])
          assert.match(only?.reason ?? '', /^to: /)
          assert.ok(only?.reason.includes(why), only?.reason)
          assert.ok(error.message.includes(`\n  m: ${shown(to)} (to: `), error.message)
        })

      it('refuses a file and a directory of one name in a map', async () => {
        const error = await refusalOf(host, [mapped('m', 'a', 'a/b', 'c/d', 'c')])
        assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
        assert.equal(error.paths?.length, 2)
      })

      it('refuses a backslash and bytes that are no UTF-8 in a directory', async () => {
        const dir = writeTree(freshDir(), { 'a/x\\y': '', 'back\\slash/in': '', good: '' })
        const latin1 = (name: string): Buffer => Buffer.from(path.join(dir, name), 'latin1')
        fs.writeFileSync(latin1('caf\xe9'), '')
        fs.mkdirSync(latin1('a/d\xefr'))
        const error = await refusalOf(host, [{ name: 'p', dir }])
        assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
        assert.deepEqual(pathLines(error), [
          'p: a/d\ufffdr (not UTF-8)',
          'p: a/x\\y (backslash)',
          'p: back\\slash (backslash)',
          'p: caf\ufffd (not UTF-8)',
        ])
      })

      it('tells those of all sources in one error, though the message shows ten', async () => {
        const many = Array.from({ length: 12 }, (_, index) => `../${String(index)}`)
        const error = await refusalOf(host, [
          mapped('one', ...many),
          { name: 'two', dir: writeTree(freshDir(), { 'x\\y': '' }) },
          { ...mapped('three', 'good'), to: '/abs' },
        ])
        assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
        assert.equal(error.paths?.length, 14)
        assert.match(error.message, /^14 names cannot be merged:/)
        assert.match(error.message, /… and 4 more$/)
      })

      it('merges names of 255 bytes, with dots, spaces and other scripts', async () => {
        const names = [
          'n'.repeat(255),
          'é'.repeat(127),
          '...',
          '..a',
          ' ',
          '-rf',
          '漢字',
          '\n',
          '~',
        ]
        const base = freshDir()
        const dir = writeTree(
          path.join(base, 'src'),
          Object.fromEntries(names.map((name) => [`d/${name}`, name])),
        )
        await mergeOn(host, [{ name: 'p', dir }], path.join(base, 'dest'))
        assertTree(path.join(base, 'dest'), dir)
      })

      it('leaves out what the filter does, unasked for its name', async () => {
        const base = freshDir()
        const dir = writeTree(path.join(base, 'src'), { 'x\\y': '', good: 'good' })
        const filter = (each: string): boolean => each === 'good'
        await mergeOn(host, [{ name: 'p', dir, filter }], path.join(base, 'dest'))
        assertTree(path.join(base, 'dest'), writeTree(path.join(base, 'want'), { good: 'good' }))
      })
    })

    describe('names reserved for staging directories', () => {
      const reserved = '.reflink-merge-0123456789abcdef'

      it('are refused at every depth of a directory, a file map and `to`, all at once', async () => {
        const error = await refusalOf(host, [
          { name: 'file', dir: writeTree(freshDir(), { [reserved]: '' }) },
          { name: 'dir', dir: writeTree(freshDir(), { [`a/b/${reserved}/new/c`]: '' }) },
          { name: 'below', dir: writeTree(freshDir(), { [`a/${reserved}-begun/c`]: '' }), to: 'x' },
          mapped('map', `a/${reserved}`, `${reserved}-kept/a`),
          { ...mapped('to', 'good'), to: reserved },
          { ...mapped('deep', 'good'), to: `deep/${reserved}/deep` },
        ])
        assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
        const paths = error.paths ?? []
        const names = ['below', 'deep', 'dir', 'file', 'map', 'map', 'to']
        assert.deepEqual(
          paths.map(({ source }) => source),
          names,
        )
        for (const { reason } of paths)
          assert.match(reason, /^(?:to: )?reserved for staging directories$/)
      })

      it('are left out by a filter like any others', async () => {
        const base = freshDir()
        const dir = writeTree(path.join(base, 'src'), { [`a/${reserved}/b`]: 'b', 'a/good': 'c' })
        const filter = (each: string): boolean => !each.includes(reserved)
        await mergeOn(host, [{ name: 'p', dir, filter }], path.join(base, 'dest'))
        assertTree(path.join(base, 'dest'), writeTree(path.join(base, 'want'), { 'a/good': 'c' }))
      })
    })

    describe('entries that are no file, directory or symlink', () => {
      let servers: net.Server[] = []

      afterEach(() => {
        for (const server of servers) server.close()
        servers = []
      })

      const socketAt = (file: string): Promise<void> =>
        new Promise((resolve) => {
          servers.push(net.createServer().listen(file, resolve))
        })

      it('refuses a fifo, a socket and devices of several sources at once', async function () {
        this.timeout(10_000)
        const one = writeTree(freshDir(), { 'deep/fifo': { fifo: true }, good: '' })
        const two = writeTree(freshDir(), { good: '' })
        await socketAt(path.join(two, 'socket'))
        if (process.getuid?.() !== 0) {
          await orSkip(this, Promise.reject(new Unrunnable('mknod: needs root')))
        }
        await runTool('mknod', [path.join(two, 'char'), 'c', '1', '3'])
        await runTool('mknod', [path.join(two, 'block'), 'b', '7', '200'])
        const error = await refusalOf(host, [
          { name: 'one', dir: one },
          { name: 'two', dir: two },
        ])
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
        const lines = pathLines(error)
        assert.deepEqual(lines, [
          'one: deep/fifo (a fifo, socket or device)',
          'two: block (a fifo, socket or device)',
          'two: char (a fifo, socket or device)',
          'two: socket (a fifo, socket or device)',
        ])
        for (const each of lines) assert.ok(error.message.includes(`\n  ${each}`))
      })

      it('never waits for a fifo that took the place of a file after the scan', async function () {
        this.timeout(10_000)
        const base = freshDir()
        const dir = writeTree(path.join(base, 'src'), { a: 'a', b: 'b' })
        const dest = path.join(base, 'dest')
        let swapped = false
        const swapping = scriptedHost(host, async ({ operation }) => {
          if (operation !== 'copy' || swapped) return undefined
          swapped = true
          fs.unlinkSync(path.join(dir, 'b'))
          await runTool('mkfifo', [path.join(dir, 'b')])
          return undefined
        })
        const options: MergeOptions = { linkModes: 'copy' }
        const error = await failureOf(mergeOn(swapping, [{ name: 'p', dir }], dest, options))
        assert.equal(error.code, 'EINVAL')
        assert.equal(error.syscall, 'open')
        assert.equal(error.path, path.join(dir, 'b'))
        assert.deepEqual(fs.readdirSync(base), ['src'])
      })

      it('never waits for a fifo that stands in dest', async function () {
        this.timeout(10_000)
        const base = freshDir()
        const dir = writeTree(path.join(base, 'src'), { a: '' })
        const dest = writeTree(path.join(base, 'dest'), { a: { fifo: true } })
        const before = snapshot(dest)
        const error = await failureOf(mergeOn(host, [{ name: 'p', dir }], dest))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assertTree(dest, before)
      })

      it('can be left out by a filter', async () => {
        const base = freshDir()
        const dir = writeTree(path.join(base, 'src'), { fifo: { fifo: true }, good: '' })
        const filter = (each: string): boolean => each !== 'fifo'
        await mergeOn(host, [{ name: 'p', dir, filter }], path.join(base, 'dest'))
        assert.deepEqual(fs.readdirSync(path.join(base, 'dest')), ['good'])
      })
    })

    describe('symlinks', () => {
      const escaping: Record<string, string> = {
        absolute: '/etc/passwd',
        root: '/',
        up: '..',
        'in/up': '../..',
        'in/climbs': '../../x',
        'in/deep/climbs': '../../../etc',
        detour: 'in/../x',
        'in/detour': './deep/../../x',
        'in/slashes': '..//.././x',
      }
      const links = (targets: Record<string, string>): string =>
        writeTree(
          freshDir(),
          Object.fromEntries(Object.entries(targets).map(([at, symlink]) => [at, { symlink }])),
        )

      it('that may lead out of dest are refused, all at once', async () => {
        const error = await refusalOf(host, [
          { name: 'one', dir: links(escaping) },
          { name: 'two', dir: links({ up: '../y' }), to: '' },
        ])
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
        assert.equal(error.paths?.length, Object.keys(escaping).length + 1)
        for (const [at, target] of Object.entries(escaping)) {
          const line = `one: ${at} (symlink to ${target}, `
          assert.ok(
            pathLines(error).some((each) => each.startsWith(line)),
            line,
          )
        }
        assert.match(error.message, /`filter`, or keep all links with `symlinks: 'verbatim'`/)
      })

      it('that stay inside are kept as they are', async () => {
        const dir = links({
          a: 'b',
          'in/a': '..',
          'in/b': '../c',
          'in/deep/c': '../../in/./d//',
          dot: '.',
          'in/none': 'nowhere at all',
        })
        const dest = path.join(freshDir(), 'dest')
        await mergeOn(host, [{ name: 'p', dir }], dest)
        assertTree(dest, dir)
      })

      it('may climb as far as `to` is deep', async () => {
        const dir = links({ a: '../../x' })
        const base = freshDir()
        await mergeOn(host, [{ name: 'p', dir, to: '@s/p' }], path.join(base, 'dest'))
        assertTree(path.join(base, 'dest/@s/p'), dir)
        const error = await refusalOf(host, [{ name: 'p', dir, to: '@s' }])
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
      })

      it("are all refused with 'reject'", async () => {
        const dir = links({ a: 'b', 'in/c': 'd' })
        const error = await refusalOf(host, [{ name: 'p', dir }], { symlinks: 'reject' })
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
        assert.deepEqual(pathLines(error), ['p: a (symlink to b)', 'p: in/c (symlink to d)'])
      })

      it("are all kept as they are with 'verbatim'", async () => {
        const dir = links(escaping)
        const dest = path.join(freshDir(), 'dest')
        await mergeOn(host, [{ name: 'p', dir }], dest, { symlinks: 'verbatim' })
        assertTree(dest, dir)
      })

      it('whose text is no UTF-8 are refused or kept byte by byte, never changed', async () => {
        const base = freshDir()
        const dir = writeTree(path.join(base, 'src'), { good: '' })
        const target = Buffer.from('caf\xe9', 'latin1')
        fs.symlinkSync(target, path.join(dir, 'link'))
        const dest = path.join(base, 'dest')
        const outcome = await mergeOn(host, [{ name: 'p', dir }], dest).catch(
          (error: unknown) => error as Failure,
        )
        if (outcome instanceof Error) {
          assert.match(String(outcome.code), /^ERR_MERGE_(INVALID_PATH|UNSUPPORTED_FILE)$/)
          assert.deepEqual(fs.readdirSync(base), ['src'])
        } else {
          const link = path.join(dest, 'link')
          assert.deepEqual(fs.readlinkSync(link, { encoding: 'buffer' }), target)
        }
      })
    })

    it('tells bad names and bad kinds of files together in `errors`', async () => {
      const error = await refusalOf(host, [
        { name: 'one', dir: writeTree(freshDir(), { fifo: { fifo: true }, 'x\\y': '' }) },
        mapped('two', '../x'),
        { name: 'three', dir: path.join(freshDir(), 'absent') },
      ])
      assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
      assert.deepEqual(
        error.errors?.map(({ code }) => code),
        ['ERR_MERGE_INVALID_PATH', 'ERR_MERGE_UNSUPPORTED_FILE', 'ENOENT'],
      )
      assert.equal(error.errors[0], error)
      assert.deepEqual(pathLines(error), [
        'one: x\\y (backslash)',
        'two: ../x (".." is not a name)',
      ])
      assert.deepEqual(error.errors[1]?.paths, [
        { source: 'one', path: 'fifo', reason: 'a fifo, socket or device' },
      ])
    })

    describe('what may not be read', () => {
      const nobody = 65534
      const merge = `
        const { mergeOn } = require(process.argv[1])
        const { defaultHost } = require(process.argv[2])
        const { nodeHost } = require(process.argv[3])
        const [, , , , kind, dir, dest] = process.argv
        process.setgroups([]); process.setgid(${String(nobody)}); process.setuid(${String(nobody)})
        mergeOn(kind === 'native' ? defaultHost : nodeHost, [{ name: 'p', dir }], dest).then(
          () => { throw new Error('resolved') },
          (error) => { console.log(JSON.stringify({ ...error, errors: undefined })) })`

      /** As an ordinary user, to whom nothing below dest is forbidden. */
      const refusedToNobody = async (dir: string): Promise<Failure> => {
        const base = freshDir()
        fs.chownSync(base, nobody, nobody)
        const libs = ['merge', 'host/index', 'host/node'].map((each) =>
          path.join(__dirname, '../lib', `${each}.ts`),
        )
        const args = [...libs, host.kind, dir, path.join(base, 'dest')]
        const { stdout, stderr } = await runText(merge, args)
        assert.notEqual(stdout, '', stderr)
        assert.deepEqual(fs.readdirSync(base), [])
        return JSON.parse(stdout) as Failure
      }

      before(async function () {
        if (process.getuid?.() !== 0)
          await orSkip(this, Promise.reject(new Unrunnable('setuid: needs root')))
      })

      it('tells EACCES with path and source for an unreadable directory', async () => {
        const dir = writeTree(freshDir(), { 'a/good': '', 'a/closed/': { dir: true, mode: 0o700 } })
        const { code, syscall, path: at, source } = await refusedToNobody(dir)
        const want = { code: 'EACCES', syscall: 'open', path: `${dir}/a/closed`, source: 'p' }
        assert.deepEqual({ code, syscall, path: at, source }, want)
      })

      it('tells EACCES for a directory that may be listed but not entered', async () => {
        const dir = writeTree(freshDir(), { 'a/file': '', 'a/': { dir: true, mode: 0o744 } })
        const { code, path: at, source } = await refusedToNobody(dir)
        assert.deepEqual(
          { code, path: at, source },
          { code: 'EACCES', path: `${dir}/a/file`, source: 'p' },
        )
      })

      it('tells EACCES with path, dest and source for an unreadable file', async () => {
        const dir = writeTree(freshDir(), { 'a/good': '', 'a/secret': { data: 'x', mode: 0o600 } })
        const { code, syscall, path: at, dest, source } = await refusedToNobody(dir)
        assert.deepEqual(
          { code, syscall, path: at, source },
          { code: 'EACCES', syscall: 'open', path: `${dir}/a/secret`, source: 'p' },
        )
        assert.match(String(dest), /\/dest\/a\/secret$/)
      })
    })
  })
})
