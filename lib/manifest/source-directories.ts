import { entryOf, identityLength, Kind, type Host, type Place } from '../host/host'
import { forEachLimited, inGroups } from '../concurrency'
import { systemTime, type Clocks } from './clock'
import { recordLength } from './manifest'

const namesPerCall = 512

/** A directory of a source: where it goes, and where it lies. */
export interface SourceDirectory {
  readonly source: number
  /** In dest. */
  readonly path: string
  readonly place: Place
}

/**
 * Stat records of the directories of sources: one whose record is unchanged has the entries that it had. None is kept of a
 * directory that has changed since the sources were read.
 */
export class SourceDirectories {
  private readonly start = systemTime()
  private readonly known = new Map<string, BigUint64Array>()

  constructor(
    private readonly host: Host,
    private readonly concurrencyLimit: number,
    private readonly signal: AbortSignal | undefined,
    private readonly clocks: Clocks,
  ) {}

  async learn(directories: Iterable<SourceDirectory>): Promise<void> {
    const calls = inGroups(directories, () => 1, namesPerCall)
    await forEachLimited(this.concurrencyLimit, this.signal, calls, async (call) => {
      const jobs = call.map(({ place }) => {
        const { directory, name } = entryOf(place)
        return { to: directory, names: [name] }
      })
      const stats = await this.host.stat(jobs)
      await this.clocks.learn(jobs, stats)
      const { identities, kinds } = stats
      call.forEach(({ source, path }, index) => {
        const at = index * identityLength
        const record = identities.slice(at + 1, at + 1 + recordLength)
        const ctime = record[recordLength - 1] ?? 0n
        // Else it may have got another entry after it was read, within one tick of the clock.
        const isBefore = this.clocks.isBefore(identities[at] ?? 0n, ctime, this.start)
        if (kinds[index] !== Kind.Directory || !isBefore) return
        this.known.set(keyOf(source, path), record)
      })
    })
  }

  /** Undefined where there is none. */
  of(source: number, path: string): BigUint64Array | undefined {
    return this.known.get(keyOf(source, path))
  }
}

function keyOf(source: number, path: string): string {
  return `${String(source)}/${path}`
}

/** The path within a source of what is at a path in dest; undefined for what only leads to it. */
export function pathWithin(to: string, path: string): string | undefined {
  if (to === '') return path
  if (path === to) return ''
  return path.startsWith(`${to}/`) ? path.slice(to.length + 1) : undefined
}

/** Where the directory of a source lies that goes to a path in dest. */
export function placeWithin(dir: string, to: string, path: string): Place | undefined {
  const within = pathWithin(to, path)
  return within === undefined ? undefined : { base: dir, path: within }
}
