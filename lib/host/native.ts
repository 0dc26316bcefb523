import { availableParallelism } from 'node:os'
import type { Addon, RawJob, RawOptions, RawPlace } from '../addon'
import { SystemError } from '../errors'
import {
  pathOf,
  type Comparison,
  type Directory,
  type Host,
  type LinkJob,
  type Listing,
  type NamesJob,
  type Outcomes,
  type PairJob,
  type Place,
  type Stats,
  Kind,
} from './host'
import { closeDescriptor, keep, poolSize } from './descriptors'
import { renameNoReplace } from './no-replace'

type NativeAddon = Required<Addon>

/** Does the addon have the batches, as it has on Linux and macOS? */
export function hasBatches(addon: Addon): addon is NativeAddon {
  return addon.batch !== undefined
}

function raw(place: Place): RawPlace {
  const base = typeof place.base === 'string' ? place.base : place.base.fd
  return { base, path: place.path }
}

/**
 * Names as they cross to the addon: one string, NUL after each. What holds a NUL itself, or is not Unicode,
 * cannot cross; it goes as an empty name, which is refused like it.
 */
function carried(names: readonly string[]): string {
  let joined = ''
  for (const name of names) {
    joined += name.includes('\0') || !name.isWellFormed() ? '\0' : `${name}\0`
  }
  return joined
}

function namesJob({ to, names, modes }: NamesJob): RawJob {
  const job: RawJob = { to: raw(to), names: carried(names) }
  if (modes !== undefined) job.modes = modes
  return job
}

function pairJob({ from, to, names, toNames }: PairJob): RawJob {
  const job: RawJob = { from: raw(from), to: raw(to), names: carried(names) }
  if (toNames !== undefined) job.toNames = carried(toNames)
  return job
}

function linkJob({ to, names, targets }: LinkJob): RawJob {
  return { to: raw(to), names: carried(targets), toNames: carried(names) }
}

function split(joined: string): string[] {
  const names = joined.split('\0')
  // What is after the last NUL.
  names.pop()
  return names
}

/** Texts in the order of the symlinks, by the index of the entry. */
function targetsOf(kinds: Uint8Array, joined: string): ReadonlyMap<number, string> {
  const targets = new Map<number, string>()
  if (joined === '') return targets
  const texts = split(joined)
  let next = 0
  kinds.forEach((kind, index) => {
    if (kind === Kind.Symlink) targets.set(index, texts[next++] ?? '')
  })
  return targets
}

/** The host with the addon: directory descriptors, one name at a time, off the main thread. */
export function nativeHost(addon: NativeAddon): Host {
  const syscallOf = (calls: Uint8Array) => (index: number) => addon.calls[calls[index] ?? 0] ?? ''

  async function run(
    operation: string,
    jobs: readonly RawJob[],
    options: RawOptions = {},
  ): Promise<Comparison> {
    const { errnos, calls, equal } = await addon.batch(operation, jobs, options)
    return { errnos, equal, syscall: syscallOf(calls) }
  }

  async function stat(jobs: readonly NamesJob[]): Promise<Stats> {
    const { calls, targets, ...stats } = await addon.stat(jobs.map(namesJob))
    return { ...stats, syscall: syscallOf(calls), targets: targetsOf(stats.kinds, targets) }
  }

  const rename = (jobs: readonly PairJob[]): Promise<Outcomes> => run('rename', jobs.map(pairJob))
  const exclusive = (jobs: readonly PairJob[]): Promise<Outcomes> =>
    run('renameNoReplace', jobs.map(pairJob))
  const lookUp = (jobs: readonly PairJob[]): Promise<Stats> =>
    stat(jobs.map(({ to, names, toNames = names }) => ({ to, names: toNames })))

  return {
    kind: 'native',
    containment: 'kernel',
    cloneSyscall: addon.cloneSyscall,
    // One pool thread stays free for the caller's own file system work.
    parallelism: Math.max(1, Math.min(availableParallelism(), poolSize() - 1)),

    // Async, so that a failure rejects; the call itself takes a microsecond a name.
    // eslint-disable-next-line @typescript-eslint/require-await
    async open(place: Place): Promise<Directory> {
      const path = pathOf(place)
      const { errno, fd } = addon.openDirectory(raw(place))
      if (errno !== 0) throw new SystemError(errno, { syscall: 'open', path })
      return keep(path, fd)
    },
    close: (directory) => closeDescriptor(directory.fd),
    tryLock: (directory) => addon.tryLock(directory.fd),

    async list(places): Promise<Listing[]> {
      const listings = await addon.list(places.map(raw))
      return listings.map(({ call, names, notUtf8, targets, ...listing }) => ({
        ...listing,
        syscall: addon.calls[call] ?? '',
        names: split(names),
        notUtf8: split(notUtf8),
        targets: targetsOf(listing.kinds, targets),
      }))
    },
    stat,
    compare: (jobs) => run('compare', jobs.map(pairJob)),

    clone: (jobs, options): Promise<Outcomes> => run('clone', jobs.map(pairJob), options),
    hardlink: (jobs) => run('hardlink', jobs.map(pairJob)),
    copy: (jobs, options) => run('copy', jobs.map(pairJob), options),
    symlink: (jobs) => run('symlink', jobs.map(linkJob)),

    mkdir: (jobs, exact) => run('mkdir', jobs.map(namesJob), { exactMode: exact }),
    chmod: (jobs) => run('chmod', jobs.map(namesJob)),
    copyTimes: (jobs) => run('copyTimes', jobs.map(pairJob)),
    rename: (jobs, replace) =>
      replace
        ? rename(jobs)
        : renameNoReplace(jobs, { exclusive, replacing: rename, stat: lookUp }),
    unlink: (jobs) => run('unlink', jobs.map(namesJob)),
    rmdir: (jobs) => run('rmdir', jobs.map(namesJob)),
  }
}
