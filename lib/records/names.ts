import { createHash } from 'node:crypto'
import { identityText, readIdentity, type Identity } from './identity'

/** Names that start so are for staging directories alone, in dest and in every package. */
const reservedPrefix = '.reflink-merge-'

const markPrefix = 'mark-'

/**
 * What tells a staging directory that it is one: no package can carry it, since its name is the directory's own identity. A
 * name outlasts a power cut that takes what a file holds.
 */
export function markNameOf(identity: Identity): string {
  return markPrefix + identityText(identity)
}

export function isMarkName(name: string): boolean {
  return name.startsWith(markPrefix)
}

/** Of which directory it is the mark; undefined for a name that is none. */
export function readMarkName(name: string): Identity | undefined {
  return isMarkName(name) ? readIdentity(name.slice(markPrefix.length)) : undefined
}

/** The directory of the records. */
export const journalName = 'journal'
/** What is to be published. */
export const freshName = 'new'
/** What was replaced. */
export const replacedName = 'old'
/** Where dest was missing: the directories that get their own mode once they are published. */
export const modesName = 'modes'

/** Where other staging directories of the merge stand; a number follows. */
export const nestedName = 'parts-'

/** The name of a staging directory inside a directory of dest. It is no merge's own: it belongs to the one with this id. */
export function nestedNameOf(id: string): string {
  return `${reservedPrefix}${id}-part`
}

const nestedNames = new RegExp(`^${reservedPrefix.replaceAll('.', '\\.')}[0-9a-f]{16}-part$`)

export function isNestedName(name: string): boolean {
  return nestedNames.test(name)
}

/**
 * A staging directory tells by its name how far its merge is, so that also those see it who may not open it. `-begun`: dest
 * is being changed, and the records tell how to take that back; `-kept`: it holds entries of dest that had no place to go
 * back to. Each step is one rename.
 */
export type StagingState = '' | '-begun' | '-kept'

const stagingName = new RegExp(
  `^${reservedPrefix.replaceAll('.', '\\.')}([0-9a-f]{16})(-begun|-kept)?$`,
)

export interface StagingName {
  readonly id: string
  readonly state: StagingState
}

/** Undefined for a name of anything else. */
export function readStagingName(name: string): StagingName | undefined {
  const match = stagingName.exec(name)
  if (match === null) return undefined
  const [, id = '', state = ''] = match
  return { id, state: state as StagingState }
}

export function stagingNameOf(id: string, state: StagingState): string {
  return reservedPrefix + id + state
}

const findable = 16

/**
 * Numbers for the names of staging directories of merges into a missing dest, which stand in a directory above it: they are
 * looked up by name, since that directory may hold so much that to list it takes longer than a merge. `prefix`: the names
 * from there to dest. Where all are taken, a number is as any other.
 */
export function findableIds(prefix: string): string[] {
  const hash = createHash('sha256').update(prefix).digest('hex').slice(0, 14)
  return Array.from({ length: findable }, (_, slot) => hash + slot.toString(16).padStart(2, '0'))
}

/**
 * Would any file system take the name for one of a staging directory? Some ignore case, some compose letters, some leave
 * out characters that nobody sees.
 */
export function isReserved(name: string): boolean {
  if (!/merge-/i.test(name)) return false
  const folded = name
    .normalize('NFKD')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
  return folded.startsWith(reservedPrefix)
}
