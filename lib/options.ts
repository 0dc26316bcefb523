import { resolve } from 'node:path'
import { inspect, types } from 'node:util'
import { invalidArgument } from './errors'
import { isSignal } from './signal'
import type {
  ConflictPolicy,
  ExistingPolicy,
  LinkMode,
  MergeOptions,
  MergeProgress,
  Source,
  SymlinkPolicy,
} from './types'

/** The options with their defaults, checked: inside, types are trusted. */
export interface Settings {
  readonly linkModes: readonly LinkMode[]
  readonly conflicts: ConflictPolicy
  readonly existing: ExistingPolicy
  readonly symlinks: SymlinkPolicy
  readonly mutable: ((path: string) => boolean) | undefined
  readonly writable: boolean
  readonly preserveTimestamps: boolean
  readonly directoryClone: boolean
  readonly dropQuarantine: boolean
  readonly concurrency: number | undefined
  readonly lock: false | { timeout: number | undefined }
  readonly durability: 'none' | 'full'
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: MergeProgress) => void) | undefined
}

const linkModes = ['clone', 'hardlink', 'copy', 'symlink'] as const satisfies readonly LinkMode[]
const conflictPolicies = ['error', 'first', 'last', 'exclusive'] as const
const defaultLinkModes: readonly LinkMode[] = ['clone', 'copy']

/** Checks the options of merge() and planMerge(). */
export function readOptions(options: unknown = {}): Settings {
  if (!isObject(options)) throw badType('options', 'an object', options)
  const given: Given<MergeOptions> = options
  const read = <T>(key: keyof MergeOptions, is: Check<T>): T | undefined =>
    optional(`options.${key}`, given[key], is)
  return {
    linkModes: readLinkModes(given.linkModes),
    conflicts: read('conflicts', conflictPolicy) ?? 'error',
    existing: read('existing', oneOf('error', 'keep', 'replace')) ?? 'error',
    symlinks: read('symlinks', oneOf('contained', 'verbatim', 'reject')) ?? 'contained',
    mutable: saysYesOrNo(read('mutable', aFunction<(path: string) => unknown>())),
    writable: read('writable', aBoolean) ?? false,
    preserveTimestamps: read('preserveTimestamps', aBoolean) ?? false,
    directoryClone: read('directoryClone', aBoolean) ?? true,
    dropQuarantine: read('quarantine', oneOf('keep', 'drop')) === 'drop',
    concurrency: read('concurrency', aCount),
    lock: readLock(given.lock),
    durability: read('durability', oneOf('none', 'full')) ?? 'none',
    signal: read('signal', aSignal),
    onProgress: read('onProgress', aFunction<NonNullable<MergeOptions['onProgress']>>()),
  }
}

/** Checks the sources and makes their directories absolute. */
export function readSources(sources: unknown): Source[] {
  if (!Array.isArray(sources)) throw badType('sources', 'an array', sources)
  const names = new Set<string>()
  // Not by map(), which passes over what is missing in a sparse array.
  return Array.from(sources, (source: unknown, index) => {
    const what = `sources[${String(index)}]`
    const read = readSource(source, what)
    if (names.has(read.name)) {
      throw invalidArgument('VALUE', `${what}.name "${read.name}" is not unique`)
    }
    names.add(read.name)
    return read
  })
}

/** Checks a path and makes it absolute. */
export function readPath(what: string, path: unknown): string {
  if (typeof path !== 'string') throw badType(what, 'a string', path)
  if (path === '') throw invalidArgument('VALUE', `${what} must not be empty`)
  if (path.includes('\0')) throw invalidArgument('VALUE', `${what} must not hold a NUL character`)
  return resolve(path)
}

/** The rank of a source in a session; a number, or undefined for the next one. */
export function readRank(at: unknown = {}): number | undefined {
  if (!isObject(at)) throw badType('at', 'an object', at)
  const { rank }: { rank?: unknown } = at
  return optional('at.rank', rank, aRank)
}

/** Checks a source and makes its directory absolute. */
export function readSource(source: unknown, what: string): Source {
  if (!isObject(source)) throw badType(what, 'an object', source)
  const { name, dir, files, to, filter }: Given<Source> = source
  if (typeof name !== 'string') throw badType(`${what}.name`, 'a string', name)
  if ((dir === undefined) === (files === undefined)) {
    throw invalidArgument('VALUE', `${what} ("${name}") must have either dir or files`)
  }
  const read: Source = { name }
  if (dir !== undefined) read.dir = readPath(`${what}.dir`, dir)
  if (files !== undefined) read.files = readFiles(`${what}.files`, files)
  const place = optional(`${what}.to`, to, aString)
  if (place !== undefined) read.to = place
  const wanted = saysYesOrNo(
    optional(`${what}.filter`, filter, aFunction<(path: string) => unknown>()),
  )
  if (wanted !== undefined) read.filter = wanted
  return read
}

/** JavaScript may answer anything: what is falsy is a no, as in `fs.cp` and `Array.filter`. */
function saysYesOrNo(
  asked: ((path: string) => unknown) | undefined,
): ((path: string) => boolean) | undefined {
  return asked && ((path) => Boolean(asked(path)))
}

function readFiles(what: string, files: unknown): ReadonlyMap<string, string> {
  // Not instanceof, here and for signals: another context, such as jest's, has classes of its own.
  if (!types.isMap(files)) throw badType(what, 'a Map', files)
  // A copy: what the caller does to its own while the merge runs must not change what is merged.
  const read = new Map<string, string>()
  for (const [path, file] of files) {
    if (typeof path !== 'string') throw badType(`a key of ${what}`, 'a string', path)
    if (typeof file !== 'string') throw badType(`${what}.get("${path}")`, 'a string', file)
    read.set(path, file)
  }
  return read
}

function readLinkModes(given: unknown): readonly LinkMode[] {
  if (given === undefined) return defaultLinkModes
  const modes: unknown[] = Array.isArray(given) ? given : [given]
  const mode = oneOf(...linkModes)
  const known = modes.map((each) => optional('options.linkModes', each, mode))
  const unique = [...new Set(known)].filter((each) => each !== undefined)
  if (unique.length === 0 || unique.length < known.length) {
    throw invalidArgument(
      'VALUE',
      `options.linkModes must be one or more of ${quoted(linkModes)}, each once`,
    )
  }
  return unique
}

function readLock(given: unknown): Settings['lock'] {
  if (given === false) return false
  if (given === undefined) return { timeout: undefined }
  if (!isObject(given)) throw badType('options.lock', 'false or an object', given)
  const { timeout }: { timeout?: unknown } = given
  return { timeout: optional('options.lock.timeout', timeout, milliseconds) }
}

type Given<T> = { readonly [K in keyof T]?: unknown }

/** What a value must be, and how to say so. */
interface Check<T> {
  readonly expected: string
  readonly is: (value: unknown) => value is T
  /** Of the right type, but not a value that is known. */
  readonly isType?: (value: unknown) => boolean
}

function optional<T>(what: string, value: unknown, check: Check<T>): T | undefined {
  if (value === undefined) return undefined
  if (check.is(value)) return value
  if (check.isType?.(value) !== true) throw badType(what, check.expected, value)
  throw invalidArgument('VALUE', `${what} must be ${check.expected}, not ${shown(value)}`)
}

function oneOf<T extends string>(...values: readonly T[]): Check<T> {
  return {
    expected: `one of ${quoted(values)}`,
    is: (value): value is T => (values as readonly unknown[]).includes(value),
    isType: isString,
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

const aString: Check<string> = { expected: 'a string', is: isString }

const aBoolean: Check<boolean> = {
  expected: 'a boolean',
  is: (value): value is boolean => typeof value === 'boolean',
}

function aFunction<T extends (...args: never[]) => unknown>(): Check<T> {
  return { expected: 'a function', is: (value): value is T => typeof value === 'function' }
}

const aSignal: Check<AbortSignal> = {
  expected: 'an AbortSignal',
  is: (value): value is AbortSignal => isObject(value) && isSignal(value),
}

const aCount: Check<number> = {
  expected: 'a whole number, 1 or more',
  is: (value): value is number => Number.isSafeInteger(value) && (value as number) >= 1,
  isType: isNumber,
}

const aRank: Check<number> = {
  expected: 'a number',
  is: (value): value is number => isNumber(value) && !Number.isNaN(value),
  isType: isNumber,
}

const milliseconds: Check<number> = {
  expected: 'a number of milliseconds, 0 or more',
  is: (value): value is number => isNumber(value) && value >= 0,
  isType: isNumber,
}

const conflictPolicy: Check<Settings['conflicts']> = {
  expected: `one of ${quoted(conflictPolicies)} or a function`,
  is: (value): value is Settings['conflicts'] =>
    typeof value === 'function' || (conflictPolicies as readonly unknown[]).includes(value),
  isType: isString,
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function badType(what: string, expected: string, value: unknown): Error {
  return invalidArgument('TYPE', `${what} must be ${expected}, not ${shown(value)}`)
}

/** A value in a message: enough to recognize it. */
function shown(value: unknown): string {
  const text = textOf(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** Node's own inspection of a broken object may throw, as that of one that only has the prototype of a signal. */
function textOf(value: unknown): string {
  try {
    return inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 3 })
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function quoted(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}
