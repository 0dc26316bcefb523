import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { isAbsolute } from 'node:path'
import { Kind } from '../host/host'
import { nameProblem, pathProblem } from '../host/names'
import { isReserved } from '../records'
import {
  Found,
  recordLength,
  type Manifest,
  type RecordedDirectory,
  type RecordedSource,
  type Rows,
} from './manifest'
import { rowIn } from './recorded'

/*
 * The first line, the SHA-256 of all that follows, the length of the header, the header (JSON), and the sections that the
 * header gives the lengths of: names and columns, little-endian.
 */
const version = 1
const firstLine = 'reflink-merge manifest '
const hashBytes = 32
// Names are checked for any system: a manifest is read where it was written, and nothing else is known of it.
const anywhere = 'linux'

// Most are so, and need no closer look.
const plainName = /^[\w@+~=,-][\w.@+~=,-]{0,80}$/

/** Why a manifest is not one; `read` makes an `ERR_MERGE_MANIFEST` of it. */
export class FormatError extends Error {}

interface Header {
  readonly time: string
  readonly options: string
  readonly sources: readonly RecordedSource[]
  readonly rows: number
  /** One a directory: the sources that have it. */
  readonly holders: readonly (readonly number[])[]
  readonly targets: readonly (readonly [row: number, text: string])[]
  readonly shared: readonly (readonly [row: number, sources: readonly number[]])[]
  readonly hashes: readonly (readonly [row: number, hash: string])[]
  readonly sections: readonly number[]
}

export function encode(manifest: Manifest): Uint8Array[] {
  const { sources, directories, names, rows, options, time } = manifest
  const ends = Uint32Array.from(directories, ({ end }) => end)
  const made = Uint8Array.from(directories, ({ isMade }) => (isMade ? 1 : 0))
  const origins: string[] = []
  if (rows.origins.size > 0) names.forEach((_, row) => origins.push(rows.origins.get(row) ?? ''))
  const sections = [
    Buffer.from(directories.map(({ path }) => path).join('\0')),
    Buffer.from(names.join('\0')),
    Buffer.from(origins.join('\0')),
    ...[ends, made, rows.kinds, rows.modes, rows.sizes, rows.owners, rows.found].map(bytesOf),
    ...[rows.dest, rows.source, joined(directories.map(({ records }) => records))].map(bytesOf),
  ]
  const header: Header = {
    time: String(time),
    options,
    sources,
    rows: names.length,
    holders: directories.map((directory) => directory.sources),
    targets: [...rows.targets],
    shared: [...rows.shared],
    hashes: [...rows.hashes],
    sections: sections.map(({ length }) => length),
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  const body = [length, text, ...sections]
  const hash = createHash('sha256')
  for (const part of body) hash.update(part)
  return [Buffer.from(`${firstLine}${String(version)}\n`), hash.digest(), ...body]
}

function joined(all: readonly BigUint64Array[]): BigUint64Array {
  const whole = new BigUint64Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const each of all) {
    whole.set(each, at)
    at += each.length
  }
  return whole
}

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Throws a FormatError for all that `encode` never writes. */
export function decode(bytes: Buffer): Manifest {
  const body = bodyOf(bytes)
  if (body.length < 4) fail('it is cut off')
  const length = body.readUInt32LE(0)
  if (4 + length > body.length) fail('it is cut off')
  const header = headerOf(utf8Of(body.subarray(4, 4 + length)))
  const cut = cutter(body, 4 + length, header.sections)
  const paths = utf8Of(cut()).split('\0')
  const names = textsOf(cut())
  const origins = textsOf(cut())
  const ends = column(cut(), Uint32Array)
  const made = column(cut(), Uint8Array)
  const rows: Rows = {
    kinds: column(cut(), Uint8Array),
    modes: column(cut(), Uint16Array),
    sizes: column(cut(), Float64Array),
    owners: column(cut(), Uint32Array),
    found: column(cut(), Uint8Array),
    dest: column(cut(), BigUint64Array),
    source: column(cut(), BigUint64Array),
    targets: mapOf(header.targets),
    shared: mapOf(header.shared),
    origins: new Map(origins.flatMap((path, row) => (path === '' ? [] : [[row, path] as const]))),
    hashes: mapOf(header.hashes),
  }
  const held = column(cut(), BigUint64Array)
  const { sources, holders, options } = header
  let heldAt = 0
  const directories = paths.map((path, index): RecordedDirectory => {
    const first = index === 0 ? 0 : (ends[index - 1] ?? 0)
    const end = ends[index] ?? -1
    const own = holders[index] ?? []
    const records = held.subarray(heldAt, (heldAt += own.length * recordLength))
    return { path, first, end, isMade: made[index] === 1, sources: own, records }
  })
  if (heldAt !== held.length) fail('columns of two lengths')
  const manifest = { sources, directories, names, rows, options, time: BigInt(header.time) }
  if (made.length !== paths.length || ends.length !== paths.length) fail('columns of two lengths')
  if (holders.length !== paths.length) fail('columns of two lengths')
  if (made.some((each) => each > 1)) fail('a bad directory')
  if (header.rows !== names.length) fail('columns of two lengths')
  if (origins.length !== 0 && origins.length !== names.length) fail('columns of two lengths')
  check(manifest)
  return manifest
}

function bodyOf(bytes: Buffer): Buffer {
  const newline = bytes.indexOf('\n')
  const line = newline < 0 || newline > 64 ? '' : bytes.toString('latin1', 0, newline)
  if (!line.startsWith(firstLine)) fail('it is not a manifest of reflink-merge')
  const found = line.slice(firstLine.length)
  if (found !== String(version)) {
    fail(`it is of version ${found}, and this release reads version ${String(version)}`)
  }
  const start = newline + 1 + hashBytes
  const hash = createHash('sha256').update(bytes.subarray(start)).digest()
  if (!hash.equals(bytes.subarray(newline + 1, start))) fail('its checksum does not match')
  return bytes.subarray(start)
}

function headerOf(text: string): Header {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    return fail('its header is damaged')
  }
  const { time, options, sources, rows, holders, targets, shared, hashes, sections } =
    recordOf(read)
  if (typeof time !== 'string' || !/^\d{1,20}$/.test(time)) return fail('a bad time')
  if (typeof options !== 'string') return fail('bad options')
  if (!isCount(rows)) return fail('a bad count')
  const count = listOf(sources).length
  const known = listOf(sources).map(sourceOf)
  if (new Set(known.map(({ name }) => name)).size !== count) return fail('two sources of one name')
  return {
    ...{ time, options, rows, sources: known },
    holders: listOf(holders).map((each) => sourcesOf(each, count)),
    targets: listOf(targets).map((each) => pairOf(each, rows, linkOf)),
    shared: listOf(shared).map((each) => pairOf(each, rows, (value) => sourcesOf(value, count))),
    hashes: listOf(hashes).map((each) => pairOf(each, rows, textOf)),
    sections: listOf(sections).map((each) => (isCount(each) ? each : fail('a bad length'))),
  }
}

function sourceOf(written: unknown): RecordedSource {
  const { name, to, digest, dir, isFiltered, isWhole, lost } = recordOf(written)
  if (typeof isFiltered !== 'boolean' || typeof isWhole !== 'boolean') return fail('a bad source')
  return {
    name: textOf(name),
    to: pathOf(to),
    digest: digest === undefined ? undefined : textOf(digest),
    dir: dir === undefined ? undefined : absoluteOf(textOf(dir)),
    ...{ isFiltered, isWhole },
    lost: listOf(lost).map(pathOf),
  }
}

function check({ sources, directories, names, rows }: Manifest): void {
  const { kinds, modes, sizes, owners, found, dest, source } = rows
  const { targets, shared, origins, hashes } = rows
  const columns = [kinds, modes, sizes, owners, found]
  if (columns.some(({ length }) => length !== names.length)) fail('columns of two lengths')
  const records = names.length * recordLength
  if (dest.length !== records || source.length !== records) fail('columns of two lengths')
  if (directories[0]?.path !== '') fail('dest itself is missing')
  checkDirectories(directories, names)
  for (let row = 0; row < names.length; row++) {
    const kind = kinds[row]
    if (kind !== Kind.File && kind !== Kind.Symlink) fail('a bad kind')
    if (kind === Kind.Symlink && !targets.has(row)) fail('a bad symlink')
    if (!isCount(sizes[row])) fail('a bad size')
    if ((modes[row] ?? 0) > 0o7777) fail('a bad mode')
    if ((found[row] ?? 0) > Found.Differing) fail('a bad entry')
    if ((owners[row] ?? 0) >= sources.length) fail('an entry of no source')
  }
  for (const row of targets.keys()) if (kinds[row] !== Kind.Symlink) fail('a bad symlink')
  for (const [row, others] of shared) {
    if (others.includes(owners[row] ?? 0)) fail('a source that is listed twice')
  }
  for (const path of origins.values()) absoluteOf(path)
  for (const [row, hash] of hashes) {
    if (kinds[row] !== Kind.File || !/^[0-9a-f]{64}$/.test(hash)) fail('a bad hash')
  }
}

/** Each stands in one that came before, so of its path only the last name has to be looked at. */
function checkDirectories(
  directories: readonly RecordedDirectory[],
  names: readonly string[],
): void {
  const known = new Map<string, RecordedDirectory>()
  let end = 0
  for (const directory of directories) {
    const { path, first } = directory
    if (path !== '') {
      const slash = path.lastIndexOf('/')
      const parent = known.get(path.slice(0, Math.max(0, slash)))
      // '/x' would stand in dest itself.
      if (parent === undefined || slash === 0) return fail('a directory that nothing holds')
      const name = path.slice(slash + 1)
      if (!plainName.test(name) && isBadName(name)) fail('a path that leads elsewhere')
      if (rowIn(names, parent, name) >= 0) fail('a file and a directory of one name')
    }
    if (known.has(path) || first !== end || directory.end < first) fail('bad directories')
    known.set(path, directory)
    end = directory.end
    for (let row = first; row < end; row++) {
      const name = names[row] ?? ''
      if (!plainName.test(name) && isBadName(name)) fail('a bad name')
      if (row > first && !((names[row - 1] ?? '') < name)) fail('names out of order')
    }
  }
  if (end !== names.length) fail('names of no directory')
}

/** Names of staging directories are never a source's. */
function isBadName(name: string): boolean {
  return nameProblem(name, anywhere) !== undefined || isReserved(name)
}

/** Of a source, or of a file of one. */
function absoluteOf(path: string): string {
  return isAbsolute(path) && !path.includes('\0') ? path : fail('a source without a place')
}

function linkOf(written: unknown): string {
  const text = textOf(written)
  return text === '' || text.includes('\0') ? fail('a bad symlink') : text
}

function mapOf<T>(pairs: readonly (readonly [row: number, value: T])[]): Map<number, T> {
  const map = new Map(pairs)
  return map.size === pairs.length ? map : fail('a row that is listed twice')
}

function cutter(body: Buffer, start: number, lengths: readonly number[]): () => Buffer {
  if (lengths.length !== 13) fail('sections are missing')
  const total = lengths.reduce((sum, length) => sum + length, start)
  if (total !== body.length) fail('sections of other lengths')
  let index = 0
  let at = start
  return () => body.subarray(at, (at += lengths[index++] ?? 0))
}

function textsOf(bytes: Buffer): string[] {
  return bytes.length === 0 ? [] : utf8Of(bytes).split('\0')
}

/** Other bytes would be read as other names. */
function utf8Of(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString() : fail('a text that is not UTF-8')
}

interface ColumnType<T> {
  new (buffer: ArrayBuffer): T
  readonly BYTES_PER_ELEMENT: number
}

/** A copy, since the sections are not aligned. */
function column<T>(bytes: Buffer, type: ColumnType<T>): T {
  if (bytes.length % type.BYTES_PER_ELEMENT !== 0) fail('a column is cut off')
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return new type(copy)
}

function recordOf(written: unknown): Record<string, unknown> {
  if (typeof written !== 'object' || written === null) return fail('its header is damaged')
  return written as Record<string, unknown>
}

function listOf(written: unknown): readonly unknown[] {
  return Array.isArray(written) ? (written as unknown[]) : fail('its header is damaged')
}

function textOf(written: unknown): string {
  return typeof written === 'string' ? written : fail('its header is damaged')
}

function pathOf(written: unknown): string {
  const path = textOf(written)
  if (path === '') return path
  if (pathProblem(path, anywhere) !== undefined) fail('a path that leads elsewhere')
  if (path.split('/').some(isReserved)) fail('a path of a staging directory')
  return path
}

function sourcesOf(written: unknown, count: number): readonly number[] {
  const sources = listOf(written).map((each) =>
    isCount(each) && each < count ? each : fail('a source that is missing'),
  )
  if (sources.length < 2) return sources
  return new Set(sources).size === sources.length ? sources : fail('a source that is listed twice')
}

function pairOf<T>(
  written: unknown,
  rows: number,
  valueOf: (value: unknown) => T,
): readonly [number, T] {
  const pair = listOf(written)
  const [row, value] = pair
  if (pair.length !== 2) return fail('its header is damaged')
  if (!isCount(row) || row >= rows) return fail('a row that is missing')
  return [row, valueOf(value)]
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function fail(why: string): never {
  throw new FormatError(why)
}
