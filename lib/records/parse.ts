import { splitPath } from '../host/host'
import { nameProblem, pathProblem } from '../host/names'
import { readIdentity, type Identity } from './identity'
import type {
  KnownEntry,
  MergeRecord,
  OtherStaging,
  OwnDirectory,
  OwnEntry,
  Replaced,
  Restriction,
} from './journal'
import { isNestedName } from './names'
import type { Owner } from './owner'
import { version } from './written'

/** A record that is not as a merge writes one. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
}

// What Windows forbids besides was refused when it was staged.
const anywhere = 'linux'

const most64 = 2n ** 64n

/** Reads a record like any text that somebody else may have written; throws a RecordError for what is none. */
export function fromText(text: string): MergeRecord {
  const written = parse(text)
  const prefix = pathOf(written['prefix'])
  const stagings = listOf(written['stagings'], 2).map(([path, directories]): OtherStaging => {
    return { path: pathOf(path), directories: pathsOf(directories) }
  })
  const intents = listOf(written['intents'], 3, 4).map((row) => intentOf(row))
  const owns = ownDirectories(listOf(written['directories'], 3, 4), intents)
  const entries = intents.map((intent, index): OwnEntry => {
    return { ...intent, own: intent.isDirectory ? owns[index] : undefined }
  })
  return { prefix, stagings, round: { time: numberOf(written['time']), entries } }
}

export function fromNestedText(text: string): string[] {
  const paths = pathsOf(parse(text)['paths'])
  for (const path of paths) if (!isNestedName(splitPath(path).name)) fail('no staging directory')
  return paths
}

function pathsOf(written: unknown): string[] {
  if (!Array.isArray(written)) return fail('no list')
  return (written as unknown[]).map(pathOf)
}

export interface Mark extends Owner {
  readonly dest: string
}

export function fromMarkText(text: string): Mark {
  const written = parse(text)
  const { uid, pid, start, boot, machine, namespace, isLocked } = written
  if (!isCount(uid) || !isCount(pid)) fail('a number')
  if (typeof isLocked !== 'boolean') fail('a flag')
  const texts = [start, boot, machine, namespace].map((each) => {
    if (typeof each !== 'string' || each.length > 256) fail('a text')
    return each
  })
  const [a = '', b = '', c = '', d = ''] = texts
  const dest = pathOf(written['dest'])
  return { uid, pid, start: a, boot: b, machine: c, namespace: d, isLocked, dest }
}

export function fromModesText(text: string): Restriction[] {
  return listOf(parse(text)['modes'], 3).map(([path, mode, identity]) => {
    if (!isCount(mode) || mode > 0o777) fail('a mode')
    const where = pathOf(path)
    if (where === '') fail('an empty path')
    return { path: where, mode, identity: identityOf(identity) }
  })
}

function intentOf([path, name, entry, replaced]: readonly unknown[]): Omit<OwnEntry, 'own'> {
  const place = { path: pathOf(path), name: nameOf(name), replaced: replacedOf(replaced) }
  if (!Array.isArray(entry)) return fail('an entry')
  if (entry.length === 0) {
    if (place.replaced === undefined) return fail('a removal of nothing')
    const nothing = { ino: 0n, birth: 0n, handle: 0n, isDirectory: false, size: 0, mtime: 0n }
    return { ...place, ...nothing, isRemoval: true }
  }
  if (entry.length !== 1) return { ...place, ...entryOf(entry), isRemoval: false }
  const [identity] = entry as unknown[]
  const known = { ...identityOf(identity), isDirectory: true, size: 0, mtime: 0n }
  return { ...place, ...known, isRemoval: false }
}

function replacedOf(written: unknown): Replaced | undefined {
  if (written === undefined) return undefined
  const [row] = listOf([written], 2)
  const [name, identity] = row ?? []
  return { name: nameOf(name), identity: identityOf(identity) }
}

function entryOf(row: readonly unknown[]): KnownEntry {
  const [size, mtime, identity] = row
  if (row.length !== 3 || !isCount(size)) return fail('a size')
  return { ...identityOf(identity), isDirectory: false, size, mtime: numberOf(mtime) }
}

interface Growing extends OwnDirectory {
  readonly directories: Map<string, OwnDirectory>
  files: Map<string, KnownEntry> | undefined
}

/** One an intent. */
function ownDirectories(
  rows: readonly (readonly unknown[])[],
  intents: readonly Omit<OwnEntry, 'own'>[],
): OwnDirectory[] {
  const roots = intents.map((intent): Growing => {
    return { identity: intent, directories: new Map(), files: undefined }
  })
  const all: Growing[] = []
  for (const [holder, name, identity, files] of rows) {
    if (typeof holder !== 'number' || !Number.isInteger(holder)) return fail('a number')
    const above = holder < 0 ? roots[-1 - holder] : all[holder]
    if (above === undefined || (holder < 0 && intents[-1 - holder]?.isDirectory !== true)) {
      return fail('a directory that nothing holds')
    }
    if (name === '') {
      // The row of an intent's own files.
      if (holder >= 0 || files === undefined) return fail('an empty name')
      above.files = filesOf(files)
      all.push(above)
      continue
    }
    const own: Growing = {
      identity: identityOf(identity),
      directories: new Map(),
      files: files === undefined ? undefined : filesOf(files),
    }
    above.directories.set(nameOf(name), own)
    all.push(own)
  }
  return roots
}

function filesOf(written: unknown): Map<string, KnownEntry> {
  const files = new Map<string, KnownEntry>()
  for (const [name, ...entry] of listOf(written, 4)) files.set(nameOf(name), entryOf(entry))
  return files
}

function parse(text: string): Record<string, unknown> {
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch {
    return fail('it is damaged, or was not written to its end')
  }
  if (typeof written !== 'object' || written === null) return fail('no object')
  const record = written as Record<string, unknown>
  if (record['version'] !== version) {
    const other = JSON.stringify(record['version']) as string | undefined
    const found = other !== undefined && other.length < 20 ? ` ${other}` : ''
    return fail(
      `it is of version${found}, not ${String(version)}: the release of reflink-merge that wrote it can recover it`,
    )
  }
  return record
}

/** Rows of so many columns. */
function listOf(written: unknown, least: number, most = least): (readonly unknown[])[] {
  if (!Array.isArray(written)) return fail('no list')
  for (const row of written as unknown[]) {
    if (!Array.isArray(row) || row.length < least || row.length > most) fail('no row')
  }
  return written as unknown[][]
}

function pathOf(written: unknown): string {
  if (typeof written !== 'string') return fail('no path')
  if (written !== '' && pathProblem(written, anywhere) !== undefined)
    fail('a path that leads elsewhere')
  return written
}

function nameOf(written: unknown): string {
  if (typeof written !== 'string') return fail('no name')
  if (nameProblem(written, anywhere) !== undefined) fail('a name that is none')
  return written
}

function identityOf(written: unknown): Identity {
  const identity = readIdentity(written)
  if (identity === undefined) return fail('no identity')
  for (const number of [identity.ino, identity.birth, identity.handle]) {
    if (number >= most64) fail('a number that is too large')
  }
  return identity
}

function isCount(written: unknown): written is number {
  return Number.isSafeInteger(written) && (written as number) >= 0
}

/** Nanoseconds. */
function numberOf(written: unknown): bigint {
  if (typeof written !== 'string' || !/^\d{1,20}$/.test(written)) return fail('no time')
  const number = BigInt(written)
  if (number >= most64) fail('a time that is too large')
  return number
}

function fail(what: string): never {
  throw new RecordError(what)
}
