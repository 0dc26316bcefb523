import { errno } from '../errno'
import {
  below,
  identityLength,
  Kind,
  ownerAccess,
  type Host,
  type Place,
  type Stats,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import type { ExistingPolicy } from '../types'
import { alike, isAscii } from './lookalikes'

/** Names of one directory of dest that may be one entry. */
export interface NameGroup {
  /** '/'-joined below dest. */
  readonly path: string
  readonly names: readonly string[]
  /** Does any source get the name? */
  readonly isWanted: (name: string) => boolean
}

/** Names that were found in a directory of dest. */
export interface FoundNames {
  readonly place: Place
  readonly names: readonly string[]
}

/** Names that are there, with the spelling that dest lists. */
type Spelled = ReadonlyMap<string, string>

/** Something else stands where the directory would be, and is kept. */
const outOfReach: Spelled = new Map()

const notADirectory: ReadonlySet<number> = new Set([errno.ENOTDIR, errno.ELOOP])

/**
 * Which names dest's file system takes for one. It alone knows: whether case counts, in which alphabets, and
 * whether é may be written in two ways differs between file systems, and on some between directories. So it is
 * asked: by looking names up that dest may hold, and else by making them, out of sight.
 */
export class Spelling {
  constructor(
    private readonly host: Host,
    /** Undefined where dest is missing. */
    private readonly dest: Place | undefined,
    private readonly existing: ExistingPolicy,
    /** An empty directory on dest's file system; undefined where none can be made. */
    private readonly makeScratch: () => Promise<Place | undefined>,
  ) {}

  /** For each group: the names that are one entry, where several are. */
  async sameEntries(groups: readonly NameGroup[]): Promise<string[][][]> {
    const spelled = await this.inDest(groups)
    const absent: string[][] = []
    const classes = groups.map(({ names, isWanted }, index) => {
      const found = new Map<string, string[]>()
      const known = spelled[index] ?? new Map<string, string>()
      for (const name of names) {
        const spelling = known.get(name)
        if (spelling !== undefined) found.set(spelling, [...(found.get(spelling) ?? []), name])
      }
      // What dest lacks is neither of the names that it has. It may take writing to tell more, so names that
      // nobody gets, and what dest keeps out, are not distinguished: a merge that changes nothing writes nothing.
      const lacking = known === outOfReach ? [] : names.filter((name) => !known.has(name))
      absent.push(lacking.some(isWanted) ? lacking : [])
      return [...found.values()].filter(({ length }) => length > 1)
    })
    const made = await this.byMaking(absent)
    return classes.map((list, index) => [...list, ...(made[index] ?? [])])
  }

  /** For each directory: those of the names that dest spells otherwise, with that spelling. */
  async otherSpellings(directories: readonly FoundNames[]): Promise<ReadonlyMap<string, string>[]> {
    const ignoring = await this.thatIgnoreCase(directories)
    const isDoubtful = (directory: FoundNames): boolean =>
      ignoring.has(directory) || !directory.names.every(isAscii)
    const doubtful = directories.filter(isDoubtful)
    const spelled = await this.spelledIn(doubtful)
    const found = new Map(doubtful.map((directory, index) => [directory, spelled[index]]))
    return directories.map((directory) => {
      const all = [...(found.get(directory) ?? [])]
      return new Map(all.filter(([name, spelling]) => name !== spelling))
    })
  }

  /**
   * Told by one name of each, in the other case: some file systems have directories of both kinds. One that holds
   * two names is taken for one that ignores case, and then found not to.
   */
  private async thatIgnoreCase(directories: readonly FoundNames[]): Promise<Set<FoundNames>> {
    const asked = directories.flatMap((directory) => {
      const name = directory.names.find((each) => isAscii(each) && swapCase(each) !== each)
      return name === undefined ? [] : [{ directory, other: swapCase(name) }]
    })
    if (asked.length === 0) return new Set()
    const jobs = asked.map(({ directory, other }) => ({ to: directory.place, names: [other] }))
    const { kinds } = await this.host.stat(jobs)
    const ignoring = asked.filter((_, index) => kinds[index] !== Kind.Missing)
    return new Set(ignoring.map(({ directory }) => directory))
  }

  private async inDest(groups: readonly NameGroup[]): Promise<Spelled[]> {
    const { dest } = this
    if (dest === undefined) return []
    return this.spelledIn(groups.map(({ path, names }) => ({ place: below(dest, path), names })))
  }

  /** For each directory: those of the names that are there, with the spelling that it lists. */
  private async spelledIn(directories: readonly FoundNames[]): Promise<Spelled[]> {
    const listings = await this.host.list(directories.map(({ place }) => place))
    const result: Spelled[] = []
    for (const [index, listing] of listings.entries()) {
      const { place, names } = directories[index] as FoundNames
      if (listing.errno !== 0) {
        // One that is not there, or may not be read, tells nothing.
        const isKept = this.existing === 'keep' && notADirectory.has(listing.errno)
        result.push(isKept ? outOfReach : new Map())
        continue
      }
      const listed = new Set([...listing.names, ...listing.notUtf8])
      const spelled = new Map<string, string>()
      const others = names.filter((name) => !listed.has(name))
      for (const name of names) if (listed.has(name)) spelled.set(name, name)
      await this.lookUp(place, others, [...listed], spelled)
      result.push(spelled)
    }
    return result
  }

  /** Names that are not listed may be there all the same. */
  private async lookUp(
    place: Place,
    names: readonly string[],
    listed: readonly string[],
    spelled: Map<string, string>,
  ): Promise<void> {
    if (names.length === 0) return
    const stats = await this.host.stat([{ to: place, names }])
    for (const [index, name] of names.entries()) {
      if ((stats.kinds[index] ?? Kind.Missing) === Kind.Missing) continue
      const candidates = listed.filter((other) => alike(name, other))
      const among = candidates.length > 0 ? candidates : listed
      const [only = name, ...more] = among
      const isClear = candidates.length > 0 && more.length === 0
      spelled.set(
        name,
        isClear ? only : await this.sameAs(place, name, stateOf(stats, index), among),
      )
    }
  }

  /** The listed name of an entry: by its inode, or, where FUSE invents one for each name, by the nearest name. */
  private async sameAs(
    place: Place,
    name: string,
    state: string,
    listed: readonly string[],
  ): Promise<string> {
    const others = await this.host.stat([{ to: place, names: listed }])
    return (
      listed.find((_, index) => stateOf(others, index) === state) ??
      listed.find((other) => differsInCase(other, name)) ??
      listed.find((other) => other.normalize() === name.normalize()) ??
      name
    )
  }

  /** For each list: those of the names of which the second could not be made beside the first. */
  private async byMaking(lists: readonly (readonly string[])[]): Promise<string[][][]> {
    const result: string[][][] = lists.map(() => [])
    let open = lists.flatMap((names, index) => (names.length > 1 ? [{ index, names }] : []))
    const scratch = open.length > 0 ? await this.makeScratch() : undefined
    if (scratch === undefined) return result
    for (let round = 0; open.length > 0; round++) {
      const pairs = open.flatMap(({ names: [first = '', ...others] }) =>
        others.map((other) => [first, other] as const),
      )
      const taken = await this.makePairs(scratch, round, pairs)
      let pair = 0
      open = open.flatMap(({ index, names: [first = '', ...others] }) => {
        const same: string[] = []
        const rest: string[] = []
        for (const other of others) (taken[pair++] === true ? same : rest).push(other)
        if (same.length > 0) result[index]?.push([first, ...same])
        return rest.length > 1 ? [{ index, names: rest }] : []
      })
    }
    return result
  }

  /** Makes each pair of names in a directory of its own. True where one was taken by the other. */
  private async makePairs(
    scratch: Place,
    round: number,
    pairs: readonly (readonly [string, string])[],
  ): Promise<boolean[]> {
    const rooms = pairs.map((_, index) => `${String(round)}-${String(index)}`)
    const modes = (count: number): Uint32Array => new Uint32Array(count).fill(ownerAccess)
    const room = [{ to: scratch, names: rooms, modes: modes(rooms.length) }]
    throwIfFailed(room, await this.host.mkdir(room, false))
    const { errnos } = await this.host.mkdir(
      pairs.map((names, index) => ({
        ...{ to: below(scratch, rooms[index] ?? ''), names, modes: modes(2) },
      })),
      false,
    )
    // Either may have come first. A name that this file system cannot have at all is reported when it is needed.
    return pairs.map((_, index) => {
      const both = [errnos[2 * index], errnos[2 * index + 1]]
      return both.includes(0) && both.includes(errno.EEXIST)
    })
  }
}

/** ß and SS do not: they differ in length. */
function differsInCase(a: string, b: string): boolean {
  return a.length === b.length && a.toUpperCase() === b.toUpperCase()
}

function swapCase(name: string): string {
  const lower = name.toLowerCase()
  return lower === name ? name.toUpperCase() : lower
}

/** What stat tells of an entry. */
function stateOf(stats: Stats, index: number): string {
  const start = index * identityLength
  const identity = stats.identities.subarray(start, start + identityLength)
  return [stats.kinds[index], stats.sizes[index], ...identity].join(' ')
}
