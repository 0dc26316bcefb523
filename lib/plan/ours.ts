import { constants, promises as fs } from 'node:fs'
import { dirname, basename, join } from 'node:path'
import { errno, errnoOf } from '../errno'
import {
  Equality,
  identityLength,
  Kind,
  pathOf,
  type Host,
  type Place,
  type Stats,
} from '../host/host'
import { contentHash, hasRecord, pathWithin, recordLength, type Recorded } from '../manifest'
import type { Modified, ModifiedPolicy } from '../types'
import type { Compare } from './compare'

/** What has become of an entry that the manifest lists. */
export type State =
  | 'missing'
  /** Its stat record is the one recorded. */
  | 'as-recorded'
  /** It holds what was recorded, though it was touched. */
  | 'same-content'
  | 'content'
  | 'type'

/** An entry of the manifest, and what dest holds there. */
export interface Standing {
  readonly row: number
  /** In dest: its directory and name. */
  readonly place: Place
  readonly name: string
  readonly stats: Stats
  /** Of the entry, in `stats`. */
  readonly entry: number
}

interface Context {
  readonly host: Host
  readonly compare: Compare
}

/** What distinguishes what is ours from what somebody else made or changed. */
export class Ours {
  constructor(
    readonly recorded: Recorded,
    private readonly context: Context,
    readonly policy: ModifiedPolicy,
  ) {}

  /** Undefined where the stat record does not say. */
  stateAtOnce({ row, stats, entry }: Standing): State | undefined {
    const { rows } = this.recorded.manifest
    const kind = stats.kinds[entry]
    if (kind === Kind.Missing) return 'missing'
    const isLink = rows.kinds[row] === Kind.Symlink
    if (isLink && kind === Kind.OddLink) return 'content'
    if (kind !== rows.kinds[row]) return 'type'
    if (isLink) {
      return stats.targets.get(entry) === rows.targets.get(row) ? 'same-content' : 'content'
    }
    if (stats.sizes[entry] !== rows.sizes[row]) return 'content'
    if (!this.hasMode(row, stats, entry)) return undefined
    return hasRecord(stats, entry, rows.dest, row) ? 'as-recorded' : undefined
  }

  hasMode(row: number, stats: Stats, entry: number): boolean {
    return ((stats.modes[entry] ?? 0) & 0o7777) === this.recorded.manifest.rows.modes[row]
  }

  /**
   * Has each of these the bytes that were recorded? They are compared with the source; where that is gone, nobody can know,
   * and it counts as changed. So it does where the source was changed, unless dest was in the same way.
   */
  async states(standing: readonly Standing[]): Promise<State[]> {
    const states = standing.map((each) => this.stateAtOnce(each))
    const open = standing.filter((_, index) => states[index] === undefined)
    const found = await this.compareWithSources(open)
    let next = 0
    return states.map((state) => state ?? ((found[next++] ?? false) ? 'same-content' : 'content'))
  }

  /** Reads also files whose stat records are as recorded, and corrects their states. */
  async readAgain(standing: readonly Standing[], states: State[]): Promise<void> {
    const { rows } = this.recorded.manifest
    for (const [index, each] of standing.entries()) {
      if (states[index] !== 'as-recorded' || rows.kinds[each.row] !== Kind.File) continue
      const equality = await this.compareOne(each)
      if (equality === Equality.Differ) states[index] = 'content'
    }
  }

  private async compareWithSources(open: readonly Standing[]): Promise<boolean[]> {
    const results: boolean[] = []
    for (const each of open) {
      const equality = await this.compareOne(each)
      results.push(equality !== undefined && equality !== Equality.Differ)
    }
    return results
  }

  /** With the source; undefined where that is gone. */
  private async compareOne(each: Standing): Promise<number | undefined> {
    const { host, compare } = this.context
    const { rows } = this.recorded.manifest
    const hash = rows.hashes.get(each.row)
    if (hash !== undefined) {
      const now = await hashOf(pathOf(each.place, each.name))
      return now === hash ? Equality.SameBytes : Equality.Differ
    }
    const path = this.originOf(each)
    if (path === undefined) return undefined
    const from = { base: dirname(path), path: '' }
    const name = basename(path)
    const stats = await statOrNothing(host, from, name)
    if (stats === undefined || stats.kinds[0] !== Kind.File) return undefined
    const isOneInode = [0, 1].every(
      (i) => stats.identities[i] === each.stats.identities[each.entry * identityLength + i],
    )
    if (isOneInode) {
      // Anyone who writes to one name of it writes to all; making and removing names changes the ctime, too.
      const mtime = rows.source[each.row * recordLength + 1]
      return stats.identities[2] === mtime ? Equality.SameFile : Equality.Differ
    }
    const job = { from, to: each.place, names: [name], toNames: [each.name] }
    const [equality] = await compare([job], 'dest')
    return equality
  }

  /** Where the source's file was. */
  private originOf({ row }: Standing): string | undefined {
    const { manifest } = this.recorded
    const path = manifest.rows.origins.get(row)
    if (path !== undefined) return path
    const source = manifest.sources[manifest.rows.owners[row] ?? 0]
    if (source?.dir === undefined) return undefined
    const within = pathWithin(source.to, this.recorded.pathOf(row))
    return within === undefined ? undefined : join(source.dir, within)
  }

  modification(row: number, how: Modified['how'], kept: boolean): Modified {
    const { rows } = this.recorded.manifest
    const source = this.recorded.sourceName(rows.owners[row] ?? 0)
    return { path: this.recorded.pathOf(row), source, how, kept }
  }
}

async function statOrNothing(host: Host, to: Place, name: string): Promise<Stats | undefined> {
  const stats = await host.stat([{ to, names: [name] }])
  return stats.errnos[0] === 0 ? stats : undefined
}

const unreadable: ReadonlySet<number | undefined> = new Set([
  errno.ENOENT,
  errno.EACCES,
  errno.EPERM,
  errno.ELOOP,
])

async function hashOf(path: string): Promise<string | undefined> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW
    const file = await fs.open(path, flags)
    try {
      return contentHash(await file.readFile())
    } finally {
      await file.close()
    }
  } catch (error) {
    if (unreadable.has(errnoOf(error))) return undefined
    throw error
  }
}
