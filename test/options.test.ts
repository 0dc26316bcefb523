import assert from 'node:assert/strict'
import path from 'node:path'
import { mock } from 'node:test'
import { inspect } from 'node:util'

import { merge, planMerge } from '../lib/index'
import type { MergeOptions, Source, SourceOptions } from '../lib/index'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { assertTree, snapshot } from './support/snapshot'
import { writeTree } from './support/tree'

type Kind = 'TYPE' | 'VALUE'

/** What is wrong: the kind of error, the bad value, what the message must hold. */
type Row = readonly [kind: Kind, value: unknown, ...told: string[]]

/** merge() and planMerge() refuse these arguments with that message, and nothing is created. */
async function assertRefused(
  [kind, , ...told]: Row,
  argumentsIn: (base: string) => readonly [sources: unknown, dest: unknown, options?: unknown],
): Promise<void> {
  const base = writeTree(freshDir(), { 'src/a': 'a' })
  const before = snapshot(base)
  const [sources, dest, options] = argumentsIn(base)
  for (const run of [merge, planMerge]) {
    const error = await failureOf(
      run(sources as Source[], dest as string, options as MergeOptions | undefined),
    )
    assert.equal(error.code, `ERR_INVALID_ARG_${kind}`, error.message)
    assert.ok(error instanceof (kind === 'TYPE' ? TypeError : RangeError))
    for (const each of told) assert.ok(error.message.includes(each), error.message)
    assert.ok(error.message.length < 300, error.message)
  }
  assertTree(base, before)
}

function shown(value: unknown): string {
  const text = inspect(value, { depth: 2, breakLength: Infinity })
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

const notBooleans: Row[] = [1, 0, 'true', null, {}].map((value) => ['TYPE', value, 'a boolean'])
const notFunctions: Row[] = ['x', null, {}, true].map((value) => ['TYPE', value, 'a function'])

const badOptions: Partial<Record<keyof MergeOptions, readonly Row[]>> = {
  linkModes: [
    ['TYPE', null, "'clone', 'hardlink', 'copy', 'symlink'"],
    ['TYPE', 1, "'clone', 'hardlink', 'copy', 'symlink'"],
    ['TYPE', {}, "'clone', 'hardlink', 'copy', 'symlink'"],
    ['TYPE', ['clone', 7], "'clone', 'hardlink', 'copy', 'symlink'", '7'],
    ['TYPE', [['clone']], "'clone', 'hardlink', 'copy', 'symlink'"],
    ['VALUE', 'reflink', "'clone', 'hardlink', 'copy', 'symlink'", "'reflink'"],
    ['VALUE', '', "'clone', 'hardlink', 'copy', 'symlink'"],
    ['VALUE', ['clone', 'Copy'], "'clone', 'hardlink', 'copy', 'symlink'", "'Copy'"],
    ['VALUE', [], 'one or more of'],
    ['VALUE', ['copy', 'clone', 'copy'], 'each once'],
    ['VALUE', [undefined], 'one or more of'],
  ],
  conflicts: [
    ['TYPE', null, "'error', 'first', 'last', 'exclusive' or a function"],
    ['TYPE', 1, "'error', 'first', 'last', 'exclusive'"],
    ['TYPE', true, "'error', 'first', 'last', 'exclusive'"],
    ['TYPE', ['last'], "'error', 'first', 'last', 'exclusive'"],
    ['VALUE', 'newest', "'error', 'first', 'last', 'exclusive'", "'newest'"],
    ['VALUE', 'Exclusive', "'error', 'first', 'last', 'exclusive'", "'Exclusive'"],
    ['VALUE', 'x'.repeat(100_000), "'error', 'first', 'last'"],
  ],
  existing: [
    ['TYPE', null, "'error', 'keep', 'replace'"],
    ['TYPE', false, "'error', 'keep', 'replace'"],
    ['TYPE', () => 'keep', "'error', 'keep', 'replace'"],
    ['VALUE', 'overwrite', "'error', 'keep', 'replace'", "'overwrite'"],
  ],
  symlinks: [
    ['TYPE', null, "'contained', 'verbatim', 'reject'"],
    ['TYPE', true, "'contained', 'verbatim', 'reject'"],
    ['VALUE', 'follow', "'contained', 'verbatim', 'reject'", "'follow'"],
  ],
  specials: [
    ['TYPE', null, "'error', 'skip'"],
    ['TYPE', true, "'error', 'skip'"],
    ['VALUE', 'ignore', "'error', 'skip'", "'ignore'"],
  ],
  mutable: notFunctions,
  writable: notBooleans,
  preserveTimestamps: notBooleans,
  directoryClone: notBooleans,
  quarantine: [
    ['TYPE', null, "'keep', 'drop'"],
    ['TYPE', true, "'keep', 'drop'"],
    ['VALUE', 'remove', "'keep', 'drop'", "'remove'"],
  ],
  concurrency: [
    ['TYPE', '4', 'a whole number, 1 or more', "'4'"],
    ['TYPE', null, 'a whole number, 1 or more'],
    ['TYPE', 4n, 'a whole number, 1 or more'],
    ['TYPE', {}, 'a whole number, 1 or more'],
    ['VALUE', 0, 'a whole number, 1 or more', 'not 0'],
    ['VALUE', -1, 'a whole number, 1 or more', 'not -1'],
    ['VALUE', 1.5, 'a whole number, 1 or more', 'not 1.5'],
    ['VALUE', NaN, 'a whole number, 1 or more', 'not NaN'],
    ['VALUE', Infinity, 'a whole number, 1 or more', 'not Infinity'],
  ],
  durability: [
    ['TYPE', null, "'none', 'full'"],
    ['TYPE', true, "'none', 'full'"],
    ['VALUE', 'half', "'none', 'full'", "'half'"],
  ],
  lock: [
    ['TYPE', null, 'false or an object'],
    ['TYPE', true, 'false or an object'],
    ['TYPE', 1000, 'false or an object'],
    ['TYPE', 'none', 'false or an object'],
    ['TYPE', { timeout: '5' }, 'options.lock.timeout', 'milliseconds', "'5'"],
    ['TYPE', { timeout: null }, 'options.lock.timeout', 'milliseconds'],
    ['TYPE', { timeout: 5n }, 'options.lock.timeout', 'milliseconds'],
    ['VALUE', { timeout: -1 }, 'options.lock.timeout', '0 or more', 'not -1'],
    ['VALUE', { timeout: NaN }, 'options.lock.timeout', '0 or more', 'not NaN'],
  ],
  signal: [
    ['TYPE', null, 'an AbortSignal'],
    ['TYPE', { aborted: false }, 'an AbortSignal'],
    ['TYPE', new AbortController(), 'an AbortSignal'],
    ['TYPE', 'SIGINT', 'an AbortSignal'],
  ],
  onProgress: notFunctions,
}

const badPaths: readonly Row[] = [
  ['TYPE', undefined, 'a string'],
  ['TYPE', null, 'a string'],
  ['TYPE', 1, 'a string'],
  ['TYPE', {}, 'a string'],
  ['TYPE', Buffer.from('/tmp/x'), 'a string'],
  ['TYPE', new URL('file:///tmp/x'), 'a string'],
  ['VALUE', '', 'must not be empty'],
  ['VALUE', 'a\0b', 'NUL'],
]

const badSources: readonly (readonly [why: string, Kind, source: unknown, ...told: string[]])[] = [
  ['no object', 'TYPE', 'src', 'sources[1] must be an object'],
  ['null', 'TYPE', null, 'sources[1] must be an object'],
  ['undefined', 'TYPE', undefined, 'sources[1] must be an object'],
  ['without a name', 'TYPE', { dir: '/tmp' }, 'sources[1].name must be a string'],
  ['a name that is no string', 'TYPE', { name: 1, dir: '/' }, 'sources[1].name must be a string'],
  ['neither dir nor files', 'VALUE', { name: 'p' }, 'sources[1] ("p")', 'either dir or files'],
  [
    'both dir and files',
    'VALUE',
    { name: 'p', dir: '/tmp', files: new Map() },
    'sources[1] ("p")',
    'either dir or files',
  ],
  ['a taken name', 'VALUE', { name: 'good', dir: '/tmp' }, 'sources[1].name "good"', 'unique'],
  ['files in an array', 'TYPE', { name: 'p', files: ['/a'] }, 'sources[1].files', 'a Map'],
  ['files in a Set', 'TYPE', { name: 'p', files: new Set(['/a']) }, 'sources[1].files', 'a Map'],
  ['files as null', 'TYPE', { name: 'p', files: null }, 'sources[1].files', 'a Map'],
  [
    'files with a key that is no string',
    'TYPE',
    { name: 'p', files: new Map([[1, '/a']]) },
    'a key of sources[1].files must be a string',
  ],
  [
    'files with a value that is no string',
    'TYPE',
    { name: 'p', files: new Map([['a', Buffer.from('/a')]]) },
    'sources[1].files.get("a") must be a path, or an object with path, content or target',
  ],
  ...(
    [
      [{}, 'VALUE', '["a"] must have one of path, content and target'],
      [{ path: '/a', target: 'b' }, 'VALUE', '["a"] must have one of'],
      [{ path: 1 }, 'TYPE', '["a"].path must be a string'],
      [{ path: '' }, 'VALUE', '["a"] must not be empty'],
      ['', 'VALUE', '["a"] must not be empty'],
      ['/a\0b', 'VALUE', '["a"] must not contain NUL characters'],
      [{ path: '/a', size: -1 }, 'VALUE', '["a"].size must be a number of bytes, 0 or more'],
      [{ path: '/a', size: '1' }, 'TYPE', '["a"].size must be a number of bytes'],
      [{ path: '/a', mode: 0.5 }, 'VALUE', '["a"].mode must be a mode'],
      [{ content: 1 }, 'TYPE', '["a"].content must be a string or a Uint8Array'],
      [{ content: null }, 'TYPE', '["a"].content must be a string or a Uint8Array'],
      [{ target: 1 }, 'TYPE', '["a"].target must be a string'],
      [{ target: '' }, 'VALUE', '["a"].target must not be empty'],
      [null, 'TYPE', '["a"] must be a path, or an object'],
    ] as const
  ).map(
    ([entry, kind, told]) =>
      [`files with ${inspect(entry)}`, kind, { name: 'p', files: { a: entry } }, told] as const,
  ),
  ['to: number', 'TYPE', { name: 'p', dir: '/', to: 1 }, 'sources[1].to must be a string'],
  ['to: null', 'TYPE', { name: 'p', dir: '/', to: null }, 'sources[1].to must be a string'],
  [
    'filter: text',
    'TYPE',
    { name: 'p', dir: '/', filter: '*' },
    'sources[1].filter must be a function',
  ],
  [
    'filter: null',
    'TYPE',
    { name: 'p', dir: '/', filter: null },
    'sources[1].filter must be a function',
  ],
]

describe('options', () => {
  const good = (base: string): Source => ({ name: 'good', dir: path.join(base, 'src') })
  const destIn = (base: string): string => path.join(base, 'dest')

  for (const [option, rows] of Object.entries(badOptions))
    describe(option, () => {
      for (const row of rows)
        it(`refuses ${shown(row[1])}`, async () => {
          const [kind, value, ...told] = row
          await assertRefused([kind, value, `options.${option}`, ...told], (base) => [
            [good(base)],
            destIn(base),
            { [option]: value },
          ])
        })
    })

  describe('options themselves', () => {
    for (const value of [null, 1, 'clone', true, () => undefined])
      it(`refuses ${shown(value)}`, async () => {
        await assertRefused(['TYPE', value, 'options must be an object'], (base) => [
          [good(base)],
          destIn(base),
          value,
        ])
      })
  })

  describe('dest', () => {
    for (const row of badPaths)
      it(`refuses ${shown(row[1])}`, async () => {
        const [kind, value, ...told] = row
        await assertRefused([kind, value, 'dest', ...told], (base) => [[good(base)], value])
      })
  })

  describe('sources', () => {
    for (const value of [undefined, null, 'src', 1, {}, new Set(), { length: 0 }])
      it(`refuses ${shown(value)}`, async () => {
        await assertRefused(['TYPE', value, 'sources must be an array'], (base) => [
          value,
          destIn(base),
        ])
      })

    for (const [why, kind, source, ...told] of badSources)
      it(`refuses one with ${why}`, async () => {
        await assertRefused([kind, source, ...told], (base) => [[good(base), source], destIn(base)])
      })

    for (const [kind, dir, ...told] of badPaths) {
      if (dir === undefined) continue
      it(`refuses dir: ${shown(dir)}`, async () => {
        await assertRefused([kind, dir, 'sources[1].dir', ...told], (base) => [
          [good(base), { name: 'p', dir }],
          destIn(base),
        ])
      })
    }
  })

  describe('good values', () => {
    const values: Record<string, MergeOptions> = {
      'no option': {},
      "conflicts: 'error'": { conflicts: 'error' },
      "conflicts: 'first'": { conflicts: 'first' },
      "conflicts: 'last'": { conflicts: 'last' },
      "conflicts: 'exclusive'": { conflicts: 'exclusive' },
      'a function for conflicts': { conflicts: () => 'nobody' },
      'one link mode': { linkModes: 'copy' },
      'every link mode': { linkModes: ['symlink', 'hardlink', 'copy', 'clone'] },
      'no directory clones': { directoryClone: false },
      'no quarantine': { quarantine: 'drop' },
      'a concurrency of 1': { concurrency: 1 },
      'a huge concurrency': { concurrency: Number.MAX_SAFE_INTEGER },
      'no lock': { lock: false },
      'a lock without timeout': { lock: {} },
      'a timeout of 0': { lock: { timeout: 0 } },
      'a fraction of a millisecond': { lock: { timeout: 0.5 } },
      'durability none': { durability: 'none' },
    }
    for (const [what, options] of Object.entries(values))
      it(`takes ${what}`, async () => {
        const base = writeTree(freshDir(), { 'src/a': 'a' })
        const result = await merge([good(base)], destIn(base), options)
        assert.equal(result.created, 1)
      })

    it('takes undefined for every option and every optional field', async () => {
      const base = writeTree(freshDir(), { 'src/a': 'a' })
      const options = Object.fromEntries(Object.keys(badOptions).map((key) => [key, undefined]))
      const source: unknown = { ...good(base), files: undefined, to: undefined, filter: undefined }
      await merge([source as Source], destIn(base), options)
      assertTree(destIn(base), path.join(base, 'src'))
    })

    it('takes relative paths from the current directory', async () => {
      const base = writeTree(freshDir(), { 'src/a': 'a' })
      const from = path.relative(process.cwd(), base)
      await merge([{ name: 'p', dir: path.join(from, 'src') }], path.join(from, 'dest'))
      assertTree(destIn(base), path.join(base, 'src'))
    })

    it('makes an empty dest of no sources', async () => {
      const base = freshDir()
      const result = await merge([], destIn(base))
      assert.equal(result.files, 0)
      assert.deepEqual(
        snapshot(base).map(({ path: at, type }) => [at, type]),
        [['dest', 'directory']],
      )
    })
  })

  describe('callbacks that throw', () => {
    const error = new Error('thrown by the caller')
    const fail = (): never => {
      throw error
    }
    const callbacks: Record<string, { source?: Partial<SourceOptions>; options?: MergeOptions }> = {
      filter: { source: { filter: fail } },
      conflicts: { options: { conflicts: fail } },
      mutable: { options: { mutable: fail } },
      onProgress: { options: { onProgress: fail } },
    }
    for (const [callback, { source, options }] of Object.entries(callbacks))
      it(`${callback}: merge rejects with that very error, dest is as before`, async () => {
        const base = writeTree(freshDir(), { 'src/a': 'a', 'other/a': 'b', 'dest/kept': 'kept' })
        const before = snapshot(base)
        const sources = [
          { ...good(base), ...source },
          { name: 'other', dir: path.join(base, 'other') },
        ]
        const all: MergeOptions = { conflicts: 'first', ...options }
        assert.equal(await failureOf(merge(sources, destIn(base), all)), error)
        assertTree(base, before)
      })

    for (const phase of ['stage', 'lock', 'commit'])
      it(`onProgress in phase ${phase}: merge rejects with that error, dest is as before`, async () => {
        const base = writeTree(freshDir(), { 'src/a': 'a', 'dest/kept': 'kept' })
        const before = snapshot(base)
        const told: string[] = []
        // The clock leaps, so that no report is left out for coming too soon.
        let now = 0
        const clock = mock.method(performance, 'now', () => (now += 1000))
        try {
          const onProgress: MergeOptions['onProgress'] = (progress) => {
            told.push(progress.phase)
            if (progress.phase === phase) throw error
          }
          const merging = merge([good(base)], destIn(base), { onProgress })
          assert.equal(await failureOf(merging), error)
        } finally {
          clock.mock.restore()
        }
        assert.equal(told.at(-1), phase)
        assertTree(base, before)
      })
  })

  describe('a policy function that decides nothing', () => {
    /** Two packages that conflict, one that has not the path, and dest. */
    function conflicting(): { base: string; sources: Source[] } {
      const base = writeTree(freshDir(), {
        ...{ 'src/a': 'a', 'other/a': 'b', 'third/b': 'c', 'dest/kept': 'kept' },
      })
      const others = ['other', 'third'].map((name) => ({ name, dir: path.join(base, name) }))
      return { base, sources: [good(base), ...others] }
    }

    for (const value of [
      undefined,
      null,
      '',
      'nobody',
      'third',
      0,
      1,
      ['good'],
      Promise.resolve('good'),
    ])
      it(`is refused for the answer ${shown(value)}`, async () => {
        const { base, sources } = conflicting()
        const before = snapshot(base)
        const conflicts = (() => value) as () => string
        for (const run of [merge, planMerge]) {
          const error = await failureOf(run(sources, destIn(base), { conflicts }))
          assert.equal(error.code, 'ERR_INVALID_ARG_VALUE')
          assert.match(
            error.message,
            /options\.conflicts must return one of good, other for a, not/,
          )
        }
        assertTree(base, before)
      })

    it('is not asked again after it threw, and what it threw is what the caller gets', async () => {
      for (const thrown of [new RangeError('no'), 'a string', undefined, null]) {
        const { base, sources } = conflicting()
        writeTree(base, { 'src/z': 'a', 'other/z': 'b' })
        const before = snapshot(base)
        let asked = 0
        const conflicts = (): never => {
          asked++
          throw thrown as Error
        }
        const outcome = await merge(sources, destIn(base), { conflicts }).then(
          () => assert.fail('it resolved'),
          (error: unknown) => ({ error }),
        )
        assert.deepEqual(outcome, { error: thrown })
        assert.equal(asked, 1)
        assertTree(base, before)
      }
    })
  })
})
