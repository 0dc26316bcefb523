import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { cpOn } from '../../lib/copy/cp'
import type { Host } from '../../lib/host/host'
import type { CpOptions } from '../../lib/types'
import { onBothHosts } from '../support/both-hosts'
import { freshDir } from '../support/fresh'
import { snapshot } from '../support/snapshot'
import type { TreeEntry } from '../support/snapshot'
import { writeTree } from '../support/tree'
import type { TreeSpec } from '../support/tree'

type Copy = typeof fs.promises.cp
type Options = Partial<Record<keyof CpOptions, unknown>>

interface Case {
  /** What is there: `src` is copied to `dest`. */
  tree: TreeSpec
  options?: Options
  /** Default: `src` and `dest`. */
  paths?: [unknown, unknown]
  /** The code; default: it succeeds. */
  fails?: string
}

const recursive = { recursive: true }
const file: TreeSpec = { src: { data: 'new', mode: 0o755 } }
const tree: TreeSpec = {
  'src/': { dir: true, mode: 0o700 },
  'src/file': 'file',
  'src/run': { data: 'run', mode: 0o755 },
  'src/read-only': { data: 'read', mode: 0o444 },
  'src/empty/': { dir: true, mode: 0o750 },
  'src/deep/er/file': 'deep',
}
const links: TreeSpec = {
  ...tree,
  outside: 'outside',
  'elsewhere/file': 'elsewhere',
  'elsewhere/deep/link': { symlink: '../file' },
  'src/to-file': { symlink: 'file' },
  'src/deep/to-file': { symlink: '../file' },
  'src/to-directory': { symlink: '../elsewhere' },
  'src/to-outside': { symlink: '../outside' },
  'src/absolute': { symlink: '/etc/passwd' },
}
const dangling: TreeSpec = { 'src/link': { symlink: 'nowhere' } }
const older: TreeSpec = { 'dest/file': 'old', 'dest/own': 'own', 'dest/deep/er/own': 'own' }

/** The documentation of fs.promises.cp, sentence by sentence, and the errors that Node has for it. */
const cases: Record<string, Case> = {
  'a file': { tree: file },
  'a file, to a directory that is missing': { tree: file, paths: ['src', 'a/b/dest'] },
  'a file over another': { tree: { ...file, dest: 'old' } },
  'a file over another, without force': {
    tree: { ...file, dest: 'old' },
    options: { force: false },
  },
  'a file beside itself': { tree: { 'a/src': 'x' }, paths: ['a/src', 'a/dest'] },
  'a file over a link': { tree: { ...file, other: 'other', dest: { symlink: 'other' } } },
  'a symlink': { tree: { file: 'x', 'a/src': { symlink: '../file' } }, paths: ['a/src', 'dest'] },
  'a symlink, verbatim': {
    tree: { file: 'x', 'a/src': { symlink: '../file' } },
    paths: ['a/src', 'dest'],
    options: { verbatimSymlinks: true },
  },
  'a symlink, followed': {
    tree: { file: 'x', src: { symlink: 'file' } },
    options: { dereference: true },
  },
  'a symlink to a directory, followed': {
    tree: { 'a/file': 'x', src: { symlink: 'a' } },
    options: { ...recursive, dereference: true },
  },
  'a symlink to a directory': {
    tree: { 'a/file': 'x', src: { symlink: 'a' } },
    options: recursive,
  },
  'file URLs': { tree, options: recursive, paths: [new URL('file:src'), new URL('file:dest')] },
  'a directory': { tree, options: recursive },
  'a directory, to a directory that is missing': {
    tree,
    options: recursive,
    paths: ['src', 'a/b/dest'],
  },
  'an empty directory': { tree: { 'src/': {} }, options: recursive },
  'a directory into another': { tree: { ...tree, ...older }, options: recursive },
  'a directory into another, without force': {
    tree: { ...tree, ...older },
    options: { ...recursive, force: false },
  },
  'a directory into another, whose modes differ': {
    tree: { ...tree, 'dest/run': 'run', 'dest/file': { data: 'file', mode: 0o600 } },
    options: recursive,
  },
  'a directory with links': { tree: links, options: recursive },
  'a directory with links, verbatim': {
    tree: links,
    options: { ...recursive, verbatimSymlinks: true },
  },
  'a directory with links, followed': { tree: links, options: { ...recursive, dereference: true } },
  'a directory with links, over others': {
    tree: {
      ...links,
      'dest/to-file': { symlink: '../own' },
      'dest/absolute': { symlink: '/etc/group' },
    },
    options: recursive,
  },
  'a dangling link': { tree: dangling, options: recursive },
  'a filter': {
    tree: { ...tree, ...older },
    options: { ...recursive, filter: (from: string) => !/er$|run/.test(from) },
  },
  'a filter that returns promises': {
    tree,
    options: { ...recursive, filter: (from: string) => Promise.resolve(!from.includes('deep')) },
  },
  'a filter by dest': {
    tree,
    options: { ...recursive, filter: (_: string, to: string) => !to.includes('deep') },
  },
  'a filter, and links': {
    tree: links,
    options: { ...recursive, filter: (from: string) => !from.includes('outside') },
  },
  'a filter, and links that are followed': {
    tree: links,
    options: { ...recursive, dereference: true, filter: (from: string) => !from.endsWith('link') },
  },
  'a filter that leaves out all': { tree, options: { ...recursive, filter: () => false } },
  'a filter that throws': {
    tree: { 'src/file': 'x' },
    options: {
      ...recursive,
      filter: (from: string) => {
        if (from.endsWith('file')) throw Object.assign(new Error('no'), { code: 'ERR_NO' })
        return true
      },
    },
    fails: 'ERR_NO',
  },
  COPYFILE_EXCL: {
    tree: { ...tree, ...older },
    options: { ...recursive, mode: fs.constants.COPYFILE_EXCL },
  },
  COPYFILE_FICLONE: { tree, options: { ...recursive, mode: fs.constants.COPYFILE_FICLONE } },

  'a directory, without recursive': { tree, fails: 'ERR_FS_EISDIR' },
  nothing: { tree: {}, options: recursive, fails: 'ENOENT' },
  'below a file': { tree: { ...file, dest: 'x' }, paths: ['src', 'dest/a'], fails: 'ENOTDIR' },
  'a file onto itself': { tree: file, paths: ['src', 'src'], fails: 'ERR_FS_CP_EINVAL' },
  'a directory onto itself': {
    tree,
    options: recursive,
    paths: ['src', 'src/../src'],
    fails: 'ERR_FS_CP_EINVAL',
  },
  'a directory into itself': {
    tree,
    options: recursive,
    paths: ['src', 'src/deep/dest'],
    fails: 'ERR_FS_CP_EINVAL',
  },
  'a directory into itself, through a link': {
    tree: { ...tree, link: { symlink: 'src' } },
    options: recursive,
    paths: ['src', 'link/dest'],
    fails: 'ERR_FS_CP_EINVAL',
  },
  'a directory over a file': {
    tree: { ...tree, dest: 'x' },
    options: recursive,
    fails: 'ERR_FS_CP_DIR_TO_NON_DIR',
  },
  'a directory over a link to a directory': {
    tree: { ...tree, 'a/': {}, dest: { symlink: 'a' } },
    options: recursive,
    fails: 'ERR_FS_CP_DIR_TO_NON_DIR',
  },
  'a file over a directory': {
    tree: { ...file, 'dest/': {} },
    fails: 'ERR_FS_CP_NON_DIR_TO_DIR',
  },
  'a directory over a file, deep': {
    tree: { 'src/a/b/file': 'x', 'dest/a/b': 'x' },
    options: recursive,
    fails: 'ERR_FS_CP_DIR_TO_NON_DIR',
  },
  'a directory over a link, deep': {
    tree: { 'src/a/b/file': 'x', 'c/': {}, 'dest/a/b': { symlink: '../../c' } },
    options: recursive,
    fails: 'ERR_FS_CP_DIR_TO_NON_DIR',
  },
  'a file over a directory, deep': {
    tree: { 'src/a/b': 'x', 'dest/a/b/file': 'x' },
    options: { ...recursive, force: false },
    fails: 'ERR_FS_CP_NON_DIR_TO_DIR',
  },
  'a link over a file, deep': {
    tree: { 'src/a/link': { symlink: 'nowhere' }, 'dest/a/link': 'x' },
    options: recursive,
    fails: 'EEXIST',
  },
  'a file that exists, with errorOnExist': {
    tree: { ...file, dest: 'x' },
    options: { force: false, errorOnExist: true },
    fails: 'ERR_FS_CP_EEXIST',
  },
  'a file that exists, with errorOnExist and force': {
    tree: { ...file, dest: 'x' },
    options: { errorOnExist: true },
  },
  // Before Node 22 it is the file that is refused, since then dest.
  'a file that exists in a directory, with errorOnExist': {
    tree: { 'src/file': 'new', 'dest/file': 'old' },
    options: { ...recursive, force: false, errorOnExist: true },
    fails: 'ERR_FS_CP_EEXIST',
  },
  'a file that exists in a directory and is the same, with errorOnExist': {
    tree: { 'src/file': 'same', 'dest/file': 'same' },
    options: { ...recursive, force: false, errorOnExist: true },
    fails: 'ERR_FS_CP_EEXIST',
  },
  'nothing that exists, with errorOnExist': {
    tree,
    options: { ...recursive, force: false, errorOnExist: true },
  },
  'a fifo': { tree: { src: { fifo: true } }, fails: 'ERR_FS_CP_FIFO_PIPE' },
  'a fifo in a directory': {
    tree: { 'src/a/pipe': { fifo: true } },
    options: recursive,
    fails: 'ERR_FS_CP_FIFO_PIPE',
  },
  'a fifo behind a link that is followed': {
    tree: { 'a/pipe': { fifo: true }, 'src/link': { symlink: '../a' } },
    options: { ...recursive, dereference: true },
    fails: 'ERR_FS_CP_FIFO_PIPE',
  },
  'a dangling link, followed': {
    tree: dangling,
    options: { ...recursive, dereference: true },
    fails: 'ENOENT',
  },
  'a link in a circle, followed': {
    tree: { 'src/link': { symlink: 'link' } },
    options: { ...recursive, dereference: true },
    fails: 'ELOOP',
  },

  'no path': { tree: {}, paths: [1, 'dest'], fails: 'ERR_INVALID_ARG_TYPE' },
  'no path as dest': { tree: {}, paths: ['src', undefined], fails: 'ERR_INVALID_ARG_TYPE' },
  'a path with NUL': { tree: {}, paths: ['a\0', 'dest'], fails: 'ERR_INVALID_ARG_VALUE' },
  'a URL that is no file': {
    tree: {},
    paths: [new URL('http://a/b'), 'dest'],
    fails: 'ERR_INVALID_URL_SCHEME',
  },
  'dereference and verbatimSymlinks': {
    tree,
    options: { dereference: true, verbatimSymlinks: true },
    fails: 'ERR_INCOMPATIBLE_OPTION_PAIR',
  },
  'a filter that is no function': {
    tree,
    options: { filter: 'no' },
    fails: 'ERR_INVALID_ARG_TYPE',
  },
  'a mode that is none': { tree, options: { mode: 64 }, fails: 'ERR_OUT_OF_RANGE' },
  'a mode that is no number': { tree, options: { mode: 'x' }, fails: 'ERR_INVALID_ARG_TYPE' },
}
for (const name of [
  ...['dereference', 'errorOnExist', 'force', 'preserveTimestamps', 'recursive'],
  'verbatimSymlinks',
])
  cases[`${name} that is no boolean`] = {
    tree,
    options: { [name]: 1 },
    fails: 'ERR_INVALID_ARG_TYPE',
  }

interface Outcome {
  before: TreeEntry[]
  tree: TreeEntry[]
  /** What the filter was asked. */
  asked: string[]
  error: Record<string, unknown> | undefined
}

const told = ['name', 'code', 'errno', 'syscall', 'path', 'dest', 'message'] as const

/** Runs a case in this directory, which is empty before. */
async function outcomeOf(dir: string, copy: Copy, its: Case): Promise<Outcome> {
  const before = snapshot(writeTree(dir, its.tree))
  const [src, dest] = (its.paths ?? ['src', 'dest']).map((at): unknown => {
    if (typeof at === 'string') return path.join(dir, at)
    const isFile = at instanceof URL && at.protocol === 'file:'
    return isFile ? pathToFileURL(path.join(dir, path.basename(at.pathname))) : at
  })
  const asked: string[] = []
  const options: Options = { ...its.options }
  const { filter } = options
  if (typeof filter === 'function')
    options.filter = (from: string, to: string): unknown => {
      asked.push(`${from} -> ${to}`)
      return (filter as (from: string, to: string) => unknown)(from, to)
    }
  let error: Outcome['error']
  try {
    await copy(src as string, dest as string, options as CpOptions)
  } catch (thrown) {
    assert.ok(thrown instanceof Error)
    const all = thrown as Error & Record<string, unknown>
    error = Object.fromEntries(told.map((name) => [name, all[name]]))
  }
  return { before, tree: snapshot(dir), asked: asked.sort(), error }
}

/** Both, one after the other in the same place, so that they see the same paths. */
async function bothOutcomes(host: Host, its: Case): Promise<[Outcome, Outcome]> {
  const dir = path.join(freshDir(), 'case')
  const theirs = await outcomeOf(dir, fs.promises.cp, its)
  fs.rmSync(dir, { recursive: true })
  const ours = await outcomeOf(dir, (...args) => cpOn(host, ...args), its)
  return [ours, theirs]
}

describe('cp() beside fs.promises.cp', () => {
  onBothHosts((host) => {
    for (const [name, its] of Object.entries(cases))
      it(`${its.fails === undefined ? 'copies' : 'refuses'}: ${name}`, async () => {
        const [ours, theirs] = await bothOutcomes(host, its)
        assert.equal(theirs.error?.['code'], its.fails, String(theirs.error?.['message']))
        // What Node has copied by then stays; here nothing does.
        const tree = its.fails === undefined ? theirs.tree : theirs.before
        assert.deepEqual(ours, { ...theirs, tree })
      })

    it('refuses a socket', async () => {
      const dir = writeTree(freshDir(), { 'src/': {} })
      const paths: [string, string] = [path.join(dir, 'src'), path.join(dir, 'dest')]
      const server = net.createServer()
      await new Promise<void>((resolve) => {
        server.listen(path.join(dir, 'src/socket'), resolve)
      })
      try {
        const expected = { code: 'ERR_FS_CP_SOCKET', path: path.join(dir, 'dest/socket') }
        await assert.rejects(cpOn(host, ...paths, { recursive: true }), expected)
        assert.equal(fs.existsSync(paths[1]), false)
        await assert.rejects(fs.promises.cp(...paths, { recursive: true }), expected)
      } finally {
        server.close()
      }
    })

    it('keeps the times of files with preserveTimestamps', async () => {
      const dir = writeTree(freshDir(), { 'src/deep/file': 'x', 'src/read-only': { mode: 0o444 } })
      const [src, ours, theirs] = ['src', 'ours', 'theirs'].map((name) => path.join(dir, name))
      assert.ok(src !== undefined && ours !== undefined && theirs !== undefined)
      const files = ['deep/file', 'read-only']
      for (const each of files) fs.utimesSync(path.join(src, each), 1_000_000, 2_000_000)
      const options = { recursive: true, preserveTimestamps: true }
      await cpOn(host, src, ours, options)
      await fs.promises.cp(src, theirs, options)
      const times = (top: string): number[] =>
        files.map((each) => fs.statSync(path.join(top, each)).mtimeMs)
      assert.deepEqual(times(ours), [2e9, 2e9])
      assert.deepEqual(times(ours), times(theirs))
    })
  })
})
