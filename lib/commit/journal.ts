import { errno, linkNeverHere, linkNotThisFile } from '../errno'
import { SystemError, throwAfter } from '../errors'
import {
  below,
  eachName,
  Kind,
  identityLength,
  joinPath,
  pathOf,
  type Host,
  type Outcomes,
  type PairJob,
  type Place,
} from '../host/host'
import { emptyOnes, throwIfFailed } from '../host/trees'
import type { Inode } from '../record'
import { throwIfFilled } from './foreign'

/** Three trees with the same paths: what is to be published, what it replaced, and dest. */
export interface Places {
  readonly fresh: Place
  readonly replaced: Place
  readonly dest: Place
}

/** Entries of one directory. */
export interface Entries {
  /** '/'-joined below dest. */
  readonly path: string
  readonly names: readonly string[]
}

/** An entry that this merge puts into dest. */
interface Published {
  readonly dev: bigint
  readonly ino: bigint
  /** Where it is told, it must be the same too. */
  readonly mtime?: bigint
  readonly path: string
  readonly name: string
  /** What stood there lies in `replaced`, under this name: dest may have spelled it otherwise. */
  readonly replaced: string | undefined
}

// Somebody who does not ask for the lock has put something there or taken it away: look again.
const collisions: ReadonlySet<number> = new Set([
  errno.EEXIST,
  errno.ENOTEMPTY,
  errno.EISDIR,
  errno.ENOTDIR,
  errno.ENOENT,
])

const cannotLink: ReadonlySet<number> = new Set([...linkNeverHere, ...linkNotThisFile])

/** Moves entries into dest by single renames, and can take each one back. */
export class Journal {
  private readonly done: Published[] = []
  private readonly inodes = new Map<string, Inode>()
  /** Empty directories that gave way. */
  private readonly emptied: Place[] = []
  /** Why something that dest had lies in `replaced` alone: undo must not pass for complete then. */
  private readonly stranded: unknown[] = []

  constructor(
    private readonly host: Host,
    /** The one to put things back with: it goes on after an abort. */
    private readonly steady: Host,
    private readonly places: Places,
  ) {}

  /** The inodes of what is about to be published, in order: undo knows them again. */
  async know(entries: readonly Entries[]): Promise<Inode[]> {
    const inodes = await inodesOf(this.host, this.places.fresh, entries)
    const paths = entries.flatMap(({ path, names }) => names.map((name) => joinPath(path, name)))
    paths.forEach((path, index) => this.inodes.set(path, inodes[index] as Inode))
    return inodes
  }

  /** Publishes entries where dest has nothing. One flag a name: false where something is there now. */
  async publish(entries: readonly Entries[]): Promise<boolean[]> {
    const jobs = this.jobs(this.places.fresh, this.places.dest, entries)
    return this.record(entries, jobs, await this.host.rename(jobs, false))
  }

  /**
   * Publishes entries in the place of others. A file gets a second name in `replaced` first, so its
   * path is never empty; what cannot have one, what makes way for a directory, and what dest spells
   * otherwise (name → its spelling) is moved there.
   */
  async replace(
    { path, names }: Entries,
    move: boolean,
    spellings: ReadonlyMap<string, string>,
  ): Promise<boolean[]> {
    const results: boolean[] = []
    for (const name of names) {
      results.push(await this.replaceOne(path, name, spellings.get(name) ?? name, move))
    }
    return results
  }

  private async replaceOne(
    path: string,
    name: string,
    old: string,
    move: boolean,
  ): Promise<boolean> {
    const one = [{ path, names: [name] }]
    const { fresh, dest } = this.places
    const saved = await this.save(path, old, move || old !== name)
    if (saved === undefined) return false
    const linked = saved === 'linked'
    const jobs = this.jobs(fresh, dest, one)
    try {
      const outcomes = await this.host.rename(jobs, linked || (await this.isStale(path, name, old)))
      const [published] = this.record(one, jobs, outcomes, old)
      if (published === true) return true
    } catch (error) {
      return throwAfter(error, () => this.putBack(path, old, linked))
    }
    await this.putBack(path, old, linked)
    return false
  }

  /**
   * FUSE remembers for a while that `name` led to what was just moved away under another spelling. The listing
   * tells that nothing is there, so nothing can be replaced.
   */
  private async isStale(path: string, name: string, old: string): Promise<boolean> {
    if (old === name) return false
    const place = below(this.places.dest, path)
    const { kinds } = await this.host.stat([{ to: place, names: [name] }])
    if (kinds[0] === Kind.Missing) return false
    const [listing] = await this.host.list([place])
    return listing?.errno === 0 && !listing.names.includes(name) && !listing.names.includes(old)
  }

  /** Puts what stands in dest into `replaced`; undefined if it is gone, or a directory by now. */
  private async save(
    path: string,
    name: string,
    move: boolean,
  ): Promise<'linked' | 'moved' | undefined> {
    const { replaced, dest } = this.places
    const away = this.jobs(dest, replaced, [{ path, names: [name] }])
    if (!move) {
      const outcomes = await this.host.hardlink(away)
      const number = outcomes.errnos[0] ?? 0
      if (number === 0) return 'linked'
      if (number === errno.ENOENT) return undefined
      await this.attempt(away, () => Promise.resolve(outcomes), cannotLink)
    }
    const moved = await this.attempt(away, () => this.host.rename(away, false), collisions)
    if (!moved) return undefined
    const { kinds } = await this.steady.stat([{ to: below(replaced, path), names: [name] }])
    if (kinds[0] !== Kind.Directory) return 'moved'
    // Looked at again where nobody finds it by its path any more: somebody may have put something into it meanwhile.
    const place = below(replaced, joinPath(path, name))
    const empty = await emptyOnes(this.steady, [place])
    if (empty.has(place)) {
      this.emptied.push(place)
      return 'moved'
    }
    await this.putBack(path, name, false)
    return undefined
  }

  /** What was saved but not replaced: gives it its only name again. */
  private async putBack(path: string, name: string, linked: boolean): Promise<void> {
    const { replaced, dest } = this.places
    if (linked) {
      const second = [{ to: below(replaced, path), names: [name] }]
      throwIfFailed(second, await this.steady.unlink(second))
      return
    }
    const back = this.jobs(replaced, dest, [{ path, names: [name] }])
    try {
      await this.attempt(back, () => this.steady.rename(back, false), new Set())
    } catch (error) {
      this.stranded.push(error)
      throw error
    }
  }

  /** Empty directories that gave way and lie in `replaced`. Throws where somebody has put something into one since. */
  async stillEmpty(): Promise<readonly Place[]> {
    if (this.emptied.length > 0) await throwIfFilled(this.steady, this.emptied)
    return this.emptied
  }

  /** What a merge that was killed may have published: undo finds out what of it was. */
  assume(entries: readonly Published[]): void {
    this.done.push(...entries)
  }

  /** Takes everything back, the last first. Every failure is told; none keeps the others from it. */
  async undo(): Promise<unknown[]> {
    const errors = [...this.stranded]
    for (let entry = this.done.pop(); entry !== undefined; entry = this.done.pop()) {
      try {
        await this.undoOne(entry)
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }

  private async undoOne({ path, name, dev, ino, mtime, replaced }: Published): Promise<void> {
    const one = [{ path, names: [name] }]
    const [found] = await inodesOf(this.steady, this.places.dest, one)
    const isSame = found?.dev === dev && found.ino === ino
    const ours = isSame && (mtime === undefined || found.mtime === mtime)
    // Gone or another's by now: not ours to move.
    if (!ours && found?.ino !== 0n) return
    const before = replaced === undefined ? [] : [{ path, names: [replaced] }]
    // Missing where a merge that was killed had not come to it, or was being undone already.
    const [saved] = await inodesOf(this.steady, this.places.replaced, before)
    const isSaved = saved !== undefined && saved.ino !== 0n
    // A file goes over ours, so that its path is never empty; then ours is gone, as it would be in the end.
    const isOver = ours && isSaved && replaced === name && !found.isDirectory && !saved.isDirectory
    if (ours && !isOver) {
      const back = this.jobs(this.places.dest, this.places.fresh, one)
      await this.attempt(back, () => this.steady.rename(back, false), new Set())
    }
    if (!isSaved) return
    const old = this.jobs(this.places.replaced, this.places.dest, before)
    await this.attempt(old, () => this.steady.rename(old, isOver), new Set())
  }

  private record(
    entries: readonly Entries[],
    jobs: readonly PairJob[],
    outcomes: Outcomes,
    replaced?: string,
  ): boolean[] {
    const results: boolean[] = []
    let failure: SystemError | undefined
    const paths = entries.flatMap(({ path, names }) => names.map(() => path))
    for (const { index, job, name } of eachName(jobs)) {
      const number = outcomes.errnos[index] ?? 0
      const path = paths[index] ?? ''
      const inode = this.inodes.get(joinPath(path, name))
      if (number === 0 && inode !== undefined) {
        const { dev, ino } = inode
        this.done.push({ path, name, replaced, dev, ino })
      } else if (!collisions.has(number)) failure ??= this.error(job, name, number, outcomes, index)
      results.push(number === 0)
    }
    // Only now, so that what did succeed is known and can be taken back.
    if (failure !== undefined) throw failure
    return results
  }

  /** Runs a job of one name: true if it succeeded, false for an allowed errno, else throws. */
  private async attempt(
    jobs: readonly PairJob[],
    run: () => Promise<Outcomes>,
    allowed: ReadonlySet<number>,
  ): Promise<boolean> {
    const outcomes = await run()
    const number = outcomes.errnos[0] ?? 0
    if (number === 0) return true
    if (allowed.has(number)) return false
    const [job] = jobs
    throw this.error(job as PairJob, job?.names[0] ?? '', number, outcomes, 0)
  }

  private error(job: PairJob, name: string, number: number, outcomes: Outcomes, index: number) {
    const hint =
      number === errno.EXDEV
        ? 'A directory of dest lies on another file system than dest itself: merge into it alone'
        : undefined
    const syscall = outcomes.syscall(index)
    return new SystemError(number, {
      ...{ syscall, path: pathOf(job.from, name), dest: pathOf(job.to, name), hint },
    })
  }

  private jobs(from: Place, to: Place, entries: readonly Entries[]): PairJob[] {
    return entries.map(({ path, names }) => ({
      from: below(from, path),
      to: below(to, path),
      names,
    }))
  }
}

/** What stands at a name; all zero where there is nothing. */
interface Standing extends Inode {
  readonly isDirectory: boolean
}

async function inodesOf(
  host: Host,
  start: Place,
  entries: readonly Entries[],
): Promise<Standing[]> {
  const jobs = entries.map(({ path, names }) => ({ to: below(start, path), names }))
  const { identities, kinds } = await host.stat(jobs)
  return Array.from(kinds, (kind, index) => {
    const [dev = 0n, ino = 0n, mtime = 0n] = identities.subarray(index * identityLength)
    const isDirectory = kind === Kind.Directory
    return { dev, ino, mtime: isDirectory ? 0n : mtime, isDirectory }
  })
}
