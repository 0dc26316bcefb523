import { SystemError } from '../errors'
import { joinPath, Kind, pathOf, type Host, type Listing, type Place } from '../host/host'
import { depthProblem } from './depth'
import type { GivenSource } from './given'
import type { Policies, Problems } from './problems'
import { sourceNameProblem } from './source-names'
import { symlinkProblem } from './symlinks'
import type { FileAt, TreeDirectory } from './tree'

/** A directory to be listed, and where its tree goes. */
export interface Pending {
  readonly source: GivenSource
  /** Where the package's root goes in dest. */
  readonly to: string
  readonly place: Place
  /** Path within the package. */
  readonly path: string
  readonly attach: (directory: TreeDirectory) => void
  /** How many times it, or what it holds, may still be tried as a whole. */
  readonly tries: number
  /** Paths within the package of the fifos, sockets and devices that are left out. */
  readonly skipped: string[]
}

export interface ScanRules extends Policies {
  readonly host: Pick<Host, 'platform'>
}

// Enough directories a call to make its trip worthwhile, few enough to keep all workers busy.
const directoriesPerCall = 64

/** Lists the next directories; what they hold is attached, their subdirectories are answered. */
export async function listDirectories(
  host: Host,
  queue: Pending[],
  rules: ScanRules,
  problems: Problems,
): Promise<{ found: Pending[]; files: number }> {
  const batch = queue.splice(0, directoriesPerCall)
  const listings = await host.list(batch.map((pending) => pending.place))
  const found: Pending[] = []
  let files = 0
  listings.forEach((listing, index) => {
    const pending = batch[index] as Pending
    const directory = toTree(listing, pending, rules, problems, found)
    files += directory.names.length
    pending.attach(directory)
  })
  return { found, files }
}

/** Checks a listing, and splits it into subdirectories (pushed to `found`) and the rest. */
function toTree(
  listing: Listing,
  pending: Pending,
  rules: ScanRules,
  problems: Problems,
  found: Pending[],
): TreeDirectory {
  const { plain, device, mode, distinct } = listing
  const { place, source } = pending
  const directories = new Map<string, TreeDirectory>()
  const descend = (name: string): void => {
    const next = child(pending, name, directories)
    const problem = depthProblem(joinPath(pending.to, next.path))
    if (problem === undefined) found.push(next)
    else problems.badName(source.name, next.path, problem)
  }
  // A host that knows of good names knows of those that every system takes.
  const isJudged = plain !== undefined && rules.host.platform !== 'win32'
  const isWhole = isJudged && source.filter === undefined
  const before = found.length
  if (isWhole) plain.directories.forEach(descend)
  const entries = isWhole
    ? listing
    : pick(listing, wantedOf(listing, pending, rules, problems, descend))
  return new ScannedDirectory(
    entries,
    relinked(entries, pending),
    isWhole ? plain.files : entries.names,
    directories,
    isWhole ? plain.bytes : undefined,
    distinct,
    mode & 0o777,
    place,
    device,
    isWhole || entries.names.length + found.length - before === listing.names.length,
  )
}

const noContents: TreeDirectory['contents'] = new Map<number, never>()

/** Its columns are a listing's, which cuts them when somebody looks. */
class ScannedDirectory implements TreeDirectory {
  readonly contents = noContents
  readonly givenModes = undefined

  constructor(
    private readonly entries: Entries,
    readonly targets: ReadonlyMap<number, string>,
    readonly names: readonly string[],
    readonly directories: Map<string, TreeDirectory>,
    public plainBytes: number | undefined,
    readonly distinct: boolean,
    readonly mode: number,
    readonly origin: Place,
    readonly device: number,
    readonly isComplete: boolean,
  ) {}

  get kinds(): Uint8Array {
    return this.entries.kinds
  }

  fileAt(index: number): FileAt {
    return { place: this.origin, name: this.names[index] as string }
  }

  get modes(): Uint16Array {
    return this.entries.modes
  }

  get sizes(): Float64Array {
    return this.entries.sizes
  }
}

function child(
  { source, to, place: { base }, path, tries, skipped }: Pending,
  name: string,
  directories: Map<string, TreeDirectory>,
): Pending {
  const at = joinPath(path, name)
  const attach = (directory: TreeDirectory): void => void directories.set(name, directory)
  return { source, to, place: { base, path: at }, path: at, attach, tries, skipped }
}

/** Checks entry by entry; answers the indexes of those that are wanted and no directories. */
function wantedOf(
  listing: Listing,
  pending: Pending,
  rules: ScanRules,
  problems: Problems,
  descend: (name: string) => void,
): number[] {
  const { source, path, to, skipped } = pending
  const { names, kinds } = listing
  reportFailures(listing, pending, problems)
  const kept: number[] = []
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string
    const at = joinPath(path, name)
    if (source.filter?.(at) === false) continue
    const isSpecial = kinds[index] === Kind.Other
    if (isSpecial && rules.specials === 'skip') {
      skipped.push(at)
      continue
    }
    const problem = sourceNameProblem(name, rules.host.platform)
    if (problem !== undefined) {
      problems.badName(source.name, at, problem)
    } else if (kinds[index] === Kind.Directory) {
      descend(name)
    } else if (isSpecial) {
      problems.special(source.name, at)
    } else {
      const why = unsupported(listing, index, to, path, rules)
      if (why === undefined) kept.push(index)
      else problems.unsupported(source.name, at, why)
    }
  }
  return kept
}

function reportFailures(listing: Listing, pending: Pending, problems: Problems): void {
  const { source, place, path } = pending
  for (const name of listing.notUtf8) {
    const at = joinPath(path, name)
    if (source.filter?.(at) !== false) problems.badName(source.name, at, 'not UTF-8')
  }
  if (listing.errno === 0) return
  const { syscall, failedName } = listing
  const at = pathOf(place, failedName)
  problems.failed(new SystemError(listing.errno, { syscall, path: at, source: source.name }))
}

function unsupported(
  listing: Listing,
  index: number,
  to: string,
  path: string,
  rules: ScanRules,
): string | undefined {
  const kind = listing.kinds[index]
  if (kind === Kind.File) return undefined
  if (kind === Kind.OddLink) return 'a symlink whose text is not UTF-8'
  if (kind !== Kind.Symlink) return undefined
  const directory = joinPath(to, path)
  const target = listing.targets.get(index) ?? ''
  return symlinkProblem(rules.symlinks, directory, target, rules.host.platform)
}

type Entries = Pick<TreeDirectory, 'names' | 'kinds' | 'modes' | 'sizes' | 'targets'>

/** The texts that symlinks get in dest. */
function relinked({ names, targets }: Entries, { source, path }: Pending): Entries['targets'] {
  const { relink } = source
  if (relink === undefined || targets.size === 0) return targets
  return new Map(
    Array.from(targets, ([index, text]) => [
      index,
      relink(joinPath(path, names[index] as string), text),
    ]),
  )
}

/** The entries at some indexes; windows on the columns where those are the first ones, as they mostly are. */
function pick(listing: Listing, indexes: readonly number[]): Entries {
  const { names, kinds, modes, sizes, targets } = listing
  const { length } = indexes
  if (length === names.length) return { names, kinds, modes, sizes, targets }
  const texts = new Map<number, string>()
  if (targets.size > 0) {
    indexes.forEach((from, index) => {
      const target = targets.get(from)
      if (target !== undefined) texts.set(index, target)
    })
  }
  if (length === 0 || indexes[length - 1] === length - 1) {
    return {
      names: names.slice(0, length),
      kinds: kinds.subarray(0, length),
      modes: modes.subarray(0, length),
      sizes: sizes.subarray(0, length),
      targets: texts,
    }
  }
  return {
    names: indexes.map((index) => names[index] as string),
    kinds: Uint8Array.from(indexes, (index) => kinds[index] ?? 0),
    modes: Uint16Array.from(indexes, (index) => modes[index] ?? 0),
    sizes: Float64Array.from(indexes, (index) => sizes[index] ?? 0),
    targets: texts,
  }
}
