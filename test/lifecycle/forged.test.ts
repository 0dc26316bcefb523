import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import fc from 'fast-check'

import { defaultHost } from '../../lib/host'
import { merge, type Source } from '../../lib/index'
import { failureOf, type Failure } from '../support/failure'
import {
  putTogether,
  sealed,
  sealedAgain,
  sections,
  takeApart,
  type ManifestParts,
  type Section,
} from '../support/forged-manifest'
import { freshDir } from '../support/fresh'
import { runs } from '../support/long'
import { writeTree } from '../support/tree'
import { Scene, stateOf } from './scene'

const seed = Number(process.env['REFLINK_MERGE_SEED'] ?? Date.now() % 2 ** 32)

interface Forgery {
  readonly scene: Scene
  readonly sources: readonly Source[]
  readonly valid: Buffer
}

/** A dest with a manifest that has something of everything. */
async function installed(): Promise<Forgery> {
  const scene = new Scene(freshDir(), defaultHost)
  const one = scene.version('one', {
    ...{ 'top.js': 'top', 'lib/a.js': 'a', 'lib/b.js': 'b', 'lib/deep/c.js': 'c' },
    ...{ link: { symlink: 'top.js' }, both: 'both' },
  })
  const store = writeTree(path.join(scene.base, 'store', 'files'), { z: 'z' })
  const entries = { 'mapped/z': path.join(store, 'z'), 'mapped/given': { content: 'given' } }
  const sources = [
    ...[one, scene.version('two', { both: 'both', 'lib/two.js': 'two' })],
    { name: 'three', files: new Map(Object.entries(entries)) } as const,
  ]
  await scene.sync(sources)
  writeTree(scene.base, { 'outside/file': 'outside' })
  writeTree(scene.dest, { 'mine.txt': 'mine', 'lib/mine.txt': 'mine', 'mine/too.txt': 'mine' })
  return { scene, sources, valid: fs.readFileSync(manifestOf(scene)) }
}

function manifestOf({ dest }: Scene): string {
  return path.join(dest, '.reflink-merge-manifest')
}

/** Every call that reads it. */
function calls({ scene, sources }: Forgery): Record<string, () => Promise<unknown>> {
  return {
    sync: () => scene.sync(sources),
    'sync of nothing': () => scene.sync([]),
    merge: () => merge(sources, scene.dest, { manifest: true }),
    remove: () => scene.remove(['one']),
    verify: () => scene.verify(),
  }
}

async function assertRefused(forgery: Forgery, bytes: Buffer): Promise<void> {
  const { scene } = forgery
  fs.writeFileSync(manifestOf(scene), bytes)
  const before = stateOf(scene.base)
  for (const [what, call] of Object.entries(calls(forgery))) {
    const { code, message } = await failureOf(call())
    assert.equal(code, 'ERR_MERGE_MANIFEST', `${what}: ${message}`)
    assert.deepEqual(stateOf(scene.base), before, what)
  }
}

type Change = (parts: ManifestParts) => void

const inHeader =
  (key: string, value: unknown): Change =>
  ({ header }) => {
    header[key] = value
  }

const inSource =
  (key: string, value: unknown): Change =>
  ({ header }) => {
    const [first] = header['sources'] as [Record<string, unknown>]
    first[key] = value
  }

function sectionOf({ sections: parts }: ManifestParts, name: Section): Buffer {
  return parts[sections.indexOf(name)] as Buffer
}

const inTexts =
  (name: Section, from: string, to: string): Change =>
  (parts) => {
    const text = sectionOf(parts, name).toString('latin1')
    assert.ok(text.split('\0').includes(from), `${from} is not in ${text}`)
    const changed = text.split('\0').map((each) => (each === from ? to : each))
    parts.sections[sections.indexOf(name)] = Buffer.from(changed.join('\0'), 'latin1')
  }

const inNumbers =
  (name: Section, byte: number): Change =>
  (parts) => {
    sectionOf(parts, name).fill(byte)
  }

const inPairs =
  (key: string, change: (pairs: [number, unknown][]) => unknown): Change =>
  ({ header }) => {
    header[key] = change(header[key] as [number, unknown][])
  }

const ofFirst =
  (value: unknown) =>
  ([first, ...others]: [number, unknown][]): unknown => {
    assert.ok(first)
    return [[first[0], value], ...others]
  }

const absolute = 'a source without a place'
const forged: Readonly<Record<string, Change>> = {
  'of a later version': (parts) => (parts.version = '2'),
  'of no version': (parts) => (parts.version = ''),
  'whose header is no object': (parts) =>
    (parts.header = 'nothing' as unknown as typeof parts.header),
  'whose header is a list': (parts) => (parts.header = [] as unknown as typeof parts.header),
  'with a time that is none': inHeader('time', '-1'),
  'with more rows than names': inHeader('rows', 1000),
  'with fewer rows than names': inHeader('rows', 1),
  'without sources': inHeader('sources', []),
  'with two sources of one name': ({ header }) => {
    const [first, ...others] = header['sources'] as [unknown, ...unknown[]]
    header['sources'] = [first, first, ...others.slice(1)]
  },
  'with a source above dest': inSource('to', '..'),
  'with a source at an absolute path': inSource('to', '/etc'),
  'with a source in a staging directory': inSource('to', '.reflink-merge-0123456789abcdef'),
  [`with ${absolute}, relative`]: inSource('dir', 'store/one'),
  [`with ${absolute}, empty`]: inSource('dir', ''),
  [`with ${absolute}, with a NUL`]: inSource('dir', '/store\0/one'),
  'with a source that lost what is not in dest': inSource('lost', ['../x']),
  'with a source that is filtered or not': inSource('isFiltered', 'yes'),
  'with a source that is recorded in part or not': inSource('isWhole', undefined),
  'with a digest that is no text': inSource('digest', 7),
  'with a directory above dest': inTexts('paths', 'lib', '..'),
  'with a directory that nothing holds': inTexts('paths', 'lib/deep', 'nowhere/deep'),
  'with an absolute directory': inTexts('paths', 'lib', '/lib'),
  'with a directory twice': inTexts('paths', 'mapped', 'lib'),
  'with a staging directory': inTexts('paths', 'mapped', '.reflink-merge-0123456789abcdef-part'),
  'with a staging directory in capitals': inTexts('paths', 'mapped', '.Reflink-Merge-0123'),
  'without dest': inTexts('paths', '', 'dest'),
  'with a name that is two': inTexts('names', 'a.js', '../a.js'),
  'with a name that leads up': inTexts('names', 'a.js', '..'),
  'with an empty name': inTexts('names', 'a.js', ''),
  'with a name that is not UTF-8': inTexts('names', 'a.js', 'a\xff.js'),
  'with names out of order': inTexts('names', 'a.js', 'x.js'),
  'with a name twice': inTexts('names', 'a.js', 'b.js'),
  'that lists itself': inTexts('names', 'both', '.reflink-merge-manifest'),
  'with a file and a directory of one name': inTexts('names', 'link', 'lib'),
  'with a file that lies nowhere': (parts) => {
    const texts = sectionOf(parts, 'origins').toString().split('\0')
    const changed = texts.map((each) => (each === '' ? each : each.slice(1)))
    parts.sections[sections.indexOf('origins')] = Buffer.from(changed.join('\0'))
  },
  'with too few origins': (parts) => {
    parts.sections[sections.indexOf('origins')] = Buffer.from('/a\0/b')
  },
  'with directories that end before they begin': inNumbers('ends', 0),
  'with directories that end nowhere': inNumbers('ends', 0xff),
  'with directories made and not': inNumbers('made', 2),
  'with entries that are directories': inNumbers('kinds', 2),
  'with files alone, and texts of symlinks': inNumbers('kinds', 1),
  'with symlinks without a text': inNumbers('kinds', 3),
  'with modes that there are not': inNumbers('modes', 0xff),
  'with sizes that are none': inNumbers('sizes', 0xff),
  'with entries of no source': inNumbers('owners', 0xff),
  'with entries found in some way': inNumbers('found', 3),
  ...Object.fromEntries(
    sections.map((name): [string, Change] => [
      `with a column that is cut off (${name})`,
      (parts) => {
        const at = sections.indexOf(name)
        const whole = parts.sections[at] as Buffer
        // Of texts the last is cut off with the NUL before it.
        const isText = ['paths', 'names', 'origins'].includes(name)
        const length = isText ? whole.lastIndexOf(0) : whole.length - 1
        parts.sections[at] = whole.subarray(0, Math.max(0, length))
      },
    ]),
  ),
  'with a section too few': (parts) => parts.sections.pop(),
  'with a section too many': (parts) => parts.sections.push(Buffer.alloc(0)),
  'with a directory that no source holds': inHeader('holders', []),
  'with a directory of a source that is missing': ({ header }) => {
    header['holders'] = (header['holders'] as number[][]).map((each) => each.map(() => 99))
  },
  'with a directory of one source twice': ({ header }) => {
    header['holders'] = (header['holders'] as number[][]).map((each) => each.map(() => 0))
  },
  'with an empty symlink': inPairs('targets', ofFirst('')),
  'with a NUL in a symlink': inPairs('targets', ofFirst('a\0b')),
  'with a symlink twice': inPairs('targets', (pairs) => [...pairs, ...pairs]),
  'with a symlink in a row that is missing': inPairs('targets', () => [[1e6, 'x']]),
  'with a row of three': inPairs('targets', ([first]) => [[...(first ?? []), 'more']]),
  'with a source that shares with itself': inPairs('shared', ofFirst([0])),
  'with a source that shares twice': inPairs('shared', ofFirst([1, 1])),
  'with a hash that is none': inPairs('hashes', ofFirst('0123')),
  'with a hash of a symlink': ({ header }) => {
    const [[row]] = header['targets'] as [[number, string]]
    header['hashes'] = [[row, '0'.repeat(64)]]
  },
}

/** Anywhere in what JSON gives. */
function places(value: unknown, way: readonly string[] = []): string[][] {
  const own = [...way]
  if (typeof value !== 'object' || value === null) return [own]
  const below = Object.entries(value).flatMap(([key, each]) => places(each, [...way, key]))
  return [own, ...below]
}

function changed(value: unknown, way: readonly string[], to: unknown): unknown {
  const [key, ...rest] = way
  if (key === undefined) return to
  const copy = Array.isArray(value)
    ? [...(value as unknown[])]
    : { ...(value as Record<string, unknown>) }
  const at = copy as Record<string, unknown>
  at[key] = changed(at[key], rest, to)
  return copy
}

describe(`a manifest that no merge wrote (seed ${String(seed)})`, function () {
  this.timeout(600_000)

  let forgery: Forgery
  before(async () => {
    forgery = await installed()
  })

  it('is put together as it was, where nothing is forged', () => {
    assert.ok(putTogether(takeApart(forgery.valid)).equals(forgery.valid))
  })

  for (const [what, change] of Object.entries(forged))
    it(`${what} is refused, and nothing is changed`, async () => {
      const parts = takeApart(forgery.valid)
      change(parts)
      await assertRefused(forgery, putTogether(parts))
    })

  const foreign: Readonly<Record<string, (valid: Buffer) => Buffer>> = {
    'that is empty': () => Buffer.alloc(0),
    'of another program': () => Buffer.from('{ "lockfileVersion": 3 }\n'),
    'that is one line': () => Buffer.from('reflink-merge manifest 1'),
    'that is its first line': () => Buffer.from('reflink-merge manifest 1\n'),
    'whose header is longer than it is': (valid) => {
      const bytes = Buffer.from(valid)
      bytes.writeUInt32LE(2 ** 32 - 1, bytes.indexOf('\n') + 33)
      return sealedAgain(bytes)
    },
    'whose header is no JSON': (valid) => {
      const bytes = Buffer.from(valid)
      bytes[bytes.indexOf('\n') + 37] = 0x28
      return sealedAgain(bytes)
    },
    'with lengths that are negative': (valid) => {
      const { version, header, sections: parts } = takeApart(valid)
      const lengths = parts.map(({ length }) => -length)
      return sealed(version, { ...header, sections: lengths }, parts)
    },
    'with lengths beyond its end': (valid) => {
      const { version, header, sections: parts } = takeApart(valid)
      const lengths = parts.map(({ length }) => length + 8)
      return sealed(version, { ...header, sections: lengths }, parts)
    },
    'with something after its end': (valid) => {
      const { version, header, sections: parts } = takeApart(valid)
      const lengths = parts.map(({ length }) => length)
      return sealed(version, { ...header, sections: lengths }, [...parts, Buffer.from('more')])
    },
  }
  for (const [what, forge] of Object.entries(foreign))
    it(`${what} is refused, and nothing is changed`, () =>
      assertRefused(forgery, forge(forgery.valid)))

  it('that is cut off anywhere is refused', async () => {
    const { valid, scene } = forgery
    for (let length = 0; length < valid.length; length += 1 + Math.floor(valid.length / 500)) {
      fs.writeFileSync(manifestOf(scene), valid.subarray(0, length))
      assert.equal((await failureOf(scene.verify())).code, 'ERR_MERGE_MANIFEST', String(length))
    }
    await assertRefused(forgery, valid.subarray(0, valid.length - 1))
  })

  it('with any other byte is refused', async () => {
    const { valid, scene } = forgery
    const change = fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 }))
    const property = fc.asyncProperty(change, async ([at, bits]) => {
      const bytes = Buffer.from(valid)
      bytes[at] = (bytes[at] as number) ^ bits
      fs.writeFileSync(manifestOf(scene), bytes)
      assert.equal((await failureOf(scene.verify())).code, 'ERR_MERGE_MANIFEST')
    })
    await fc.assert(property, { numRuns: runs, seed })
  })

  it('and has a right checksum is refused, or leads nowhere but into dest, to nothing of others', async () => {
    let read = 0
    let done = 0
    const own = takeApart(forgery.valid)
    const value = fc.oneof(
      fc.constantFrom<unknown>(...['', '.', '..', '/', '/etc', 'lib', 'mine', 'mine.txt', '../x']),
      fc.constantFrom<unknown>(...[null, [], {}, -1, 0, 1, 2, 3, 2 ** 53, '0'.repeat(64), ['lib']]),
      fc.jsonValue(),
    )
    const text = fc.constantFrom(...['mine', 'mine.txt', 'lib', 'top.js', 'outside', '..', 'é'])
    const change = fc.oneof(
      fc.tuple(fc.constantFrom(...places(own.header)), value).map(([way, to]): Change => {
        return (parts) => (parts.header = changed(parts.header, way, to) as Record<string, unknown>)
      }),
      fc
        .tuple(fc.constantFrom<Section>('paths', 'names', 'origins'), fc.nat(20), text)
        .map(([name, index, to]): Change => {
          return (parts) => {
            const texts = sectionOf(parts, name).toString().split('\0')
            texts[index % texts.length] = to
            parts.sections[sections.indexOf(name)] = Buffer.from(texts.join('\0'))
          }
        }),
      fc
        .tuple(fc.constantFrom(...sections.slice(3)), fc.nat(200), fc.nat(255))
        .map(([name, at, byte]): Change => {
          return (parts) => {
            const section = sectionOf(parts, name)
            section[at % section.length] = byte
          }
        }),
    )
    const property = fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('sync', 'sync of nothing', 'merge', 'remove', 'verify'),
      async (changes, what) => {
        const fresh = await installed()
        const { scene, valid } = fresh
        const parts = takeApart(valid)
        for (const each of changes) {
          try {
            each(parts)
          } catch {
            // What it changes is not there any more.
          }
        }
        fs.writeFileSync(manifestOf(scene), putTogether(parts))
        const before = stateOf(scene.base)
        const call = calls(fresh)[what] as () => Promise<unknown>
        const error = await call().then(
          () => undefined,
          (failure: unknown) => failure as Failure,
        )
        read++
        if (error !== undefined) {
          assert.match(String(error.code), /^ERR_MERGE_(?:MANIFEST|CONFLICT)$/, error.message)
          assert.deepEqual(stateOf(scene.base), before)
        } else done++
        const left = stateOf(scene.base).map((each) => JSON.stringify(each))
        const isOurs = /^\[\{"path":"dest(?:\/|")/
        const isMine = /mine(?:\.txt|\/too\.txt)?"/
        for (const each of before.map((entry) => JSON.stringify(entry))) {
          if (!isOurs.test(each) || isMine.test(each)) assert.ok(left.includes(each), each)
        }
        fs.rmSync(scene.base, { recursive: true })
      },
    )
    const numRuns = Math.ceil(runs / 2)
    await fc.assert(property, { numRuns, seed })
    assert.ok(read >= numRuns && done > 0, `${String(done)} of ${String(read)} were read`)
  })
})
