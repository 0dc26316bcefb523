import fs from 'node:fs'
import path from 'node:path'
import { runInNewContext } from 'node:vm'

import { addon } from '../../lib/addon'
import { runScript } from './child'
import { freshDir } from './fresh'

const refused = 'TypeError ERR_INVALID_ARG_TYPE'
const thrown = 'thrown by the caller'
/** What the engine throws for such a proxy, each in its own words: it stands for what the caller's own code throws, too. */
const revoked = 'a revoked proxy'

/** What a call of the addon must end with: a TypeError, the error that the caller's own code threw, or a result. */
type Expected = typeof refused | typeof thrown | typeof revoked | 'a result'

interface GarbageCase {
  name: string
  expected: Expected
  run: () => unknown
}

function fail(): never {
  throw new Error(thrown)
}

/** An object with one property whose getter throws. */
function trap(object: object, key: string): object {
  return Object.defineProperty({ ...object }, key, { get: fail, enumerable: true })
}

const sample: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  'a number': 7,
  'a boolean': true,
  'a bigint': 7n,
  'a symbol': Symbol('s'),
  'a function': () => undefined,
  'an empty object': {},
  'an array': [1],
  'a string object': Object('text') as unknown,
  'a buffer': Buffer.from('/tmp'),
  'a date': new Date(0),
  'an object without prototype': Object.create(null) as unknown,
}

const without = (...names: string[]): [string, unknown][] =>
  Object.entries(sample).filter(([name]) => !names.includes(name))

const twoSided = [
  ...['clone', 'cloneDirectory', 'hardlink', 'copy', 'compare', 'rename', 'renameNoReplace'],
  'copyTimes',
]
const oneSided = ['symlink', 'mkdir', 'unlink', 'rmdir', 'chmod']

const makesNoFiles = [
  ...oneSided,
  ...twoSided.filter((name) => !['clone', 'hardlink', 'copy'].includes(name)),
]

const letters = 'x'.repeat(1_000_000)

/** What an argument or a property may be, and how a call with it must end. */
type Choice = [name: string, expected: Expected, value: unknown]

const refusals = (values: readonly [string, unknown][]): Choice[] =>
  values.map(([name, value]) => [name, refused, value])

function detached(numbers: Uint32Array<ArrayBuffer>): Uint32Array {
  structuredClone(numbers, { transfer: [numbers.buffer] })
  return numbers
}

/** Bytes that change their number: what ES2024 has more than the types here know. */
interface Resizable extends ArrayBuffer {
  resize(length: number): void
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => Resizable

function resizable(length: number): [Uint32Array<Resizable>, Resizable] {
  const buffer = new ResizableBuffer(length * 4, { maxByteLength: 64 })
  return [new Uint32Array(buffer), buffer]
}

/** A view of numbers that are no longer there. */
function outOfBounds(): Uint32Array {
  const buffer = new ResizableBuffer(8, { maxByteLength: 64 })
  const view = new Uint32Array(buffer, 4, 1)
  buffer.resize(2)
  return view
}

/** Instead of a base. */
const baseChoices = (dir: string): Choice[] => [
  ...refusals(without('a number')),
  ...refusals(
    [-1, -(2 ** 31), NaN, 0.5, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 32 + 1].map((base) => [
      String(base),
      base,
    ]),
  ),
  ['a string with NUL', refused, `${dir}\0`],
  ['a number object', refused, Object(1)],
  ['a proxy that throws', refused, new Proxy({}, { get: fail })],
  ['a descriptor that is not open', 'a result', 2 ** 31 - 1],
  ['an empty string', 'a result', ''],
  ['a string of a million letters', 'a result', `/${letters}`],
  ['a string that ends in half a character', 'a result', `${dir}/\ud800`],
]

/** Arrays of the item: two that change when it is read, and one of a class of its own. */
function oddArrays(
  item: unknown,
  most: number,
): Record<'grown' | 'shrunk' | 'subclass', unknown[]> {
  const grown: unknown[] = [item]
  Object.defineProperty(grown, 0, {
    get: () => {
      while (grown.length < most) grown.push(item)
      return item
    },
  })
  const shrunk: unknown[] = [item, {}, {}]
  Object.defineProperty(shrunk, 0, {
    get: () => {
      shrunk.length = 1
      return item
    },
  })
  const subclass = new (class extends Array<unknown> {})()
  subclass.push(item)
  return { grown, shrunk, subclass }
}

/** Instead of an array whose first item is a base. New ones each time, since some change. */
function basesChoices(dir: string): Choice[] {
  const { grown, shrunk, subclass } = oddArrays(dir, 50_000)
  return [
    ...refusals(without('an array')),
    ...baseChoices(dir).map(([name, expected, base]): Choice => [
      `${name} in it`,
      expected,
      [base],
    ]),
    ...refusals(without('a number')).map(([name, expected, base]): Choice => [
      `${name} after others`,
      expected,
      [dir, dir, base],
    ]),
    ['a proxy of an array', refused, new Proxy([dir], { get: fail })],
    ['a proxy that is revoked', refused, revokedProxy()],
    ['something like an array', refused, { length: 1, 0: dir }],
    ['numbers in a typed array', refused, Uint32Array.of(0)],
    ['an array in an array', refused, [[dir]]],
    ['no base', refused, []],
    ['holes', refused, new Array(3)],
    // Room for all of it would be some hundred GiB.
    ['2^32 holes', refused, new Array(2 ** 32 - 1)],
    ['a getter that throws', thrown, Object.defineProperty([dir], 0, { get: fail })],
    ['a last getter that throws', thrown, Object.defineProperty([dir, dir], 1, { get: fail })],
    ['an array that grows while it is read', 'a result', grown],
    ['an array that shrinks while it is read', 'a result', shrunk],
    ['more than there are places', 'a result', [dir, '/', 2 ** 31 - 1]],
    ['an array of a class of its own', 'a result', subclass],
    ['an array of another realm', 'a result', runInNewContext('[dir]', { dir })],
    ['a frozen array', 'a result', Object.freeze([dir])],
  ]
}

/** Instead of a Uint32Array with one number, `number`. */
function numbersChoices(number: number): Choice[] {
  const [longer, longerBuffer] = resizable(1)
  longerBuffer.resize(8)
  const [same, sameBuffer] = resizable(2)
  sameBuffer.resize(4)
  const shared = new Uint32Array(new SharedArrayBuffer(4)).fill(number)
  const named = Object.defineProperty(Uint32Array.of(number), 'length', { get: fail })
  const fake = Object.create(Uint32Array.prototype) as unknown
  return [
    ...refusals(without('undefined')),
    ...[
      ...[new Int32Array(1), new Uint8Array(4), new Float32Array(1), new Float64Array(1)],
      ...[new BigUint64Array(1), new BigInt64Array(1), new Uint16Array(2), new Int16Array(2)],
      ...[new Int8Array(4), new Uint8ClampedArray(1), new DataView(new ArrayBuffer(4))],
      ...[new ArrayBuffer(4), new SharedArrayBuffer(4), [number]],
    ].map((value): Choice => [value.constructor.name, refused, value]),
    ['a proxy of numbers', refused, new Proxy(Uint32Array.of(number), {})],
    ['something like numbers', refused, { length: 1, 0: number }],
    ['the prototype of numbers', refused, Uint32Array.prototype],
    ['what inherits from numbers', refused, fake],
    ['two numbers', refused, Uint32Array.of(number, number)],
    ['a million numbers', refused, new Uint32Array(1_000_000).fill(number)],
    ['numbers that became more', refused, longer],
    ['numbers that became fewer', 'a result', same.fill(number)],
    ['a part of numbers', 'a result', Uint32Array.of(9, 9, number, 9).subarray(2, 3)],
    ['shared numbers', 'a result', shared],
    ['numbers of another realm', 'a result', runInNewContext(`Uint32Array.of(${number})`)],
    ['numbers whose length throws', 'a result', named],
  ]
}

/** Instead of such numbers: none at all, in their several ways. */
const noNumbers = (expected: Expected): Choice[] => [
  ['no numbers', expected, new Uint32Array(0)],
  ['numbers that are detached', expected, detached(Uint32Array.of(0))],
  ['numbers out of bounds', expected, outOfBounds()],
]

/** Instead of a string with one text. */
const textsChoices: Choice[] = [
  ...refusals(without('undefined')),
  ['two texts', refused, 'none\0none\0'],
  ['a million texts', refused, '\0'.repeat(1_000_000)],
  ['an empty text', 'a result', '\0'],
  ['half a character', 'a result', '\ud800\0'],
  ['a million letters', 'a result', `${letters}\0`],
  ['a million names', 'a result', `${'x/'.repeat(1_000_000)}x\0`],
  ['what leads out', 'a result', '../..\0'],
  ['what begins at the root', 'a result', '/etc\0'],
  ['more after the last NUL', refused, 'none\0none'],
]

/** Instead of such a string: no text at all, in its several ways. */
const noTexts: Choice[] = [
  ['an empty string', refused, ''],
  ['a string without NUL', refused, 'none'],
  ['a million letters without NUL', refused, letters],
]

/** Instead of places that are one, below the first of one or more bases. */
function placesChoices(): Choice[] {
  const place = (change: object = {}): object => ({
    bases: Uint32Array.of(0),
    paths: 'none\0',
    ...change,
  })
  const late = Uint32Array.of(0)
  const [shrinking, buffer] = resizable(1)
  const property = (key: string, choices: readonly Choice[]): Choice[] =>
    choices.map(([name, expected, value]) => [`${key}: ${name}`, expected, place({ [key]: value })])
  return [
    ...refusals(without()),
    ...property('bases', [['undefined', refused, undefined]]),
    ...property('bases', [...numbersChoices(0), ...noNumbers(refused)]),
    ...property('bases', [
      ['one after the last', refused, Uint32Array.of(50_000)],
      ['the highest number', refused, Uint32Array.of(2 ** 32 - 1)],
    ]),
    ...property('paths', [['undefined', refused, undefined]]),
    ...property('paths', [...textsChoices, ...noTexts]),
    ['no bases', refused, { paths: 'none\0' }],
    ['no paths', refused, { bases: Uint32Array.of(0) }],
    ['a last base that is not there', refused, { bases: Uint32Array.of(0, 50_000), paths: '\0\0' }],
    ['no place', refused, { bases: new Uint32Array(0), paths: '' }],
    ['two places', refused, { bases: Uint32Array.of(0, 0), paths: 'none\0none\0' }],
    ['a getter for bases that throws', thrown, trap(place(), 'bases')],
    ['a getter for paths that throws', thrown, trap(place(), 'paths')],
    ['a proxy that throws', thrown, new Proxy({}, { get: fail })],
    ['a proxy that is revoked', revoked, revokedProxy()],
    ['a proxy of places', 'a result', new Proxy(place(), {})],
    ['what inherits from places', 'a result', Object.create(place())],
    ['frozen places', 'a result', Object.freeze(place())],
    [
      'a getter for paths that takes the bases away',
      'a result',
      {
        bases: late,
        get paths() {
          detached(late)
          return 'none\0'
        },
      },
    ],
    [
      'a getter for paths that makes the bases fewer',
      'a result',
      {
        bases: shrinking,
        get paths() {
          buffer.resize(0)
          return 'none\0'
        },
      },
    ],
  ]
}

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function wordsForRevoked(): string {
  try {
    Reflect.get(revokedProxy() as object, 'any')
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('the engine reads a revoked proxy')
}

/** A property that is one thing when it is read first, and `then` afterwards. */
function changing(object: object, key: string, first: unknown, then: () => unknown): object {
  let reads = 0
  const get = (): unknown => (reads++ === 0 ? first : then())
  return Object.defineProperty({ ...object }, key, { get, enumerable: true })
}

/** Instead of jobs of one side that are one name in one directory: `plain()`. */
function jobsChoices(dir: string, plain: (change?: object) => object): Choice[] {
  const property = (key: string, choices: readonly Choice[]): Choice[] =>
    choices.map(([name, expected, value]) => {
      // What is refused would find something to do.
      const names = expected === 'a result' ? 'none\0' : 'kept\0'
      return [`${key}: ${name}`, expected, plain({ names, [key]: value })]
    })
  const kept = plain({ names: 'kept\0' })
  const counts = Uint32Array.of(1)
  const [fewer, fewerBuffer] = resizable(1)
  const bases = [dir]
  return [
    ...refusals(without()),
    ...property('bases', [['undefined', refused, undefined], ...basesChoices(dir)]),
    ...property('to', placesChoices()),
    ...property('counts', [['undefined', refused, undefined]]),
    ...property('counts', [...numbersChoices(1), ...noNumbers(refused)]),
    ...property('counts', [
      ['one too few', refused, Uint32Array.of(0)],
      ['one too many', refused, Uint32Array.of(2)],
      ['the highest number', refused, Uint32Array.of(2 ** 32 - 1)],
      ['a number for a place that is not there', refused, Uint32Array.of(1, 0)],
    ]),
    ...property('names', [['undefined', refused, undefined], ...textsChoices, ...noTexts]),
    ...property('toNames', [['undefined', 'a result', undefined], ...textsChoices]),
    ...property('toNames', [['an empty string', 'a result', '']]),
    ...property('modes', [['undefined', 'a result', undefined], ...numbersChoices(0o755)]),
    ...property('modes', [...noNumbers('a result')]),
    ...property('modes', [['the highest number', 'a result', Uint32Array.of(2 ** 32 - 1)]]),
    ...['bases', 'to', 'counts', 'names', 'toNames', 'modes'].map((key): Choice => [
      `a getter for ${key} that throws`,
      thrown,
      trap(kept, key),
    ]),
    ...[
      { key: 'toNames', first: 'kept\0' },
      { key: 'modes', first: Uint32Array.of(0) },
    ].flatMap(({ key, first }): Choice[] => [
      [`${key} that change to a number`, refused, changing(kept, key, first, () => 7)],
      [`${key} that change to nothing`, refused, changing(kept, key, first, () => undefined)],
      [`${key} whose second getter throws`, thrown, changing(kept, key, first, fail)],
    ]),
    ['a proxy that throws', thrown, new Proxy({}, { get: fail })],
    ['a proxy that is revoked', revoked, revokedProxy()],
    ['an array of jobs', refused, [kept]],
    // The numbers add up to 1 in 32 bits.
    [
      'counts that add up when they are cut',
      refused,
      plain({
        to: { bases: Uint32Array.of(0, 0), paths: '\0\0' },
        counts: Uint32Array.of(2 ** 32 - 1, 2),
        names: 'kept\0',
      }),
    ],
    [
      'as many of the highest number as add up to nothing in 32 bits',
      refused,
      plain({
        to: { bases: new Uint32Array(65_536), paths: '\0'.repeat(65_536) },
        counts: new Uint32Array(65_536).fill(65_536),
        names: '',
      }),
    ],
    ['two toNames for one name', refused, { ...kept, toNames: 'a\0b\0' }],
    [
      'toNames without names',
      refused,
      plain({ counts: new Uint32Array(1), names: '', toNames: 'a\0' }),
    ],
    ['two modes for one name', refused, { ...kept, modes: Uint32Array.of(0, 0) }],
    [
      'modes without names',
      refused,
      plain({ counts: new Uint32Array(1), names: '', modes: Uint32Array.of(0) }),
    ],
    [
      'one of two toNames',
      refused,
      plain({ counts: Uint32Array.of(2), names: 'kept\0kept\0', toNames: 'kept\0' }),
    ],
    [
      'one of two modes',
      refused,
      plain({ counts: Uint32Array.of(2), names: 'kept\0kept\0', modes: Uint32Array.of(0) }),
    ],
    [
      'nothing to do',
      'a result',
      plain({
        bases: [],
        to: { bases: new Uint32Array(0), paths: '' },
        counts: new Uint32Array(0),
        names: '',
      }),
    ],
    ['a place without names', 'a result', plain({ counts: Uint32Array.of(0), names: '' })],
    [
      'places without names among others',
      'a result',
      plain({
        to: { bases: Uint32Array.of(0, 0, 0, 0), paths: '\0none\0\0none\0' },
        counts: Uint32Array.of(0, 1, 1, 0),
        names: 'none\0none\0',
      }),
    ],
    ['a proxy of jobs', 'a result', new Proxy(plain(), {})],
    ['what inherits from jobs', 'a result', Object.create(plain())],
    ['from: it is not read', 'a result', trap(plain(), 'from')],
    [
      'a getter for names that takes the counts away',
      'a result',
      Object.defineProperty(plain({ counts }), 'names', {
        get: () => {
          detached(counts)
          return 'none\0'
        },
      }),
    ],
    [
      'a getter for names that makes the counts fewer',
      'a result',
      Object.defineProperty(plain({ counts: fewer.fill(1) }), 'names', {
        get: () => {
          fewerBuffer.resize(0)
          return 'none\0'
        },
      }),
    ],
    [
      'a getter for paths that takes the bases away',
      'a result',
      plain({
        bases,
        to: {
          bases: Uint32Array.of(0),
          get paths() {
            bases.length = 0
            return '\0'
          },
        },
      }),
    ],
  ]
}

/** Instead of a start and what leads down from it. `wanted`: a pair that is fine. */
function pairChoices(dir: string, wanted: readonly [string, string]): Choice[] {
  const [, down] = wanted
  return [
    ...refusals(without('a string object')),
    // It has two letters, each of them a string.
    ['a string object', 'a result', Object('text')],
    ...baseChoices(dir).map(([name, expected, base]): Choice => [
      `base: ${name}`,
      expected,
      [base, down],
    ]),
    ...refusals(without()).map(([name, expected, value]): Choice => [
      `path: ${name}`,
      expected,
      [dir, value],
    ]),
    ...[
      ['NUL', 'none\0none/none'],
      ['a way out', '../../none'],
      ['the root', '/none/none'],
      ['two slashes', 'none//none'],
      ['a file', 'kept/none'],
      ['half a character', '\ud800/none'],
      ['a million letters', `none/${letters}`],
      ['a million names', `${'x/'.repeat(1_000_000)}x`],
    ].map(([name, value]): Choice => [`path: ${name ?? ''}`, 'a result', [dir, value]]),
    ['no base and no path', refused, []],
    ['no path', refused, [dir]],
    ['holes', refused, new Array(2)],
    ['2^32 holes', refused, new Array(2 ** 32 - 1)],
    ['numbers in a typed array', refused, Uint32Array.of(0, 0)],
    ['a pair in an array', refused, [wanted]],
    ['a base that throws', thrown, Object.defineProperty([dir, ''], 0, { get: fail })],
    ['a path that throws', thrown, Object.defineProperty([dir, ''], 1, { get: fail })],
    ['a proxy that throws', thrown, new Proxy([], { get: fail })],
    ['a proxy that is revoked', revoked, revokedProxy()],
    ['a base that takes the path away', refused, takingAway(dir)],
    ['something like a pair', 'a result', { 0: dir, 1: down }],
    ['more than a pair', 'a result', [dir, down, {}]],
    ['a proxy of a pair', 'a result', new Proxy(wanted, {})],
    ['a frozen pair', 'a result', Object.freeze([...wanted])],
    ['a pair of another realm', 'a result', runInNewContext('[dir, down]', { dir, down })],
  ]
}

/** A pair that loses its path while its base is read. */
function takingAway(dir: string): unknown[] {
  const pair: unknown[] = [dir, 'none']
  return Object.defineProperty(pair, 0, {
    get: () => {
      pair.length = 1
      return dir
    },
  })
}

/** Instead of a tree that is one directory with one file. What is refused would find something to do. */
function treeChoices(dir: string): Choice[] {
  // Nothing can be made there: what leads to it is missing.
  const idle = (change: object = {}): object => ({
    ...{ from: [dir, ''], to: [dir, 'none/none'], skip: 0, paths: '\0' },
    ...{ modes: Uint32Array.of(0o755), counts: Uint32Array.of(1), names: 'kept\0' },
    ...change,
  })
  const making = (change: object = {}): object => idle({ to: [dir, 'made'], ...change })
  const property = (key: string, choices: readonly Choice[]): Choice[] =>
    choices.map(([name, expected, value]) => {
      const tree = expected === 'a result' ? idle : making
      return [`${key}: ${name}`, expected, tree({ [key]: value })]
    })
  const keys = ['from', 'to', 'skip', 'paths', 'modes', 'counts', 'names']
  const lateModes = Uint32Array.of(0o755)
  const lateCounts = Uint32Array.of(1)
  const [fewer, fewerBuffer] = resizable(1)
  return [
    ...refusals(without()),
    ...keys.map((key): Choice => [`no ${key}`, refused, withoutKey(making(), key)]),
    ...keys.map((key): Choice => [
      `a getter for ${key} that throws`,
      thrown,
      trap(withoutKey(making(), key), key),
    ]),
    ...property('from', pairChoices(dir, [dir, 'none/none'])),
    ...property('to', pairChoices(dir, [dir, 'none/none'])),
    ...property('skip', [
      ...refusals(without('a number')),
      ...[-1, -(2 ** 31), NaN, 0.5, Infinity, -Infinity, 2 ** 32, -(2 ** 32)].map(
        (skip): Choice => [String(skip), refused, skip],
      ),
      ...[1, 7, 2 ** 31, 2 ** 32 - 1].map((skip): Choice => [String(skip), refused, skip]),
      ['a number object', refused, Object(0)],
      ['minus zero', 'a result', -0],
    ]),
    ['skip: within one path, beyond another', refused, manyTo(making, { skip: 2 })],
    ['skip: all of a path', 'a result', idle({ paths: 'none\0', skip: 4 })],
    ['skip: half of a name', 'a result', idle({ paths: 'none/none\0', skip: 2 })],
    ['skip: half of a character', 'a result', idle({ paths: 'é/none\0', skip: 1 })],
    ...property('paths', [['undefined', refused, undefined], ...textsChoices, ...noTexts]),
    ...property('names', [['undefined', refused, undefined], ...textsChoices, ...noTexts]),
    ...property('modes', [['undefined', refused, undefined]]),
    ...property('modes', [...numbersChoices(0o755), ...noNumbers(refused)]),
    ...property('modes', [['the highest number', 'a result', Uint32Array.of(2 ** 32 - 1)]]),
    ...property('counts', [['undefined', refused, undefined]]),
    ...property('counts', [...numbersChoices(1), ...noNumbers(refused)]),
    ...property('counts', [
      ['one too few', refused, Uint32Array.of(0)],
      ['one too many', refused, Uint32Array.of(2)],
      ['the highest number', refused, Uint32Array.of(2 ** 32 - 1)],
      ['a number for a directory that is not there', refused, Uint32Array.of(1, 0)],
    ]),
    // The numbers add up to 1 in 32 bits.
    [
      'counts that add up when they are cut',
      refused,
      manyTo(making, { counts: Uint32Array.of(2 ** 32 - 1, 2) }),
    ],
    [
      'as many of the highest number as add up to nothing in 32 bits',
      refused,
      making({
        ...{ paths: '\0'.repeat(65_536), modes: new Uint32Array(65_536), names: '' },
        counts: new Uint32Array(65_536).fill(65_536),
      }),
    ],
    ['one of two modes', refused, manyTo(making, { modes: Uint32Array.of(0o755) })],
    ['one of two counts', refused, manyTo(making, { counts: Uint32Array.of(1) })],
    ['one of two paths', refused, manyTo(making, { paths: '\0' })],
    ['no name of two', refused, manyTo(making, { counts: Uint32Array.of(1, 1), names: '' })],
    ['a proxy that throws', thrown, new Proxy({}, { get: fail })],
    ['a proxy that is revoked', revoked, revokedProxy()],
    ['a tree in an array', refused, [making()]],
    ['two directories', 'a result', manyTo(idle)],
    ['a directory without files', 'a result', idle({ counts: Uint32Array.of(0), names: '' })],
    [
      'nothing to do',
      'a result',
      idle({ paths: '', modes: new Uint32Array(0), counts: new Uint32Array(0), names: '' }),
    ],
    ['a directory before the one that holds it', 'a result', manyTo(idle, { paths: 'x/y\0x\0' })],
    ['the same directory twice', 'a result', manyTo(idle, { paths: 'x\0x\0' })],
    ['a proxy of a tree', 'a result', new Proxy(idle(), {})],
    ['what inherits from a tree', 'a result', Object.create(idle())],
    ['a frozen tree', 'a result', Object.freeze(idle())],
    [
      'a getter for names that takes the numbers away',
      'a result',
      Object.defineProperty(idle({ modes: lateModes, counts: lateCounts }), 'names', {
        get: () => {
          detached(lateModes)
          detached(lateCounts)
          return 'kept\0'
        },
      }),
    ],
    [
      'a getter for names that makes the counts fewer',
      'a result',
      Object.defineProperty(idle({ counts: fewer.fill(1) }), 'names', {
        get: () => {
          fewerBuffer.resize(0)
          return 'kept\0'
        },
      }),
    ],
  ]
}

/** A tree of two directories, the second of them with a name, and one file. */
function manyTo(tree: (change: object) => object, change: object = {}): object {
  return tree({
    ...{ paths: '\0none\0', modes: Uint32Array.of(0o755, 0o755), counts: Uint32Array.of(1, 0) },
    ...change,
  })
}

function withoutKey(object: object, key: string): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
}

/** Instead of an array of trees. */
function treesChoices(dir: string): Choice[] {
  const choices = treeChoices(dir)
  const [, , idle] = choices.find(([name]) => name === 'two directories') ?? []
  const { grown, shrunk, subclass } = oddArrays(idle, 10_000)
  return [
    ...refusals(without('an array')),
    ...choices.map(([name, expected, tree]): Choice => [name, expected, [tree]]),
    ...refusals(without()).map(([name, expected, tree]): Choice => [
      `${name} after others`,
      expected,
      [idle, idle, tree],
    ]),
    ['a proxy of an array', refused, new Proxy([idle], { get: fail })],
    ['an array that is revoked', refused, revokedProxy()],
    ['something like an array', refused, { length: 1, 0: idle }],
    ['numbers', refused, Uint32Array.of(0)],
    ['holes', refused, new Array(3)],
    ['a hole after others', refused, Object.assign(new Array(2), { 0: idle })],
    ['2^32 holes', refused, new Array(2 ** 32 - 1)],
    ['a tree whose getter throws', thrown, Object.defineProperty([idle], 0, { get: fail })],
    ['a last getter that throws', thrown, Object.defineProperty([idle, idle], 1, { get: fail })],
    ['no tree', 'a result', []],
    ['ten thousand trees', 'a result', new Array(10_000).fill(idle)],
    ['an array that grows while it is read', 'a result', grown],
    ['an array that shrinks while it is read', 'a result', shrunk],
    ['an array of a class of its own', 'a result', subclass],
    ['an array of another realm', 'a result', runInNewContext('[idle]', { idle })],
    ['a frozen array', 'a result', Object.freeze([idle])],
  ]
}

/** Every function of the addon with arguments of every wrong kind; `dir` holds the file `kept`. */
function garbageCases(dir: string): GarbageCase[] {
  if (addon === undefined) throw new Error('the addon is not there')
  const calls = addon as unknown as Record<string, (...args: unknown[]) => unknown>
  const cases: GarbageCase[] = []
  const add = (name: string, expected: Expected, call: string, ...args: unknown[]): void => {
    cases.push({ name: `${call}: ${name}`, expected, run: () => calls[call]?.(...args) })
  }
  const file = path.join(dir, 'kept')
  const text: [string, unknown][] = [...without(), ['a string with NUL', `${file}\0`]]

  for (const call of ['reflink', 'reflinkAsync', 'cloneFile', 'cloneFileSync', 'sharedBytes']) {
    add('nothing', refused, call)
    for (const [name, value] of text) {
      add(`${name} first`, refused, call, value, file)
      add(`${name} second`, refused, call, file, value)
    }
    add('a proxy', refused, call, new Proxy({}, { get: fail }), file)
    add('text that ends in half a character', 'a result', call, `${dir}/\ud800`, `${dir}/x`)
    add('a path of a million letters', 'a result', call, letters, file)
  }

  for (const call of ['tryLock', 'closeDirectory']) {
    add('nothing', refused, call)
    for (const [name, value] of without('a number')) add(name, refused, call, value)
    for (const number of [NaN, Infinity, -Infinity, 0.5, 2 ** 31, 2 ** 32, -(2 ** 40)])
      add(String(number), refused, call, number)
    add('2147483647', 'a result', call, 2 ** 31 - 1)
  }

  add('nothing', refused, 'openDirectory')
  for (const [name, expected, base] of baseChoices(dir))
    add(`base: ${name}`, expected, 'openDirectory', base, 'none')
  for (const [name, value] of without()) add(`path: ${name}`, refused, 'openDirectory', dir, value)
  for (const [name, value] of [
    ['NUL', 'a\0b'],
    ['a NUL at its end', 'none\0'],
    ['nothing but NUL', '\0'],
    ['a way out', '../..'],
    ['the root', '/'],
    ['two slashes', 'none//none'],
    ['a file', 'kept'],
    ['half a character', '\ud800'],
    ['a million letters', letters],
    ['a million names', `${'x/'.repeat(1_000_000)}x`],
  ] as const)
    add(`path: ${name}`, 'a result', 'openDirectory', dir, value)

  for (const call of ['readRecord', 'writeRecord']) {
    add('nothing', refused, call)
    for (const [name, expected, base] of baseChoices(dir))
      add(`base: ${name}`, expected, call, base, 'none', 'none', 'text')
    for (const [name, value] of without()) {
      add(`path: ${name}`, refused, call, dir, value, 'none', 'text')
      add(`name: ${name}`, refused, call, dir, '', value, 'text')
      if (call === 'writeRecord') add(`text: ${name}`, refused, call, dir, '', 'none', value)
    }
    for (const name of ['', '.', '..', '../none', 'kept/none', 'none/', '\ud800/', letters])
      add(`name: ${name.slice(0, 20)}`, 'a result', call, dir, '', name, 'text')
    add('name: NUL', refused, call, dir, '', 'a\0b', 'text')
    add('a way out', 'a result', call, dir, '../..', 'none', 'text')
    add('what is there', 'a result', call, dir, '', 'kept', 'text')
  }
  add('nothing', refused, 'sync')
  for (const [name, value] of without('a number')) add(name, refused, 'sync', value)
  for (const number of [NaN, Infinity, -Infinity, 0.5, -1, 2 ** 31, 2 ** 32])
    add(String(number), refused, 'sync', number)
  add('a descriptor that is not open', 'a result', 'sync', 2 ** 31 - 1)

  const placed = { bases: Uint32Array.of(0), paths: 'none\0' }
  for (const [call, after] of [
    ['list', []],
    ['inheritance', []],
    ['scanTrees', [true]],
  ] as const) {
    add('nothing', refused, call)
    add('nothing but bases', refused, call, [dir])
    add('nothing but places', refused, call, undefined, placed, ...after)
    for (const [name, expected, bases] of basesChoices(dir))
      add(`bases: ${name}`, expected, call, bases, placed, ...after)
    for (const [name, expected, places] of placesChoices()) {
      // Without jobs they need not be as many as anything else.
      const own = /^(?:no place|two places)$/.test(name) ? 'a result' : expected
      add(`places: ${name}`, own, call, [dir], places, ...after)
    }
    const none = { bases: new Uint32Array(0), paths: '' }
    add('nothing to do', 'a result', call, [], none, ...after)
    add('places without a base', refused, call, [], placed, ...after)
    const thousand = { bases: new Uint32Array(1000), paths: 'none\0'.repeat(1000) }
    add('a thousand places', 'a result', call, [dir], thousand, ...after)
  }
  for (const [name, value] of without())
    add(`sized: ${name}`, 'a result', 'scanTrees', [dir], placed, value)

  for (const [call, before, after] of [
    ['placeTrees', ['copy'], {}],
    ['placeTrees', ['clone'], {}],
    ['placeTrees', ['hardlink'], {}],
    ['matchTrees', [], true],
    ['matchTrees', [], false],
  ] as const) {
    const which = before[0] ?? (after ? 'bytes' : 'directories')
    add(`${which}: nothing`, refused, call, ...before)
    for (const [name, expected, trees] of treesChoices(dir))
      add(`${which}: ${name}`, expected, call, ...before, trees, after)
  }
  for (const [name, value] of without()) add(`bytes: ${name}`, 'a result', 'matchTrees', [], value)

  const to = { bases: Uint32Array.of(0), paths: '\0' }
  const plain = (change: object = {}): object => ({
    ...{ bases: [dir], to, counts: Uint32Array.of(1), names: 'none\0' },
    ...change,
  })
  for (const [call, before] of [
    ['stat', []],
    ['identify', []],
    ['batch', ['unlink']],
  ] as const) {
    add('nothing', refused, call, ...before)
    for (const [name, expected, jobs] of jobsChoices(dir, plain))
      add(name, expected, call, ...before, jobs)
  }

  const pairs = (change: object = {}): object =>
    plain({ from: to, toNames: 'none 2\0', modes: Uint32Array.of(0), ...change })
  const found = { names: 'kept\0' }
  for (const operation of twoSided) {
    const given = (name: string, expected: Expected, jobs: unknown): void => {
      add(`${operation}: ${name}`, expected, 'batch', operation, jobs)
    }
    for (const [name, expected, from] of placesChoices())
      given(`from: ${name}`, expected, pairs({ from, ...(expected === 'a result' ? {} : found) }))
    given('no from', refused, plain({ names: 'kept\0' }))
    given('a getter for from that throws', thrown, trap(pairs({ names: 'kept\0' }), 'from'))
    const two = { bases: Uint32Array.of(0, 0), paths: '\0\0' }
    const counts = Uint32Array.of(1, 1)
    const kept = { names: 'kept\0kept\0', toNames: 'a\0b\0', modes: new Uint32Array(2) }
    given('one place in from, two in to', refused, pairs({ ...kept, to: two, counts }))
    given('two places in from, one in to', refused, pairs({ ...kept, from: two, counts }))
    given('no place in from', refused, {
      ...pairs({ names: 'kept\0' }),
      from: { bases: new Uint32Array(0), paths: '' },
    })
    given('a closed descriptor in from', 'a result', {
      ...pairs({ bases: [dir, 2 ** 31 - 1] }),
      from: { bases: Uint32Array.of(1), paths: '\0' },
    })
  }
  for (const operation of oneSided) {
    // A name that no operation takes.
    const jobs = pairs({ names: '..\0', toNames: '..\0' })
    for (const [name, value] of without())
      add(`${operation}: from: ${name}`, 'a result', 'batch', operation, { ...jobs, from: value })
    add(
      `${operation}: from: a getter that throws`,
      'a result',
      'batch',
      operation,
      trap(jobs, 'from'),
    )
  }
  for (const operation of [...twoSided, ...oneSided])
    for (const key of ['bases', 'to', 'counts', 'names', 'toNames', 'modes']) {
      const throwing = trap(pairs({ names: 'kept\0' }), key)
      add(`${operation}: a getter for ${key} that throws`, thrown, 'batch', operation, throwing)
    }

  for (const [name, value] of text)
    add(`operation: ${name}`, refused, 'batch', value, plain({ names: 'kept\0' }), {})
  for (const name of ['', 'Unlink', 'constructor', '__proto__', 'unlink ', 'x'.repeat(100_000)])
    add(`operation: ${name.slice(0, 20)}`, refused, 'batch', name, plain({ names: 'kept\0' }), {})

  const unlinking = ['batch', 'unlink', plain({ names: 'kept\0' })] as const
  for (const [name, value] of without())
    add(`options: ${name}`, 'a result', 'batch', 'unlink', plain(), value)
  for (const flag of ['writable', 'times', 'inKernelCopy', 'exactMode']) {
    add(`a getter for ${flag} that throws`, thrown, ...unlinking, trap({}, flag))
    for (const [name, value] of without())
      add(`${flag}: ${name}`, 'a result', 'batch', 'unlink', plain(), { [flag]: value })
  }
  add('options: a proxy that throws', thrown, ...unlinking, new Proxy({}, { get: fail }))

  for (const [name, value] of text) add(`operation: ${name}`, refused, 'placeTrees', value, [], {})
  // Those that make no files are no way to make a tree.
  for (const name of ['', 'Copy', 'constructor', '__proto__', 'copy ', ...makesNoFiles, letters])
    add(`operation: ${name.slice(0, 20)}`, refused, 'placeTrees', name, [], {})
  for (const [name, value] of without())
    add(`options: ${name}`, 'a result', 'placeTrees', 'copy', [], value)
  for (const flag of ['writable', 'times', 'inKernelCopy', 'exactMode', 'dropQuarantine']) {
    add(`a getter for ${flag} that throws`, thrown, 'placeTrees', 'copy', [], trap({}, flag))
    for (const [name, value] of without())
      add(`${flag}: ${name}`, 'a result', 'placeTrees', 'copy', [], { [flag]: value })
  }
  const throwing = new Proxy({}, { get: fail })
  add('options: a proxy that throws', thrown, 'placeTrees', 'copy', [], throwing)
  return cases
}

/** How a call really ended. */
async function outcomeOf({ run }: GarbageCase): Promise<string> {
  try {
    await run()
    return 'a result'
  } catch (error) {
    if (!(error instanceof Error)) return String(error)
    const { code = '' } = error as NodeJS.ErrnoException
    if (code !== '') return `${error.name} ${code}`
    return error.message === wordsForRevoked() ? revoked : error.message
  }
}

/** How a child ended that gave the addon garbage. */
interface GarbageReport {
  code: number | null
  signal: NodeJS.Signals | null
  stderr: string
  /** Of each call that ended: how it did, and how it should have. */
  outcomes: { name: string; expected: string; outcome: string }[]
  /** The call that ended the process; empty if none did. */
  fatal: string
}

/** Gives the addon garbage in a child, so that an abort is seen as such. `dir` must hold a file `kept`. */
export async function giveGarbage(dir: string): Promise<GarbageReport> {
  const log = path.join(freshDir(), 'log')
  const { code, signal, stderr } = await runScript(__filename, [dir, log])
  const lines = fs.readFileSync(log, 'utf8').split('\n')
  const fatal = lines.pop() ?? ''
  const outcomes = lines.map((line) => {
    const [name = '', expected = '', outcome = ''] = line.split('\t')
    return { name, expected, outcome }
  })
  return { code, signal, stderr, outcomes, fatal }
}

async function main(dir: string, log: string): Promise<void> {
  const file = fs.openSync(log, 'w')
  for (const one of garbageCases(dir)) {
    // Before the call, so that the last line names the one that ended the process.
    fs.writeSync(file, `${one.name}\t${one.expected}\t`)
    fs.writeSync(file, `${await outcomeOf(one)}\n`)
  }
}

if (require.main === module) void main(process.argv[2] ?? '', process.argv[3] ?? '')
