import fs from 'node:fs'
import path from 'node:path'

import { addon } from '../../lib/addon'
import { runScript } from './child'
import { freshDir } from './fresh'

/** What a call of the addon must end with: a TypeError, the error that the caller's own code threw, or a result. */
type Expected = 'TypeError ERR_INVALID_ARG_TYPE' | 'thrown by the caller' | 'a result'

interface GarbageCase {
  name: string
  expected: Expected
  run: () => unknown
}

const refused = 'TypeError ERR_INVALID_ARG_TYPE'
const thrown = 'thrown by the caller'

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

const operations = [
  ...['clone', 'cloneDirectory', 'hardlink', 'copy', 'compare', 'rename', 'renameNoReplace'],
  ...['copyTimes', 'symlink', 'mkdir', 'unlink', 'rmdir', 'chmod'],
]

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
    add('a path of a million letters', 'a result', call, 'x'.repeat(1_000_000), file)
  }

  add('nothing', refused, 'tryLock')
  for (const [name, value] of without('a number')) add(name, refused, 'tryLock', value)
  for (const number of [NaN, Infinity, -Infinity, 0.5, 2 ** 31, 2 ** 32, -(2 ** 40)])
    add(String(number), refused, 'tryLock', number)
  for (const number of [2 ** 31 - 1]) add(String(number), 'a result', 'tryLock', number)

  const to = { base: dir, path: '' }
  const places: [string, Expected, unknown][] = [
    ...without('an empty object', 'an array', 'a string object').map(
      ([name, value]): [string, Expected, unknown] => [name, refused, value],
    ),
    ['an empty object', refused, {}],
    ...without('a number').map(([name, value]): [string, Expected, unknown] => [
      `base: ${name}`,
      refused,
      { base: value },
    ]),
    ...[-1, -(2 ** 31), NaN, 0.5, Infinity, 2 ** 31, 2 ** 32].map(
      (base): [string, Expected, unknown] => [`base: ${String(base)}`, refused, { base }],
    ),
    ['base: a string with NUL', refused, { base: `${dir}\0` }],
    ...without('undefined').map(([name, path_]): [string, Expected, unknown] => [
      `path: ${name}`,
      refused,
      { base: dir, path: path_ },
    ]),
    ['a getter for base that throws', thrown, trap(to, 'base')],
    ['a getter for path that throws', thrown, trap(to, 'path')],
    ['a proxy that throws', thrown, new Proxy({}, { get: fail })],
    ['a descriptor that is not open', 'a result', { base: 2 ** 31 - 1 }],
    ['a path with NUL', 'a result', { base: dir, path: 'a\0b' }],
    ['a path that leads out', 'a result', { base: dir, path: '../..' }],
    ['a path of a million letters', 'a result', { base: dir, path: 'x'.repeat(1_000_000) }],
  ]

  add('nothing', refused, 'openDirectory')
  for (const [name, expected, place] of places) add(name, expected, 'openDirectory', place)

  const arrays = (call: string, ...before: unknown[]): void => {
    add('nothing', refused, call, ...before)
    for (const [name, value] of without('an array')) add(name, refused, call, ...before, value)
    add('a proxy of an array', refused, call, ...before, new Proxy([], { get: fail }))
    add('something like an array', refused, call, ...before, { length: 1, 0: {} })
    for (const [name, value] of without('an empty object', 'an array', 'a string object'))
      add(`an array of ${name}`, refused, call, ...before, [value])
    add('an array with a hole', refused, call, ...before, new Array(3))
    // Room for all of it would be some hundred GiB.
    add('an array of 2^32 holes', refused, call, ...before, new Array(2 ** 32 - 1))
    const getter = Object.defineProperty([{}], 0, { get: fail })
    add('an array whose getter throws', thrown, call, ...before, getter)
  }

  arrays('list')
  for (const [name, expected, place] of places) add(name, expected, 'list', [to, place])
  const grown: unknown[] = []
  grown.push({
    path: '',
    get base() {
      while (grown.length < 50_000) grown.push({ base: dir, path: 'none' })
      return dir
    },
  })
  add('an array that grows while it is read', 'a result', 'list', grown)
  const shrunk: unknown[] = [{}, {}, {}]
  shrunk[0] = {
    path: '',
    get base() {
      shrunk.length = 1
      return dir
    },
  }
  add('an array that shrinks while it is read', 'a result', 'list', shrunk)

  const unlinking = (job: object): object => ({ to, names: 'kept\0', ...job })
  for (const [call, before] of [
    ['stat', []],
    ['batch', ['unlink']],
  ] as const) {
    arrays(call, ...before)
    const job = (name: string, expected: Expected, value: unknown): void => {
      add(name, expected, call, ...before, [value])
    }
    for (const [name, expected, place] of places) {
      job(`to: ${name}`, expected, { to: place, names: 'none\0' })
    }
    for (const [name, value] of without('undefined')) {
      job(`names: ${name}`, refused, { to, names: value })
      job(`toNames: ${name}`, refused, unlinking({ toNames: value }))
      job(`modes: ${name}`, refused, unlinking({ modes: value }))
    }
    for (const modes of [
      ...[new Int32Array(1), new Uint8Array(4), new Float64Array(1), new BigUint64Array(1)],
      ...[new Uint16Array(1), new Uint8ClampedArray(1), new DataView(new ArrayBuffer(4))],
      ...[new ArrayBuffer(4), [0o755]],
    ])
      job(`modes: ${modes.constructor.name}`, refused, unlinking({ modes }))
    for (const key of ['to', 'names', 'toNames', 'modes'])
      job(`a getter for ${key} that throws`, thrown, trap(unlinking({}), key))
    job('two names for one', refused, unlinking({ toNames: 'a\0b\0' }))
    job('toNames without names', refused, { to, toNames: 'a\0' })
  }

  for (const operation of operations) {
    const sides = { from: to, to, names: 'none\0', toNames: 'none 2\0', modes: Uint32Array.of(0) }
    if (!['symlink', 'mkdir', 'unlink', 'rmdir', 'chmod'].includes(operation)) {
      for (const [name, expected, place] of places)
        add(`${operation} from: ${name}`, expected, 'batch', operation, [{ ...sides, from: place }])
      const throwing = [trap(sides, 'from')]
      add(`${operation}: a getter for from that throws`, thrown, 'batch', operation, throwing)
    }
    for (const key of ['names', 'toNames', 'modes'])
      add(`${operation}: a getter for ${key} that throws`, thrown, 'batch', operation, [
        trap({ ...sides, names: 'kept\0' }, key),
      ])
  }
  for (const [name, value] of text) add(`operation: ${name}`, refused, 'batch', value, [], {})
  for (const name of ['', 'Unlink', 'constructor', '__proto__', 'unlink ', 'x'.repeat(100_000)])
    add(`operation: ${name.slice(0, 20)}`, refused, 'batch', name, [], {})
  for (const flag of ['writable', 'times', 'inKernelCopy', 'exactMode'])
    add(
      `a getter for ${flag} that throws`,
      thrown,
      'batch',
      'unlink',
      [unlinking({})],
      trap({}, flag),
    )
  add(
    'options: a proxy that throws',
    thrown,
    'batch',
    'unlink',
    [unlinking({})],
    new Proxy({}, { get: fail }),
  )

  const growing: unknown[] = []
  growing.push({
    names: 'none\0',
    get to() {
      while (growing.length < 50_000) growing.push({ to, names: 'none\0' })
      return to
    },
  })
  add('an array that grows while it is read', 'a result', 'batch', 'unlink', growing)
  const detached = Uint32Array.of(0o755)
  structuredClone(detached, { transfer: [detached.buffer] })
  add('modes that are detached', 'a result', 'batch', 'rmdir', [
    { to, names: 'none\0', modes: detached },
  ])
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
    return code === '' ? error.message : `${error.name} ${code}`
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
