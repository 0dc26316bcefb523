import { errno } from '../errno'
import { SystemError } from '../errors'
import {
  below,
  eachName,
  entryOf,
  joinPath,
  Kind,
  pathOf,
  splitPath,
  type Host,
  type Outcomes,
  type Place,
} from './host'

/** A directory to make: its path below a start, and its mode. */
export interface NewDirectory {
  readonly path: string
  /** Permission bits; undefined: 0777 less the umask, as mkdir makes it. */
  readonly mode: number | undefined
}

const namesPerCall = 256

/** Throws for the first name that failed. */
export function throwIfFailed(
  jobs: readonly { readonly to: Place; readonly names: readonly string[] }[],
  outcomes: Outcomes,
  allowed?: number,
): void {
  for (const { index, job, name } of eachName(jobs)) {
    const number = outcomes.errnos[index] ?? 0
    if (number === 0 || number === allowed) continue
    throw new SystemError(number, { syscall: outcomes.syscall(index), path: pathOf(job.to, name) })
  }
}

/** Makes directories of one level: their parents must be there. One job a parent. */
export async function makeDirectories(
  host: Host,
  start: Place,
  directories: readonly NewDirectory[],
  allowed?: number,
): Promise<void> {
  for (const exact of [true, false]) {
    const wanted = directories.filter(({ mode }) => (mode !== undefined) === exact)
    for (let at = 0; at < wanted.length; at += namesPerCall) {
      const byParent = new Map<string, { names: string[]; modes: number[] }>()
      for (const { path, mode } of wanted.slice(at, at + namesPerCall)) {
        const { parent, name } = splitPath(path)
        let job = byParent.get(parent)
        if (job === undefined) byParent.set(parent, (job = { names: [], modes: [] }))
        job.names.push(name)
        job.modes.push(mode ?? 0o777)
      }
      const jobs = [...byParent].map(([parent, { names, modes }]) => ({
        to: below(start, parent),
        names,
        modes: Uint32Array.from(modes),
      }))
      throwIfFailed(jobs, await host.mkdir(jobs, exact), allowed)
    }
  }
}

/** Makes a directory and what leads to it, all of them 0700; existing ones are fine. */
export async function makePath(host: Host, start: Place, path: string): Promise<void> {
  let made = ''
  for (const name of path.split('/')) {
    made = joinPath(made, name)
    await makeDirectories(host, start, [{ path: made, mode: 0o700 }], errno.EEXIST)
  }
}

/** Removes a directory with all that is in it. Nothing is followed; what is gone is fine. */
export async function removeTree(host: Host, parent: Place, name: string): Promise<void> {
  const levels: Place[][] = []
  let level: Place[] = [{ base: parent.base, path: joinPath(parent.path, name) }]
  while (level.length > 0) {
    levels.push(level)
    const next: Place[] = []
    for (const place of level) next.push(...(await removeFiles(host, place)))
    level = next
  }
  for (const places of levels.reverse()) {
    const jobs = places.map((place) => {
      const { directory, name: last } = entryOf(place)
      return { to: directory, names: [last] }
    })
    throwIfFailed(jobs, await host.rmdir(jobs), errno.ENOENT)
  }
}

/** Removes what is not a directory; answers the directories. */
async function removeFiles(host: Host, place: Place): Promise<Place[]> {
  let [listing] = await host.list([place])
  if (listing?.errno === errno.EACCES) {
    // A package's directory without u+rwx: it is ours, so we may.
    const { directory, name } = entryOf(place)
    await host.chmod([{ to: directory, names: [name], modes: Uint32Array.of(0o700) }])
    ;[listing] = await host.list([place])
  }
  if (listing === undefined || listing.errno === errno.ENOENT) return []
  if (listing.errno !== 0) {
    const path = pathOf(place, listing.failedName)
    throw new SystemError(listing.errno, { syscall: listing.syscall, path })
  }
  const { kinds } = listing
  const jobs = [{ to: place, names: listing.names.filter((_, i) => kinds[i] !== Kind.Directory) }]
  throwIfFailed(jobs, await host.unlink(jobs), errno.ENOENT)
  return listing.names
    .filter((_, index) => kinds[index] === Kind.Directory)
    .map((name) => below(place, name))
}
