import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import type { Host } from '../lib/host/host'
import { mergeOn, openOn, planOn } from '../lib/merge'
import type { FileEntry, LinkMode, MergeOptions, Source } from '../lib/types'
import { onBothHosts } from './support/both-hosts'
import { describeOn } from './support/describe-on'
import { failureOf, pathLines } from './support/failure'
import { freshDir } from './support/fresh'
import { itWith } from './support/needs'
import { snapshot } from './support/snapshot'
import { withUmask } from './support/umask'
import { writeTree } from './support/tree'

const modes: readonly LinkMode[][] = [
  ['clone', 'copy'],
  ['copy'],
  ['hardlink', 'copy'],
  ['clone', 'hardlink', 'copy'],
  ['symlink', 'copy'],
]

/** Path → mode and text, or what a symlink leads to. Files that are symlinks to the store by way of placing are followed. */
function contentOf(dest: string, store: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { path: at, type } of snapshot(dest)) {
    if (type === 'directory') continue
    const full = path.join(dest, at)
    const link = type === 'symlink' ? fs.readlinkSync(full) : undefined
    if (link !== undefined && !link.startsWith(store)) found[at] = `-> ${link}`
    else {
      const mode = (fs.statSync(full).mode & 0o7777).toString(8)
      found[at] = `${mode} ${fs.readFileSync(full, 'utf8')}`
    }
  }
  return found
}

describe('a file map', () => {
  onBothHosts((host) => {
    describeOn(['btrfs', 'xfs', 'ext4', 'tmpfs'], (volume) => {
      let base = ''
      let store = ''
      let dest = ''
      beforeEach(() => {
        base = volume.fresh()
        dest = path.join(base, 'dest')
        store = writeTree(path.join(base, 'store'), {
          '0a/one': { data: 'one', mode: 0o644 },
          'ff/two': { data: '#!/bin/sh\n', mode: 0o755 },
          'ff/deep/three': { data: 'three', mode: 0o444 },
          'ff/ü': { data: 'four', mode: 0o600 },
        })
      })

      const at = (name: string): string => path.join(store, name)
      const all = (): Record<string, FileEntry> => ({
        'lib/b.js': at('0a/one'),
        run: { path: at('ff/two'), size: 10, mode: 0o755 },
        'lib/deep/er/x': at('ff/deep/three'),
        'lib/größe/日本.md': at('ff/ü'),
        LICENSE: at('0a/one'),
        '.package-lock.json': { content: '{}\n' },
        'bin/tool': { content: Buffer.from('#!'), mode: 0o4755 },
        '.bin/run': { target: '../run' },
      })
      const expected = {
        'lib/b.js': '644 one',
        run: '755 #!/bin/sh\n',
        'lib/deep/er/x': '444 three',
        'lib/größe/日本.md': '600 four',
        LICENSE: '644 one',
        '.package-lock.json': '644 {}\n',
        'bin/tool': '755 #!',
        '.bin/run': '-> ../run',
      }

      for (const linkModes of modes)
        for (const to of ['', 'node_modules/p'])
          it(`gives each entry as it says, by ${linkModes.join(', ')}, at "${to}"`, async () => {
            const before = snapshot(store)
            const source = { name: 'm', files: all(), to }
            const options = { linkModes }
            const plan = await planOn(host, [source], dest, options)
            const result = await withUmask(0o077, () => mergeOn(host, [source], dest, options))
            assert.deepEqual(contentOf(path.join(dest, to), store), expected)
            assert.deepEqual([result.files, result.symlinks, result.created], [7, 1, 8])
            assert.deepEqual([plan.files, plan.symlinks], [7, 1])
            assert.equal(result.bytes, 3 + 10 + 5 + 4 + 3 + 3 + 2)
            assert.equal(plan.bytes, result.bytes)
            const { linkModes: placed } = result
            assert.equal(placed.clone + placed.hardlink + placed.copy + placed.symlink, 7)
            // What the caller gives is nobody's clone.
            assert.ok(placed.copy >= 2)
            assert.deepEqual(snapshot(store), before)
            const again = await mergeOn(host, [source], dest, options)
            assert.deepEqual([again.unchanged, again.created, again.bytes], [8, 0, result.bytes])
            assert.deepEqual(
              [
                ...new Set(
                  [...(await planOn(host, [source], dest, options)).entries()].map((entry) =>
                    entry.type === 'directory' ? 'unchanged' : entry.action,
                  ),
                ),
              ],
              ['unchanged'],
            )
          })

      it('as a Map, an object and one that is staged by a session give the same', async () => {
        const merged = { dest: path.join(base, '1'), files: new Map(Object.entries(all())) }
        await mergeOn(host, [{ name: 'm', files: merged.files, to: 'p' }], merged.dest)
        const session = await openOn(host, dest)
        await session.add({ name: 'm', files: all(), to: 'p' })
        const result = await session.commit()
        assert.equal(result.files, 7)
        assert.deepEqual(contentOf(`${dest}/p`, store), expected)
        assert.deepEqual(contentOf(`${merged.dest}/p`, store), expected)
      })

      it('into a directory that others share, and that dest has', async () => {
        writeTree(dest, { 'p/own': 'own', 'p/lib/b.js': { data: 'one', mode: 0o644 } })
        const dir = writeTree(path.join(base, 'other'), {
          'lib/c.js': 'c',
          '.package-lock.json': { data: '{}\n', mode: 0o644 },
          'bin/tool': { data: '#!', mode: 0o755 },
        })
        const sources = [
          { name: 'm', files: all(), to: 'p' },
          { name: 'd', dir, to: 'p' },
          { name: 'n', files: { 'bin/tool': { content: '#!', mode: 0o711 } }, to: 'p' },
        ]
        const { unchanged, conflicts } = await mergeOn(host, sources, dest)
        assert.deepEqual([unchanged, conflicts], [1, []])
        assert.deepEqual(contentOf(`${dest}/p`, store), {
          ...expected,
          own: '644 own',
          'lib/c.js': '644 c',
        })
      })

      it('conflicts with what has other bytes, another executable bit, or another text', async () => {
        const dir = writeTree(path.join(base, 'other'), {
          '.package-lock.json': { data: '{]\n', mode: 0o644 },
          'bin/tool': { data: '#!', mode: 0o644 },
          '.bin/run': { symlink: '../lib' },
          run: { data: '#!/bin/sh\n', mode: 0o644 },
        })
        const sources: Source[] = [
          { name: 'm', files: all() },
          { name: 'd', dir },
        ]
        const { conflicts } = await planOn(host, sources, dest)
        const paths = ['.bin/run', '.package-lock.json', 'bin/tool', 'run']
        assert.deepEqual(
          conflicts.map((each) => each.path),
          paths,
        )
        await mergeOn(host, [sources[1] as Source], dest)
        const found = await planOn(host, [sources[0] as Source], dest)
        assert.deepEqual(
          found.conflicts.map(({ path: each, kind }) => [each, kind]),
          paths.map((each) => [each, 'existing']),
        )
        const { replaced } = await mergeOn(host, [sources[0] as Source], dest, {
          existing: 'replace',
        })
        assert.equal(replaced, 4)
        assert.deepEqual(contentOf(dest, store), expected)
      })

      it('gives files the mode that it tells, never by a link that would share another one', async () => {
        const files = {
          a: { path: at('0a/one'), mode: 0o555 },
          b: { path: at('0a/one'), mode: 0o644 },
        }
        const { linkModes } = await mergeOn(host, [{ name: 'm', files, to: 'p' }], dest, {
          linkModes: ['hardlink', 'copy'],
        })
        assert.deepEqual(contentOf(`${dest}/p`, store), { a: '555 one', b: '644 one' })
        assert.deepEqual([linkModes.hardlink, linkModes.copy], [1, 1])
        assert.equal(fs.statSync(at('0a/one')).mode & 0o7777, 0o644)
      })

      it('counts sizes as they are, whatever it tells', async () => {
        const files = { a: { path: at('0a/one'), size: 1000 } }
        const { bytes } = await mergeOn(host, [{ name: 'm', files, to: 'p' }], dest)
        assert.equal(bytes, 3)
      })

      it('adds u+w where that is asked for', async () => {
        const files: Record<string, FileEntry> = {
          a: at('ff/deep/three'),
          b: { content: 'b', mode: 0o444 },
        }
        await mergeOn(host, [{ name: 'm', files, to: 'p' }], dest, { writable: true })
        assert.deepEqual(contentOf(`${dest}/p`, store), { a: '644 three', b: '644 b' })
      })
    })

    it('may tell of files relative to the working directory', async () => {
      const dir = writeTree(freshDir(), { a: 'a' })
      const from = path.relative(process.cwd(), path.join(dir, 'a'))
      const dest = path.join(dir, 'dest')
      await mergeOn(host, [{ name: 'm', files: { x: from, y: { path: from } } }], dest)
      assert.equal(fs.readFileSync(path.join(dest, 'x'), 'utf8'), 'a')
      assert.equal(fs.readFileSync(path.join(dest, 'y'), 'utf8'), 'a')
    })

    it('is the one that was given: what the caller changes meanwhile does not count', async () => {
      const dir = writeTree(freshDir(), { a: 'a' })
      const dest = path.join(dir, 'dest')
      const content = Buffer.from('before')
      const files: Record<string, FileEntry> = { a: path.join(dir, 'a'), c: { content } }
      const merging = mergeOn(host, [{ name: 'm', files }], dest)
      content.fill('x')
      delete files['a']
      await merging
      assert.deepEqual(fs.readdirSync(dest).sort(), ['a', 'c'])
      assert.equal(fs.readFileSync(path.join(dest, 'c'), 'utf8'), 'before')
    })

    const judged: readonly (readonly [string, MergeOptions, string])[] = [
      ['../../out', {}, 'outside dest'],
      ['/etc/passwd', {}, 'absolute'],
      ['x', { symlinks: 'reject' }, 'symlink to x'],
      ['a\0b', { symlinks: 'verbatim' }, 'NUL'],
    ]
    for (const [target, options, why] of judged)
      it(`has its symlinks judged like any other: ${JSON.stringify(target)}`, async () => {
        const base = freshDir()
        const sources = [{ name: 'm', files: { 'bin/x': { target } } }]
        const error = await failureOf(mergeOn(host, sources, path.join(base, 'dest'), options))
        assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE')
        assert.match(pathLines(error).join(), new RegExp(why))
        assert.deepEqual(fs.readdirSync(base), [])
      })

    it('leaves out what its filter leaves out, and what is below it', async () => {
      const dest = path.join(freshDir(), 'dest')
      const files = { 'a/b': { content: '1' }, 'a/c/d': { content: '2' }, e: { target: 'a' } }
      const filter = (at: string): boolean => at !== 'a/c' && at !== 'e'
      await mergeOn(host, [{ name: 'm', files, filter }], dest)
      assert.deepEqual(
        snapshot(dest).map((each) => each.path),
        ['a', 'a/b'],
      )
    })

    it('of nothing but content needs no store', async () => {
      const dest = path.join(freshDir(), 'dest')
      const { linkModes } = await mergeOn(
        host,
        [{ name: 'm', files: { 'p/a': { content: '' } }, to: 'q' }],
        dest,
        { linkModes: 'hardlink' },
      )
      assert.equal(fs.readFileSync(path.join(dest, 'q/p/a'), 'utf8'), '')
      assert.equal(linkModes.copy, 1)
    })

    it('that names files which are missing or not regular is refused, all of them listed, whatever the link modes', async () => {
      const base = writeTree(freshDir(), {
        'store/good': 'x',
        'store/dir/': {},
        'store/fifo': { fifo: true },
      })
      const of = (name: string): string => path.join(base, 'store', name)
      const files = { a: of('good'), b: of('dir'), c: of('fifo'), d: of('gone') }
      for (const linkModes of modes)
        for (const to of ['', 'p']) {
          const source = { name: 'm', files, to }
          const error = await failureOf(
            mergeOn(host, [source], path.join(base, 'dest'), { linkModes }),
          )
          assert.equal(error.code, 'ERR_MERGE_UNSUPPORTED_FILE', linkModes.join())
          assert.deepEqual(
            error.errors?.map(({ code }) => code),
            ['ERR_MERGE_UNSUPPORTED_FILE', 'ENOENT'],
          )
          assert.equal(error.paths?.length, 2)
          assert.deepEqual(fs.readdirSync(base), ['store'])
        }
    })

    it('with files of several file systems falls back for those that need it only', async () => {
      const one = writeTree(freshDir(), { a: 'a' })
      const files = { a: path.join(one, 'a'), b: '/proc/version' }
      const dest = path.join(freshDir(), 'dest')
      await mergeOn(host, [{ name: 'm', files, to: 'p' }], dest, {
        linkModes: ['hardlink', 'copy'],
      })
      assert.equal(fs.statSync(path.join(dest, 'p/a')).ino, fs.statSync(path.join(one, 'a')).ino)
      assert.ok(fs.existsSync(path.join(dest, 'p/b')))
    })
  })

  itWith(
    'steps',
    'is placed in one call a package, and its files are not looked at before',
    async () => {
      const store = writeTree(freshDir(), { 'aa/1': '1', 'bb/2': '22', 'bb/3': '333' })
      const calls: string[] = []
      const host: Host = {
        ...defaultHost,
        stat: (jobs) => {
          const names = jobs
            .flatMap((job) => job.names)
            .filter((name) => /^(?:aa|bb|.)$/.test(name))
          if (names.length > 0) calls.push(`stat ${names.join(' ')}`)
          return defaultHost.stat(jobs)
        },
        placeTrees: (operation, jobs, options) => {
          calls.push(`place ${String(jobs.length)}`)
          const { placeTrees } = defaultHost
          assert.ok(placeTrees)
          return placeTrees(operation, jobs, options)
        },
      }
      const files = {
        'x/y/1': `${store}/aa/1`,
        'x/é': `${store}/bb/2`,
        z: `${store}/bb/3`,
        l: { target: 'z' },
      }
      const sources = ['p', 'q'].map((name) => ({ name, files, to: `ns/${name}` }))
      const dest = path.join(path.dirname(store), 'dest')
      const { bytes, created } = await mergeOn(host, sources, dest, { linkModes: ['copy'] })
      assert.deepEqual([bytes, created], [12, 8])
      assert.deepEqual(calls, ['stat aa bb', 'place 2'])
    },
  )
})
