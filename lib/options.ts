import { dirname, resolve, sep } from 'node:path'
import { inspect, types } from 'node:util'
import { invalidArgument } from './errors'
import { pathInStore, type GivenEntry, type GivenFiles, type GivenSource } from './scan/given'
import { isSignal } from './signal'
import type {
  ConflictPolicy,
  ExistingPolicy,
  LinkMode,
  MergeOptions,
  MergeProgress,
  ModifiedPolicy,
  Source,
  SpecialPolicy,
  SymlinkPolicy,
  VerifyOptions,
} from './types'

/** The options with their defaults, checked: inside, types are trusted. */
export interface Settings {
  readonly linkModes: readonly LinkMode[]
  readonly conflicts: ConflictPolicy
  readonly existing: ExistingPolicy
  /** True: the one in dest; a path: absolute; undefined: none is kept. */
  readonly manifest: true | string | undefined
  readonly prune: boolean
  readonly modified: ModifiedPolicy
  readonly adopt: boolean
  readonly symlinks: SymlinkPolicy
  readonly specials: SpecialPolicy
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
    ...readLifecycle(given),
    symlinks: read('symlinks', oneOf('contained', 'verbatim', 'reject')) ?? 'contained',
    specials: read('specials', oneOf('error', 'skip')) ?? 'error',
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

function readLifecycle(
  given: Given<MergeOptions>,
): Pick<Settings, 'manifest' | 'prune' | 'modified' | 'adopt'> {
  const manifest = optional('options.manifest', given.manifest, aManifest)
  const prune = optional('options.prune', given.prune, aBoolean)
  const policies = oneOf('error', 'keep', 'replace')
  const modified = optional('options.modified', given.modified, policies)
  const adopt = optional('options.adopt', given.adopt, aBoolean)
  const isKept = manifest !== undefined && manifest !== false
  for (const [name, value] of Object.entries({ prune, modified, adopt })) {
    if (isKept || value === undefined || value === false) continue
    throw invalidArgument('VALUE', `options.${name} requires options.manifest`)
  }
  return {
    manifest:
      typeof manifest === 'string' ? readPath('options.manifest', manifest) : manifest || undefined,
    prune: prune ?? false,
    modified: modified ?? 'error',
    adopt: adopt ?? false,
  }
}

/** Checks the sources and makes their directories absolute. */
export function readSources(sources: unknown): GivenSource[] {
  if (!Array.isArray(sources)) throw badType('sources', 'an array', sources)
  const names = new Set<string>()
  const stores = new Directories()
  // Not by map(), which passes over what is missing in a sparse array.
  return Array.from(sources, (source: unknown, index) => {
    const what = `sources[${String(index)}]`
    const read = readSource(source, what, stores)
    if (names.has(read.name)) {
      throw invalidArgument('VALUE', `${what}.name "${read.name}" is not unique`)
    }
    names.add(read.name)
    return read
  })
}

interface VerifySettings {
  readonly manifest: string | undefined
  readonly bytes: boolean
  readonly foreign: boolean
  readonly signal: AbortSignal | undefined
}

/** Checks the options of verify(). */
export function readVerifyOptions(options: unknown = {}): VerifySettings {
  if (!isObject(options)) throw badType('options', 'an object', options)
  const { manifest, bytes, foreign, signal }: Given<VerifyOptions> = options
  const path = optional('options.manifest', manifest, aString)
  return {
    manifest: path === undefined ? undefined : readPath('options.manifest', path),
    bytes: optional('options.bytes', bytes, aBoolean) ?? false,
    foreign: optional('options.foreign', foreign, aBoolean) ?? false,
    signal: optional('options.signal', signal, aSignal),
  }
}

/** Checks the names of sources. */
export function readNames(names: unknown): string[] {
  if (!Array.isArray(names)) throw badType('names', 'an array', names)
  return Array.from(names, (name: unknown, index) => {
    if (typeof name !== 'string') throw badType(`names[${String(index)}]`, 'a string', name)
    return name
  })
}

/** Checks a path and makes it absolute. */
export function readPath(what: string, path: unknown): string {
  if (typeof path !== 'string') throw badType(what, 'a string', path)
  if (path === '') throw invalidArgument('VALUE', `${what} must not be empty`)
  if (path.includes('\0')) throw invalidArgument('VALUE', `${what} must not contain NUL characters`)
  return resolve(path)
}

/** The rank of a source in a session; a number, or undefined for the next one. */
export function readRank(at: unknown = {}): number | undefined {
  if (!isObject(at)) throw badType('at', 'an object', at)
  const { rank }: { rank?: unknown } = at
  return optional('at.rank', rank, aRank)
}

/** Checks a source and makes its directory absolute. */
export function readSource(source: unknown, what: string, stores = new Directories()): GivenSource {
  if (!isObject(source)) throw badType(what, 'an object', source)
  const { name, dir, files, to, filter, digest, exact }: Given<Source> = source
  if (typeof name !== 'string') throw badType(`${what}.name`, 'a string', name)
  if ((dir === undefined) === (files === undefined)) {
    throw invalidArgument('VALUE', `${what} ("${name}") must have either dir or files`)
  }
  const read: { -readonly [K in keyof GivenSource]: GivenSource[K] } = { name }
  if (dir !== undefined) read.dir = readPath(`${what}.dir`, dir)
  if (files !== undefined) read.files = readFiles(`${what}.files`, files, stores)
  const place = optional(`${what}.to`, to, aString)
  if (place !== undefined) read.to = place
  const vouched = optional(`${what}.digest`, digest, aString)
  if (vouched !== undefined) read.digest = vouched
  const alone = readExact(`${what}.exact`, exact)
  if (alone !== undefined) read.exact = alone
  const wanted = saysYesOrNo(
    optional(`${what}.filter`, filter, aFunction<(path: string) => unknown>()),
  )
  if (wanted !== undefined) read.filter = wanted
  return read
}

function readExact(what: string, exact: unknown): Source['exact'] {
  if (exact === undefined || typeof exact === 'boolean') return exact
  if (!isPlainObject(exact)) throw badType(what, 'a boolean or an object with keep', exact)
  const { keep } = exact
  if (!Array.isArray(keep)) throw badType(`${what}.keep`, 'an array of names', keep)
  return {
    keep: Array.from(keep, (name: unknown, index) => {
      if (typeof name !== 'string')
        throw badType(`${what}.keep[${String(index)}]`, 'a string', name)
      return name
    }),
  }
}

/** JavaScript may answer anything: what is falsy is a no, as in `fs.cp` and `Array.filter`. */
function saysYesOrNo(
  asked: ((path: string) => unknown) | undefined,
): ((path: string) => boolean) | undefined {
  return asked && ((path) => Boolean(asked(path)))
}

/** A copy: what the caller does to its own while the merge runs must not change what is merged. */
function readFiles(what: string, files: unknown, stores: Directories): GivenFiles {
  const paths: string[] = []
  const entries: GivenEntry[] = []
  const directoryOf: number[] = []
  const add = (path: string, entry: unknown, what: () => string): void => {
    const read = readEntry(what, entry)
    const file = pathInStore(read)
    paths.push(path)
    entries.push(read)
    directoryOf.push(file === undefined ? -1 : stores.numberOf(file))
  }
  // Not instanceof, here and for signals: another context, such as jest's, has classes of its own.
  if (types.isMap(files)) {
    for (const [path, entry] of files) {
      if (typeof path !== 'string') throw badType(`a key of ${what}`, 'a string', path)
      add(path, entry, () => `${what}.get(${JSON.stringify(path)})`)
    }
  } else if (isPlainObject(files)) {
    for (const [path, entry] of Object.entries(files)) {
      add(path, entry, () => `${what}[${JSON.stringify(path)}]`)
    }
  } else {
    throw badType(what, 'a Map or an object', files)
  }
  return { paths, entries, directories: stores.list, directoryOf }
}

/** The directories of stores, each once, in the order in which they came. */
class Directories {
  readonly list: string[] = []
  private readonly numbers = new Map<string, number>()

  /** The number of the one in which a file lies, by the file's path. */
  numberOf(path: string): number {
    // Of what lies in the root directory, that.
    const directory = path.slice(0, path.lastIndexOf(sep)) || dirname(path)
    let number = this.numbers.get(directory)
    if (number === undefined) {
      number = this.list.push(directory) - 1
      this.numbers.set(directory, number)
    }
    return number
  }
}

function readEntry(what: () => string, entry: unknown): GivenEntry {
  if (typeof entry === 'string') return absolute(what, entry)
  const expected = 'a path, or an object with path, content or target'
  if (!isPlainObject(entry)) throw badType(what(), expected, entry)
  const { path, content, target, size, mode } = entry
  const kinds = [path, content, target].filter((each) => each !== undefined)
  if (kinds.length !== 1) {
    throw invalidArgument('VALUE', `${what()} must have one of path, content and target`)
  }
  if (target !== undefined) {
    if (typeof target !== 'string') throw badType(`${what()}.target`, 'a string', target)
    if (target === '') throw invalidArgument('VALUE', `${what()}.target must not be empty`)
    return { target }
  }
  const given = aMode.is(mode) ? mode : optional(`${what()}.mode`, mode, aMode)
  const bits = given === undefined ? undefined : given & 0o777
  if (content !== undefined) return { content: bytesOf(what, content), mode: bits ?? 0o644 }
  if (typeof path !== 'string') throw badType(`${what()}.path`, 'a string', path)
  return {
    path: absolute(what, path),
    size: aSize.is(size) ? size : optional(`${what()}.size`, size, aSize),
    mode: bits,
  }
}

function bytesOf(what: () => string, content: unknown): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content)
  if (types.isUint8Array(content)) return Uint8Array.from(content)
  throw badType(`${what()}.content`, 'a string or a Uint8Array', content)
}

/** Would resolve() make it the same? False where that is not seen at once. */
function isResolved(path: string): boolean {
  if (process.platform === 'win32' || path.charAt(0) !== '/') return false
  return !path.includes('//') && !path.includes('/.') && !path.endsWith('/')
}

function absolute(what: () => string, path: string): string {
  if (path === '') throw invalidArgument('VALUE', `${what()} must not be empty`)
  if (path.includes('\0')) {
    throw invalidArgument('VALUE', `${what()} must not contain NUL characters`)
  }
  return isResolved(path) ? path : resolve(path)
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

const aManifest: Check<boolean | string> = {
  expected: 'a boolean or a path',
  is: (value): value is boolean | string => typeof value === 'boolean' || isString(value),
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

const aSize: Check<number> = {
  expected: 'a number of bytes, 0 or more',
  is: (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0,
  isType: isNumber,
}

/** Of any mode only these bits count. */
const aMode: Check<number> = {
  expected: 'a mode, 0 or more',
  is: (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0,
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

/** Neither an array nor of any class: by mistake, such as a Set, it would be a map without files. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isObject(value) || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Other contexts have an Object.prototype of their own.
  return !isObject(prototype) || Object.getPrototypeOf(prototype) === null
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
