import assert from 'node:assert/strict'

import fc from 'fast-check'

import {
  fromMarkText,
  fromModesText,
  fromNestedText,
  fromText,
  RecordError,
  toText,
} from '../../lib/records'
import { isReserved } from '../../lib/records'

const identity = { ino: 12n, birth: 1795860473759063968n, handle: 2n ** 64n - 1n }
const file = { ...identity, isDirectory: false, size: 5, mtime: 17n }

const record = toText({
  prefix: 'x/y',
  stagings: [
    { path: '', directories: ['a/b'] },
    { path: 'a', directories: ['a'] },
  ],
  round: {
    time: 1795860473759063999n,
    entries: [
      {
        ...file,
        path: 'a/b',
        name: 'c',
        replaced: { name: 'C', identity },
        own: undefined,
        isRemoval: false,
      },
      {
        ...{
          ...file,
          isDirectory: true,
          size: 0,
          mtime: 0n,
          path: '',
          name: 'd',
          replaced: undefined,
          isRemoval: false,
        },
        own: {
          identity,
          files: new Map([['f', file]]),
          directories: new Map([
            ['e', { identity, files: new Map([['g', file]]), directories: new Map() }],
          ]),
        },
      },
    ],
  },
})

/** It gives a value, or throws the error of a record. */
function isRead(read: (text: string) => unknown, text: string): boolean {
  try {
    read(text)
    return true
  } catch (error) {
    assert.ok(error instanceof RecordError, String(error))
    return false
  }
}

const readers = [fromText, fromMarkText, fromModesText, fromNestedText]

/** Replaces one value anywhere in it. */
function mutate(value: unknown, at: number, by: unknown): unknown {
  let index = 0
  const walk = (each: unknown): unknown => {
    if (index++ === at) return by
    if (Array.isArray(each)) return each.map(walk)
    if (typeof each !== 'object' || each === null) return each
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, walk(inner)]))
  }
  return walk(value)
}

describe('the record of a merge', () => {
  it('is read as it was written', () => {
    const { prefix, round } = fromText(record)
    assert.equal(prefix, 'x/y')
    assert.equal(toText({ ...fromText(record) }), record)
    assert.equal(round.entries[1]?.own?.directories.get('e')?.files?.get('g')?.size, 5)
  })

  it('any other text is refused with an error of its own, never with another', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.nat(record.length)), (some) => {
        const text = typeof some === 'number' ? record.slice(0, some) : some
        for (const read of readers) if (text !== record) isRead(read, text)
      }),
      { numRuns: 500 },
    )
  })

  it('with any value of it replaced is read, or refused with that error', () => {
    const parsed = JSON.parse(record) as unknown
    fc.assert(
      fc.property(fc.nat(80), fc.jsonValue(), (at, by) => {
        for (const read of readers) isRead(read, JSON.stringify(mutate(parsed, at, by)))
      }),
      { numRuns: 1000 },
    )
  })

  for (const bad of ['..', '../a', '/a', 'a//b', 'a/', 'a\0', '.', 'a\\b', 'x'.repeat(256)])
    it(`never leads elsewhere: ${JSON.stringify(bad).slice(0, 20)}`, () => {
      const parsed = JSON.parse(record) as Record<string, unknown>
      assert.equal(isRead(fromText, JSON.stringify({ ...parsed, prefix: bad })), false)
      const intents = [[bad, 'c', [0, '1', '1.1.1']]]
      assert.equal(isRead(fromText, JSON.stringify({ ...parsed, directories: [], intents })), false)
    })
})

describe('names that are reserved', () => {
  for (const name of [
    '.reflink-merge-x',
    '.REFLINK-Merge-',
    '.re\u{FB02}ink-merge-a',
    '.reflin\u{212A}-merge-a',
    '.reflink\u200D-merge-a',
  ])
    it(`${JSON.stringify(name)} is one to some file system`, () => {
      assert.ok(isReserved(name))
    })
  for (const name of ['reflink-merge-x', '.reflink-merge', 'a.reflink-merge-b', '.merge-'])
    it(`${name} is not`, () => {
      assert.ok(!isReserved(name))
    })
})
