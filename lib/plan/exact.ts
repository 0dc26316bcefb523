import { append } from '../append'
import { errno } from '../errno'
import { SystemError } from '../errors'
import { below, joinPath, Kind, pathOf, type Host, type Listing, type Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import { isReserved } from '../records'
import { namesOf, type PlanDirectory, type Union } from './plan'
import { seenOf, type Removals, type Seen } from './removals'

const placesPerCall = 64

/**
 * Adds what an exact source leaves no place for: all that stands in its `to` and no source of the merge has, but for the names
 * that are to be kept there. A directory goes with all that is in it.
 */
export async function planExact(
  host: Host,
  dest: Place,
  { root, trees }: Union,
  removals: Removals,
): Promise<void> {
  for (const { to, given } of trees) {
    const top = given?.exact === undefined ? undefined : directoryAt(root, to)
    if (top === undefined || given?.exact === undefined) continue
    const kept = new Set(given.exact.keep)
    await new Clearing(host, dest, removals).clear(top, kept)
  }
}

/** Undefined where dest lacks it, so that there is nothing to clear. */
function directoryAt(root: PlanDirectory, to: string): PlanDirectory | undefined {
  let at: PlanDirectory | undefined = root
  for (const name of to === '' ? [] : to.split('/')) at = at?.directories.get(name)
  return at?.state === 'exists' ? at : undefined
}

class Clearing {
  constructor(
    private readonly host: Host,
    private readonly dest: Place,
    private readonly removals: Removals,
  ) {}

  /** `kept`: names in the topmost directory. */
  async clear(top: PlanDirectory, kept: ReadonlySet<string>): Promise<void> {
    for (let level = [top]; level.length > 0;) {
      const next: PlanDirectory[] = []
      for (let at = 0; at < level.length; at += placesPerCall) {
        const some = level.slice(at, at + placesPerCall)
        const listings = await this.list(some.map(({ path }) => path))
        for (const [index, directory] of some.entries()) {
          const names = directory === top ? kept : nothing
          await this.clearOne(directory, listings[index] as Listing, names)
          for (const [name, child] of directory.directories) {
            if (child.state === 'exists' && !names.has(name)) next.push(child)
          }
        }
      }
      level = next
    }
  }

  private async clearOne(
    directory: PlanDirectory,
    { names, kinds }: Listing,
    kept: ReadonlySet<string>,
  ): Promise<void> {
    const { path, parts, directories, spellings } = directory
    const wanted = new Set([...namesOf(directory), ...spellings.values()])
    const files: string[] = []
    for (const [at, name] of names.entries()) {
      const isDirectory = kinds[at] === Kind.Directory
      const isInTheWay =
        isDirectory && wanted.has(name) && !directories.has(name) && parts.length > 0
      if (kept.has(name) || isReserved(name) || (wanted.has(name) && !isInTheWay)) continue
      if (isDirectory) await this.addDirectory(path, name, isInTheWay)
      else files.push(name)
    }
    if (files.length === 0) return
    const jobs = [{ to: below(this.dest, path), names: files }]
    const stats = await this.host.stat(jobs)
    throwIfFailed(jobs, stats)
    for (const [index, name] of files.entries()) {
      const at = joinPath(path, name)
      this.removals.see(at, seenOf(stats, index))
      const type = stats.kinds[index] === Kind.Symlink ? 'symlink' : 'file'
      this.removals.list(at, type, '', type === 'file' ? (stats.sizes[index] ?? 0) : 0)
    }
    this.removals.count += files.length
    this.removals.files.push({ path, names: files })
  }

  /** With all that is in it. `isInTheWay`: something takes its place, so that it is moved aside there. */
  private async addDirectory(parent: string, name: string, isInTheWay: boolean): Promise<void> {
    const { removals } = this
    const start = joinPath(parent, name)
    if (!isInTheWay) removals.directories.push({ path: parent, names: [name] })
    for (let level = [start]; level.length > 0;) {
      const next: string[] = []
      for (let at = 0; at < level.length; at += placesPerCall) {
        const some = level.slice(at, at + placesPerCall)
        const listings = await this.list(some)
        for (const [index, path] of some.entries()) {
          append(next, await this.hold(path, listings[index] as Listing))
        }
      }
      level = next
    }
  }

  /** Returns the directories in it. */
  private async hold(path: string, { names, kinds }: Listing): Promise<string[]> {
    const { removals } = this
    const contents = new Map<string, Seen | undefined>()
    const files = names.filter((_, at) => kinds[at] !== Kind.Directory)
    const jobs = [{ to: below(this.dest, path), names: files }]
    const stats = files.length === 0 ? undefined : await this.host.stat(jobs)
    if (stats !== undefined) throwIfFailed(jobs, stats)
    files.forEach((name, index) => {
      if (stats !== undefined) contents.set(name, seenOf(stats, index))
      removals.list(joinPath(path, name), 'file', '', stats?.sizes[index] ?? 0)
    })
    const directories = names.filter((_, at) => kinds[at] === Kind.Directory)
    for (const name of directories) contents.set(name, undefined)
    removals.hold(path, contents)
    removals.list(path, 'directory', '', 0)
    removals.count += files.length
    removals.directoryCount++
    return directories.map((name) => joinPath(path, name))
  }

  private async list(paths: readonly string[]): Promise<Listing[]> {
    const places = paths.map((path) => below(this.dest, path))
    const listings = await this.host.list(places)
    for (const [index, listing] of listings.entries()) {
      const { errno: number, syscall, failedName, notUtf8 } = listing
      const path = pathOf(places[index] as Place, failedName)
      if (number !== 0) throw new SystemError(number, { syscall, path })
      if (notUtf8.length === 0) continue
      const hint = 'A name that is not UTF-8 cannot be handled: rename or remove that entry'
      throw new SystemError(errno.EILSEQ, { syscall: 'rename', path, hint })
    }
    return listings
  }
}

const nothing: ReadonlySet<string> = new Set()
