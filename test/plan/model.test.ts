import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

import fc from 'fast-check'

import { MergeError } from '../../lib/errors'
import { merge, planMerge } from '../../lib/index'
import type { Conflict, LinkMode, MergeResult, Source } from '../../lib/index'
import { freshDir } from '../support/fresh'
import { asNobody, giveToNobody } from '../support/nobody'
import { assertTree, snapshot } from '../support/snapshot'
import type { TreeEntry } from '../support/snapshot'
import { writeTree } from '../support/tree'
import type { TreeNode } from '../support/tree'
import { identical, modelMerge, parentOf } from './model'
import type { ModelEntry, ModelPolicies, ModelSource, ModelTree } from './model'

const RUNS = Number(process.env['REFLINK_MERGE_RUNS'] ?? 300)

/** One merge, as a counterexample is printed and can be pasted into a test. */
interface Case {
  sources: readonly CaseSource[]
  /** Path → what stands there; undefined: dest is absent. */
  dest: CaseTree | undefined
  /** Names above dest that are absent with it. */
  missing?: number
  conflicts?: ModelPolicies['conflicts']
  existing?: ModelPolicies['existing']
  linkModes?: LinkMode[]
}

interface CaseSource {
  to?: string
  /** Of the source's own directory. */
  mode?: string
  tree: CaseTree
  /** Given as a map of files: links, empty directories and modes of directories are left out. */
  asFiles?: boolean
}

/** `x 644`: a file with its mode; `→ b`: a symlink; `755`: a directory. */
type CaseTree = Readonly<Record<string, string>>

function parse(text: string): ModelEntry {
  if (text.startsWith('→ ')) return { type: 'symlink', target: text.slice(2) }
  const [, data, mode = ''] = /^(?:(.*) )?(\d+)$/.exec(text) ?? []
  if (data === undefined) return { type: 'directory', mode: parseMode(mode) }
  return { type: 'file', data, mode: parseMode(mode) }
}

function parseMode(octal: string): number {
  return Number.parseInt(octal, 8)
}

/** With the directories that are not named; an entry that another leaves no room is left out. */
function treeOf(given: CaseTree): ModelTree {
  const tree = new Map<string, ModelEntry>()
  const add = (name: string, entry: ModelEntry): boolean => {
    const parent = parentOf(name)
    if (parent !== '' && tree.get(parent)?.type !== 'directory') {
      if (tree.has(parent) || !add(parent, { type: 'directory', mode: 0o755 })) return false
    }
    if (tree.has(name)) return false
    tree.set(name, entry)
    return true
  }
  for (const [name, text] of Object.entries(given)) add(name, parse(text))
  return tree
}

/** What a map of files can tell of a tree. */
function filesOf(tree: ModelTree): ModelTree {
  const result = new Map<string, ModelEntry>()
  for (const [name, entry] of tree) {
    if (entry.type !== 'file') continue
    for (let dir = parentOf(name); dir !== ''; dir = parentOf(dir)) {
      result.set(dir, { type: 'directory', mode: undefined })
    }
    result.set(name, entry)
  }
  return result
}

function write(dir: string, tree: ModelTree): void {
  const nodes = [...tree].map(([name, entry]): [string, TreeNode] => {
    if (entry.type === 'directory') return [`${name}/`, { dir: true, mode: entry.mode ?? 0o755 }]
    return [name, entry.type === 'file' ? entry : { symlink: entry.target }]
  })
  writeTree(dir, Object.fromEntries(nodes))
}

/** As snapshot() would find it. */
function expectedIn(prefix: string, tree: ModelTree): TreeEntry[] {
  return [...tree].map(([name, entry]): TreeEntry => {
    const at = { path: prefix + name, type: entry.type }
    if (entry.type === 'symlink') return { ...at, target: entry.target }
    const mode = (entry.mode ?? 0).toString(8)
    if (entry.type === 'directory') return { ...at, mode }
    const sha256 = createHash('sha256').update(entry.data).digest('hex')
    return { ...at, mode, size: entry.data.length, sha256 }
  })
}

/** The mode that the umask leaves a directory. */
function umaskedMode(dir: string): number {
  const made = path.join(dir, 'made')
  fs.mkdirSync(made)
  return fs.statSync(made).mode & 0o777
}

/**
 * Inode, mtime and ctime of everything in `dir` and of itself: two equal ones tell that nothing was made, written,
 * renamed, linked or chmodded in between. No link is followed: they lead in circles here.
 */
function states(dir: string): string[] {
  const below = snapshot(dir, { contents: false }).map((entry) => entry.path)
  return ['', ...below].map((name) => {
    const { ino, mtimeNs, ctimeNs } = fs.lstatSync(path.join(dir, name), { bigint: true })
    return [name, ino, mtimeNs, ctimeNs].join(' ')
  })
}

/** Runs one merge, planned and for real, and once more; everything must be as the model has it. */
async function check(given: Case): Promise<void> {
  const scene = freshDir()
  await checkIn(scene, given)
  // What an ordinary user may not remove goes with the others, after the test.
  await fs.promises.rm(scene, { recursive: true }).catch(() => undefined)
}

async function checkIn(scene: string, given: Case): Promise<void> {
  const { conflicts = 'error', existing = 'error', missing = 0, linkModes } = given
  const directoryMode = umaskedMode(scene)
  const policies = { conflicts, existing, directoryMode }
  const parent = path.join(scene, 'parent')
  writeTree(parent, { 'beside/file': 'not ours' })
  const above = given.dest === undefined ? ['p', 'q'].slice(0, missing) : []
  const dest = path.join(parent, ...above, 'dest')
  const before = given.dest && treeOf(given.dest)
  if (before !== undefined) write(dest, before)

  const models: ModelSource[] = []
  const sources = given.sources.map(
    ({ tree: written, to = '', mode = '755', asFiles = false }, index) => {
      const tree = treeOf(written)
      const name = `s${String(index)}`
      const dir = path.join(scene, 'store', name)
      write(dir, tree)
      fs.chmodSync(dir, mode)
      const known = asFiles
        ? { mode: undefined, tree: filesOf(tree) }
        : { mode: parseMode(mode), tree }
      models.push({ name, to, ...known })
      const source: Source = { name }
      if (to !== '') source.to = to
      if (asFiles) source.files = mapOf(dir, tree)
      else source.dir = dir
      return source
    },
  )
  const options = { conflicts, existing, ...(linkModes && { linkModes }) }

  const expected = modelMerge(models, before, policies)
  const untouched = states(parent)
  const plan = await planMerge(sources, dest, options)
  assert.deepEqual({ ...plan, entries: [...plan.entries()] }, expected.plan)
  assert.deepEqual(states(parent), untouched)
  assertOneWinner(models, plan.entries())

  const outcome = await merge(sources, dest, options).catch((error: unknown) => error)
  if (expected.result === undefined) {
    assertConflicts(outcome, expected.undecided)
    assert.deepEqual(states(parent), untouched)
    return
  }
  assertResult(outcome, expected)
  const names = above.map((_, depth) => above.slice(0, depth + 1).join('/'))
  const around: ModelTree = new Map<string, ModelEntry>([
    ['beside', { type: 'directory', mode: 0o755 }],
    ['beside/file', { type: 'file', data: 'not ours', mode: 0o644 }],
    ...[...names, [...above, 'dest'].join('/')].map((name): [string, ModelEntry] => {
      return [name, { type: 'directory', mode: before ? 0o755 : directoryMode }]
    }),
  ])
  const below = [...above, 'dest', ''].join('/')
  const wanted = [...expectedIn('', around), ...expectedIn(below, expected.result.after)]
  assertTree(parent, wanted)

  const merged = states(parent)
  const again = modelMerge(models, expected.result.after, policies)
  assertResult(await merge(sources, dest, options), again)
  assert.deepEqual(again.result?.created, 0)
  assert.deepEqual(again.result.replaced, 0)
  assert.deepEqual(states(parent), merged)
}

function mapOf(dir: string, tree: ModelTree): Map<string, string> {
  const files = [...tree].filter(([, { type }]) => type === 'file')
  return new Map(files.map(([name]) => [name, path.join(dir, name)]))
}

function assertConflicts(outcome: unknown, undecided: readonly Conflict[]): void {
  assert.ok(outcome instanceof MergeError, `not refused: ${String(outcome)}`)
  assert.equal(outcome.code, 'ERR_MERGE_CONFLICT')
  const byPath = (a: Conflict, b: Conflict): number => (a.path < b.path ? -1 : 1)
  assert.deepEqual(outcome.conflicts?.toSorted(byPath), undecided)
}

function assertResult(outcome: unknown, { plan, result }: ReturnType<typeof modelMerge>): void {
  if (outcome instanceof Error) throw outcome
  const told = outcome as MergeResult
  assert.ok(result)
  const { created, replaced, kept, unchanged, placed } = result
  const { files, directories, symlinks, bytes, conflicts, sources, linkModes } = told
  const counts = { files, directories, symlinks, bytes, conflicts, sources }
  assert.deepEqual({ ...counts, entries: plan.entries }, plan)
  assert.deepEqual(
    [told.created, told.replaced, told.kept, told.unchanged],
    [created, replaced, kept, unchanged],
  )
  assert.equal(
    Object.values(linkModes).reduce((sum, count) => sum + count),
    placed,
  )
}

/** For any two packages, what both provide comes from the same one. */
function assertOneWinner(
  models: readonly ModelSource[],
  entries: Iterable<{ path: string; source: string; type: string }>,
): void {
  const beaten = new Set<string>()
  const at = ({ to, tree }: ModelSource, name: string): ModelEntry | undefined => {
    if (to === '') return tree.get(name)
    return name.startsWith(`${to}/`) ? tree.get(name.slice(to.length + 1)) : undefined
  }
  for (const { path: name, source, type } of entries) {
    if (type === 'directory') continue
    const winner = models.find((model) => model.name === source)
    const entry = winner && at(winner, name)
    assert.ok(entry)
    for (const model of models) {
      const other = at(model, name)
      if (other !== undefined && !identical(entry, other)) beaten.add(`${source} ${model.name}`)
    }
  }
  for (const pair of beaten) assert.ok(!beaten.has(pair.split(' ').reverse().join(' ')), pair)
}

const names = fc.constantFrom('a', 'b', 'c')
// All but one of a size, so that bytes must tell; 644 and 600 have the same executable bits.
const file = fc
  .tuple(fc.constantFrom('x', 'y', 'x', ''), fc.constantFrom('644', '644', '600', '755'))
  .map((words) => words.join(' '))

function entriesOf(
  directoryModes: string[],
  targets: fc.Arbitrary<string>,
  maxLength: number,
): fc.Arbitrary<[string, string][]> {
  const paths = fc.array(names, { minLength: 1, maxLength: 3 })
  const directory = fc.constantFrom(...directoryModes)
  const text = fc.oneof({ arbitrary: file, weight: 4 }, directory, fc.constant('→'))
  const entry = fc.tuple(paths, text, targets, fc.nat(2)).map(([at, what, target, up]) => {
    const climb = '../'.repeat(Math.min(up, at.length - 1))
    return [at.join('/'), what === '→' ? `→ ${climb}${target}` : what] satisfies [string, string]
  })
  return fc.array(entry, { maxLength })
}

// dest may hold links to anywhere, also out of it.
const anywhere = fc.constantFrom('a', 'b', 'c', '../beside', '../../beside', '/dev/null')

/** What a tree takes of the common entries: some of them, one of those perhaps as another file. */
const share = { picks: fc.nat(63), twist: fc.nat(11), twisted: file }

const cases: fc.Arbitrary<Case> = fc
  .record({
    // What sources and dest share in, so that they often have the same, or nearly.
    common: entriesOf(['755', '700'], names, 6),
    sources: fc.array(
      fc.record({
        ...share,
        own: entriesOf(['755', '700', '555'], names, 4),
        to: fc.constantFrom('', '', '', '', 'a', 'b', 'a/b', 'c/a/b'),
        mode: fc.constantFrom('755', '700', '555'),
        asFiles: fc.constantFrom(false, false, true),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    dest: fc.option(fc.record({ ...share, own: entriesOf(['755', '700'], anywhere, 4) }), {
      nil: undefined,
    }),
    missing: fc.nat(2),
    conflicts: fc.constantFrom('error', 'first', 'last'),
    existing: fc.constantFrom('error', 'keep', 'replace'),
    linkModes: fc.constantFrom<LinkMode[]>(['clone', 'copy'], ['hardlink']),
  })
  .map(({ common, sources, dest, ...options }): Case => {
    const treeFrom = ({ picks, twist, twisted, own }: Share): CaseTree => {
      const taken = common
        .map(([at, text], index) => [at, index === twist ? twisted : text] as const)
        .filter((_, index) => (picks & (1 << index)) !== 0)
      return Object.fromEntries([...taken, ...own])
    }
    return {
      sources: sources.map(({ to, mode, asFiles, ...rest }) => ({
        tree: treeFrom(rest),
        ...{ to, mode, asFiles },
      })),
      dest: dest && treeFrom(dest),
      ...options,
    }
  })

interface Share {
  picks: number
  twist: number
  twisted: string
  own: readonly [string, string][]
}

describe('a merge, compared with a model in memory', function () {
  this.timeout(Math.max(60_000, RUNS * 200))

  it(`of any small trees gives the model's plan, tree, report and conflicts (${String(RUNS)} runs)`, async () => {
    await fc.assert(fc.asyncProperty(cases, check), { numRuns: RUNS })
  })
})

describe('a merge', () => {
  const one = { tree: { a: 'x 644' } }
  const other = { tree: { a: 'y 644' } }

  for (const conflicts of ['error', 'first', 'last'] as const) {
    it(`of two alike and one that differs is one conflict of all three (${conflicts})`, () =>
      check({ sources: [one, one, other], dest: undefined, conflicts }))

    it(`of a file between two directories takes the kind of the winner (${conflicts})`, () =>
      check({
        sources: [
          { tree: { 'a/b': 'x 644', 'a/c': '700' } },
          { tree: { a: 'x 644', 'b/c': 'y 644' } },
          { tree: { 'a/b': 'y 644', b: '→ c' } },
        ],
        dest: undefined,
        conflicts,
      }))
  }

  it('that replaces a file by a directory plans to replace it', () =>
    check({
      sources: [{ tree: {}, to: 'c/a/b' }],
      dest: { 'c/a': 'x 644' },
      existing: 'replace',
    }))

  for (const existing of ['error', 'keep', 'replace'] as const) {
    it(`names all sources of the same file that differs from dest's (${existing})`, () =>
      check({ sources: [one, one], dest: { a: 'y 644' }, existing }))

    it(`names all sources of a file where dest has a directory (${existing})`, () =>
      check({ sources: [one, one], dest: { 'a/b': 'x 644' }, existing }))

    it(`never goes through a symlink of dest (${existing})`, () =>
      check({ sources: [{ tree: { 'a/b': 'x 644' } }], dest: { a: '→ ../beside' }, existing }))
  }

  it('gives the place of a package the mode of the package', () =>
    check({
      sources: [{ tree: {}, to: 'b', mode: '700' }, { tree: { b: '755' } }],
      dest: undefined,
    }))

  it('as an ordinary user fills and moves directories that their owner may not write to', async () => {
    const scene = freshDir()
    const given: Case = {
      sources: [
        { tree: { a: '555', 'a/b': '555', 'a/b/c': 'x 644' }, to: 'c', mode: '555' },
        { tree: { 'c/a/b/a': 'x 644', b: '555', 'b/c': 'y 444' } },
      ],
      dest: { b: 'x 644' },
      existing: 'replace',
    }
    if (process.getuid?.() !== 0) return checkIn(scene, given)
    giveToNobody(scene)
    await asNobody(() => checkIn(scene, given))
  })
})
