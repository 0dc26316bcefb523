/** Names in the staging directory: the directory of the records, and what it is called once they count no more. */
export const journalName = 'journal'
export const settledName = 'settled'
/** What is to be published. */
export const freshName = 'new'
/** Where dest was missing: the directories that get their own mode once they are published. */
export const modesName = 'modes'
/** Where dest was missing: the names from the staging directory's parent to it. */
export const destName = 'dest'

export interface Inode {
  readonly dev: bigint
  readonly ino: bigint
  /** ns; 0 for a directory. File systems give the number of a removed inode to the next one that is made. */
  readonly mtime: bigint
}

/** An entry that is to be published. */
export interface Intent extends Inode {
  /** '/'-joined below the directory that holds the staging directory. */
  readonly path: string
  readonly name: string
  /** What stands there is put aside under this name. */
  readonly replaced: string | undefined
}

/** What a merge is about to do to dest, written down before it does: a merge that is killed can be undone. */
export interface MergeRecord {
  readonly intents: readonly Intent[]
  /** What directories that are published whole hold: path as in an intent → names. */
  readonly holding: readonly (readonly [path: string, names: readonly string[]])[]
}

/** A directory that is published with more access than it is to have. */
export interface Restriction {
  /** '/'-joined below the directory that holds the staging directory. */
  readonly path: string
  /** Permission bits. */
  readonly mode: number
  readonly dev: bigint
  readonly ino: bigint
}

const version = 1

interface Written {
  version: number
  intents: [path: string, name: string, inode: [string, string, string], replaced?: string][]
  holding: MergeRecord['holding']
}

export function toText({ intents, holding }: MergeRecord): string {
  const written: Written = {
    version,
    intents: intents.map(({ path, name, dev, ino, mtime, replaced }) => {
      const inode: [string, string, string] = [String(dev), String(ino), String(mtime)]
      return replaced === undefined ? [path, name, inode] : [path, name, inode, replaced]
    }),
    holding,
  }
  return JSON.stringify(written)
}

/** Undefined for a text that was not written to its end: nothing that it tells was done then. */
export function fromText(text: string): MergeRecord | undefined {
  const written = parse(text) as Written | undefined
  if (written === undefined) return undefined
  const intents = written.intents.map(([path, name, [dev, ino, mtime], replaced]) => {
    return { path, name, dev: BigInt(dev), ino: BigInt(ino), mtime: BigInt(mtime), replaced }
  })
  return { intents, holding: written.holding }
}

interface WrittenModes {
  version: number
  modes: [path: string, mode: number, inode: [string, string]][]
}

export function toModesText(restrictions: readonly Restriction[]): string {
  const written: WrittenModes = {
    version,
    modes: restrictions.map(({ path, mode, dev, ino }) => [path, mode, [String(dev), String(ino)]]),
  }
  return JSON.stringify(written)
}

/** None for a text that was not written to its end: nothing was published then. */
export function fromModesText(text: string): Restriction[] {
  const { modes } = (parse(text) as WrittenModes | undefined) ?? { modes: [] }
  return modes.map(([path, mode, [dev, ino]]) => {
    return { path, mode, dev: BigInt(dev), ino: BigInt(ino) }
  })
}

function parse(text: string): { readonly version: number } | undefined {
  let written: { readonly version: number }
  try {
    written = JSON.parse(text) as typeof written
  } catch {
    return undefined
  }
  if (written.version === version) return written
  const other = `its record is of version ${String(written.version)}, not ${String(version)}`
  throw new Error(`${other}: another release of reflink-merge wrote it, and can recover it`)
}
