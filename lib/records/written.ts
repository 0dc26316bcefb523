import { identityText } from './identity'
import type { KnownEntry, MergeRecord, OwnDirectory, OwnEntry, Restriction } from './journal'
import type { Owner } from './owner'

export const version = 2

/** Size, mtime and identity of what is no directory. */
type WrittenEntry = readonly [size: number, mtime: string, identity: string]

/** Directories that are published whole, each after the one that holds it: its number, or -1 - that of an intent. */
type WrittenDirectory = readonly [
  holder: number,
  name: string,
  identity: string,
  files?: readonly (readonly [name: string, ...WrittenEntry])[],
]

type WrittenIntent = readonly [
  path: string,
  name: string,
  entry: WrittenEntry | readonly [identity: string] | readonly [],
  replaced?: readonly [name: string, identity: string],
]

interface WrittenRecord {
  readonly version: number
  readonly prefix: string
  readonly stagings: readonly (readonly [path: string, directories: readonly string[]])[]
  readonly time: string
  readonly intents: readonly WrittenIntent[]
  readonly directories: readonly WrittenDirectory[]
}

export interface WrittenMark extends Owner {
  readonly version: number
  /** '/'-joined names from the directory that holds it to dest, when it was made. */
  readonly dest: string
}

interface WrittenModes {
  readonly version: number
  readonly modes: readonly (readonly [path: string, mode: number, identity: string])[]
}

export function toText({ prefix, stagings, round }: MergeRecord): string {
  const directories: WrittenDirectory[] = []
  const intents = round.entries.map((entry, index): WrittenIntent => {
    if (entry.own !== undefined) writeOwn(entry.own, -1 - index, directories)
    const known = writtenIntent(entry)
    if (entry.replaced === undefined) return [entry.path, entry.name, known]
    const { name, identity } = entry.replaced
    return [entry.path, entry.name, known, [name, identityText(identity)]]
  })
  const written: WrittenRecord = {
    version,
    prefix,
    stagings: stagings.map(({ path, directories }) => [path, directories]),
    time: String(round.time),
    intents,
    directories,
  }
  return JSON.stringify(written)
}

/** An empty one is that of a removal. */
function writtenIntent(entry: OwnEntry): WrittenIntent[2] {
  if (entry.isRemoval) return []
  return entry.isDirectory ? [identityText(entry)] : writtenEntry(entry)
}

/** A directory's own row, where it is not an intent's, is written by who writes its holder. */
function writeOwn(root: OwnDirectory, holder: number, rows: WrittenDirectory[]): void {
  const waiting: [own: OwnDirectory, holder: number][] = [[root, holder]]
  if (root.files !== undefined) rows.push([holder, '', identityText(root.identity), filesOf(root)])
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [own, number] = next
    for (const [name, child] of own.directories) {
      const row = [number, name, identityText(child.identity)] as const
      const index = rows.push(child.files === undefined ? row : [...row, filesOf(child)]) - 1
      waiting.push([child, index])
    }
  }
}

function filesOf({ files }: OwnDirectory): [name: string, ...WrittenEntry][] {
  return [...(files ?? [])].map(([name, entry]) => [name, ...writtenEntry(entry)])
}

function writtenEntry(entry: KnownEntry): WrittenEntry {
  return [entry.size, String(entry.mtime), identityText(entry)]
}

export function toMarkText(mark: Omit<WrittenMark, 'version'>): string {
  return JSON.stringify({ version, ...mark })
}

export function toModesText(restrictions: readonly Restriction[]): string {
  const modes = restrictions.map(
    ({ path, mode, identity }) => [path, mode, identityText(identity)] as const,
  )
  return JSON.stringify({ version, modes } satisfies WrittenModes)
}

/** Staging directories of the merge inside directories of dest. */
export function toNestedText(paths: readonly string[]): string {
  return JSON.stringify({ version, paths })
}
