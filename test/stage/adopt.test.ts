import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { pathOf, type Host } from '../../lib/host/host'
import { mergeOn } from '../../lib/merge'
import { freshDir } from '../support/fresh'
import { mutating, type ScriptedCall } from '../support/scripted-host'
import { cloningEverywhere, failWith, recordingHost } from '../support/scripts'
import { merged, placing, reportOf, staged, stagingIn, stored } from '../support/session'
import { assertTree } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const host = cloningEverywhere(defaultHost)

/** The entry as a path in the staging directory; anything else as it is. */
function inStaging(at: string | undefined): string {
  return at?.replace(/^.*\/\.reflink-merge-[0-9a-f]+\//, '') ?? ''
}

/** `from → to` of each rename within the staging directory. */
function movesOf(calls: readonly ScriptedCall[]): string[] {
  return calls
    .filter(({ operation, path: to }) => operation === 'rename' && /\/new\//.test(to))
    .map(
      ({ from, path: to }) => `${inStaging(from).replace(/^room-\d+/, 'room')} → ${inStaging(to)}`,
    )
    .sort()
}

/** Names of what was placed; neither tries nor what is kept for an undo. */
const placedIn = (calls: readonly ScriptedCall[]): string[] =>
  calls
    .filter(({ operation, path: at }) => placing.has(operation) && !/\/(?:try|old\/.*)$/.test(at))
    .map(({ path: at }) => path.basename(at))
    .sort()

/** It is renamed as often as the clock of the file system takes to move on. */
function isFence(jobs: Parameters<Host['rename']>[0]): boolean {
  return jobs.some(({ names }) => names.some((name) => name.startsWith('fence-')))
}

describe('a source that arrives before the commit', () => {
  let base: string
  let dest: string
  beforeEach(() => {
    base = freshDir()
    dest = path.join(base, 'dest')
  })

  it('is placed at once, and moved whole by one rename', async () => {
    const sources = stored(base, {
      a: { a1: '1', 'lib/a2': '2', 'lib/link': { symlink: 'a2' } },
      b: { b1: '1', 'lib/deep/er/b2': '2', 'empty/': { dir: true, mode: 0o511 } },
      c: { 'bin/c1': { data: '1', mode: 0o755 } },
    }).map((source) => ({ ...source, to: source.name === 'c' ? 'c' : `@acme/${source.name}` }))
    const { host: on, calls } = recordingHost(host)
    const session = await staged(on, sources, dest)
    const placed = ['a1', 'a2', 'b1', 'b2', 'c1', 'link']
    assert.deepEqual(placedIn(calls), placed)
    assert.equal(fs.existsSync(dest), false)
    const before = calls.length
    const result = await session.commit()
    assert.deepEqual(placedIn(calls.slice(before)), [])
    assert.deepEqual(movesOf(calls), [
      'room/@acme/a → new/dest/@acme/a',
      'room/@acme/b → new/dest/@acme/b',
      'room/c → new/dest/c',
    ])
    const expected = await merged(host, sources, dest)
    assertTree(dest, expected.dest)
    assert.deepEqual(reportOf(result, dest), expected.report)
    assert.deepEqual(stagingIn(base, dest), [])
  })

  it('is moved entry by entry where it shares a directory, and whole below that', async () => {
    const sources = stored(base, {
      a: { 'ns/a1': '1', 'ns/same': 'same', 'ns/a/x': 'x', 'ns/a/y/z': 'z' },
      b: { 'ns/b1': '1', 'ns/same': 'same', 'ns/b/x': 'x', 'ns/b/y/z': 'z' },
    })
    const { host: on, calls } = recordingHost(host)
    const session = await staged(on, sources, dest)
    const before = calls.length
    const result = await session.commit()
    assert.deepEqual(placedIn(calls.slice(before)), [])
    assert.deepEqual(movesOf(calls), [
      'room/ns/a → new/dest/ns/a',
      'room/ns/a1 → new/dest/ns/a1',
      'room/ns/b → new/dest/ns/b',
      'room/ns/b1 → new/dest/ns/b1',
      'room/ns/same → new/dest/ns/same',
    ])
    const expected = await merged(host, sources, dest)
    assertTree(dest, expected.dest)
    assert.deepEqual(reportOf(result, dest), expected.report)
  })

  it('is moved in several calls where that is more than one call takes', async () => {
    const many = (name: string): TreeSpec =>
      Object.fromEntries(
        Array.from({ length: 1100 }, (_, index) => [`ns/${name}-${String(index)}`, name]),
      )
    const deep = (name: string): TreeSpec =>
      Object.fromEntries(
        Array.from({ length: 600 }, (_, index) => [`ns/${name}-${String(index)}.d/x`, name]),
      )
    const sources = stored(base, { a: { ...many('a'), ...deep('a') }, b: many('b') })
    const sizes: number[] = []
    const rename: Host['rename'] = (jobs, replace) => {
      if (!isFence(jobs)) sizes.push(jobs.reduce((sum, { names }) => sum + names.length, 0))
      return host.rename(jobs, replace)
    }
    const session = await staged({ ...host, rename }, sources, dest)
    const result = await session.commit()
    assert.ok(Math.max(...sizes) <= 512, sizes.join(', '))
    // The files of both, the directories of one, and dest itself.
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      2 * 1100 + 600 + 1,
    )
    const expected = await merged(host, sources, dest)
    assertTree(dest, expected.dest)
    assert.deepEqual(reportOf(result, dest), expected.report)
  })

  it('is moved with others in as few calls as hold all names, and its own tree is removed in few', async () => {
    const own = (name: string): TreeSpec =>
      Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [`ns-${String(index)}/${name}`, name]),
      )
    const names = Array.from({ length: 300 }, (_, index) => `source-${String(index)}`)
    const sources = stored(base, Object.fromEntries(names.map((name) => [name, own(name)])))
    const renames: number[] = []
    const removed: number[] = []
    const rename: Host['rename'] = (jobs, replace) => {
      if (!isFence(jobs)) renames.push(jobs.reduce((sum, job) => sum + job.names.length, 0))
      return host.rename(jobs, replace)
    }
    const list: Host['list'] = (places) => {
      if (places.some((place) => pathOf(place).includes('.reflink-merge-'))) {
        removed.push(places.length)
      }
      return host.list(places)
    }
    const session = await staged({ ...host, rename, list }, sources, dest)
    assert.deepEqual([renames, removed], [[], []])
    const result = await session.commit()
    // Six times 512 names hold all files; the last is dest itself.
    assert.deepEqual(renames, [512, 512, 512, 512, 512, 440, 1])
    // The rooms, the shared directories in each, what is empty beside them, and the directory around them: first, and once
    // more when its mark alone is left.
    assert.equal(
      removed.reduce((sum, size) => sum + size),
      300 + 3000 + 2 + 2,
    )
    assert.ok(removed.length < 60, `${String(removed.length)} calls list ${removed.join(', ')}`)
    const expected = await merged(host, sources, dest)
    assertTree(dest, expected.dest)
    assert.deepEqual(reportOf(result, dest), expected.report)
    assert.deepEqual(stagingIn(base, dest), [])
  })

  it('and loses a path: what was staged of it neither comes to dest nor counts', async () => {
    const sources = stored(base, {
      winner: { 'ns/file': 'of the winner', 'ns/kind': 'a file', 'ns/link': { symlink: 'file' } },
      loser: {
        'ns/file': 'of the loser',
        'ns/kind/in it': 'x',
        'ns/link': { symlink: 'kind' },
        'ns/own': 'own',
      },
    })
    // Only what loses is not cloned.
    const lost = ['loser/ns/file', 'loser/ns/kind/in it']
    const { host: on, calls } = recordingHost(host, ({ operation, from = '' }) =>
      operation === 'clone' && lost.some((name) => from.endsWith(name))
        ? failWith('EINVAL', 'ficlone')
        : undefined,
    )
    const options = { conflicts: 'first' } as const
    const session = await staged(on, sources, dest, options)
    assert.ok(calls.some(({ operation, from = '' }) => operation === 'copy' && /in it/.test(from)))
    const result = await session.commit()
    assert.deepEqual(result.linkModes, { clone: 3, hardlink: 0, copy: 0, symlink: 0 })
    assert.deepEqual(result.fallbacks, [])
    assertTree(
      dest,
      writeTree(path.join(base, 'hand-made'), {
        ...{ 'ns/file': 'of the winner', 'ns/kind': 'a file', 'ns/own': 'own' },
        'ns/link': { symlink: 'file' },
      }),
    )
    assert.deepEqual(reportOf(result, dest), (await merged(host, sources, dest, options)).report)
    assert.deepEqual(stagingIn(base, dest), [])
  })

  it('and wants what dest holds: nothing is placed, and nothing is changed at all', async () => {
    const sources = stored(base, {
      a: { 'ns/a': 'a', 'ns/same': 'same', 'ns/link': { symlink: 'a' }, 'empty/': {} },
      b: { 'ns/b/c': 'c', 'ns/same': 'same', run: { data: 'run', mode: 0o755 } },
    })
    await mergeOn(host, sources, dest)
    const { host: on, calls } = recordingHost(host)
    const session = await staged(on, sources, dest, { preserveTimestamps: true })
    const result = await session.commit()
    assert.deepEqual(
      calls.filter(({ operation }) => mutating.has(operation)),
      [],
    )
    assert.deepEqual([result.unchanged, result.created], [5, 0])
    assert.deepEqual(result.linkModes, { clone: 0, hardlink: 0, copy: 0, symlink: 0 })
  })

  it('and has what only looks like what dest holds: it is placed once that is known', async () => {
    const sources = stored(base, { a: { 'ns/alike': 'abc', 'ns/other': 'longer than dest has' } })
    writeTree(dest, { 'ns/alike': 'xyz', 'ns/other': 'short' })
    const { host: on, calls } = recordingHost(host)
    const session = await staged(on, sources, dest, { existing: 'replace' })
    // No byte has been read, so nobody knows yet.
    assert.deepEqual(placedIn(calls), ['other'])
    const result = await session.commit()
    assert.deepEqual(placedIn(calls), ['alike', 'other'])
    assert.equal(result.replaced, 2)
    assertTree(dest, sources[0]?.dir ?? '')
    assert.deepEqual(stagingIn(base, dest), [])
  })

  it('and is only partly wanted: what dest keeps is not staged', async () => {
    const sources = stored(base, { a: { 'ns/new': 'new', 'ns/other': 'other', 'kind/x': 'x' } })
    writeTree(dest, { 'ns/other': 'of dest', kind: 'a file' })
    const { host: on, calls } = recordingHost(host)
    const session = await staged(on, sources, dest, { existing: 'keep' })
    const result = await session.commit()
    assert.deepEqual(placedIn(calls), ['new'])
    assert.deepEqual([result.created, result.kept], [1, 2])
    const kept = { 'ns/new': 'new', 'ns/other': 'of dest', kind: 'a file' }
    assertTree(dest, writeTree(path.join(base, 'hand-made'), kept))
  })

  it('and has names that may be one entry to dest: it waits until all names are known', async () => {
    const sources = stored(base, {
      a: { 'ns/Foo': 'Foo', 'ns/foo': 'foo', 'a/x': 'x' },
      b: { 'ns/b': 'b', 'ns/FOO': 'FOO' },
    })
    const { host: on, calls } = recordingHost(host)
    const session = await staged(on, sources, dest)
    assert.deepEqual(placedIn(calls), ['FOO', 'b'])
    const result = await session.commit()
    assert.deepEqual(placedIn(calls), ['FOO', 'Foo', 'b', 'foo', 'x'])
    const expected = await merged(host, sources, dest)
    assertTree(dest, expected.dest)
    assert.deepEqual(reportOf(result, dest), expected.report)
    assert.deepEqual(stagingIn(base, dest), [])
  })

  it('stays unseen: its directory is of mode 0700 and holds nothing that could be taken for dest', async () => {
    writeTree(dest, { own: 'own' })
    const session = await staged(host, stored(base, { a: { 'ns/a': 'a' } }), dest)
    const names = fs.readdirSync(dest).filter((name) => name !== 'own')
    assert.equal(names.length, 1)
    const [staging = ''] = names
    assert.match(staging, /^\.reflink-merge-/)
    assert.equal(fs.statSync(path.join(dest, staging)).mode & 0o777, 0o700)
    await session.abort()
    assert.deepEqual(fs.readdirSync(dest), ['own'])
  })

  for (const mode of ['hardlink', 'copy', 'symlink'] as const)
    it(`is placed by ${mode} as by merge()`, async () => {
      const sources = stored(base, {
        a: { 'ns/a': 'a', 'ns/same': 'same', 'ns/link': { symlink: 'a' }, 'a/x': 'x' },
        b: { 'ns/b': 'b', 'ns/same': 'same', 'b/x': 'x' },
      })
      const options = { linkModes: mode, mutable: (at: string) => at === 'b/x' }
      const session = await staged(host, sources, dest, options)
      const result = await session.commit()
      const own = mode === 'copy' ? 0 : 1
      assert.deepEqual([result.linkModes[mode], result.linkModes.copy], [5 - own, own || 5])
      const expected = await merged(host, sources, dest, options)
      assertTree(dest, expected.dest)
      assert.deepEqual(reportOf(result, dest), expected.report)
      const a = sources[0]?.dir ?? ''
      // The first that has it gives it, though it came last.
      const [store, ours] = [path.join(a, 'ns/same'), path.join(dest, 'ns/same')]
      if (mode === 'symlink') assert.equal(fs.readlinkSync(ours), store)
      else assert.equal(fs.statSync(ours).ino === fs.statSync(store).ino, mode === 'hardlink')
    })
})
