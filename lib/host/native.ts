import { availableParallelism } from 'node:os'
import type { Addon, RawJobs, RawOptions } from '../addon'
import { SystemError } from '../errors'
import {
  pathOf,
  type Comparison,
  type ContentJob,
  type Directory,
  type FileOptions,
  type Host,
  type Identified,
  type LinkJob,
  type Listing,
  type NamesJob,
  type Outcomes,
  type PairJob,
  type Place,
  type Stats,
} from './host'
import { rawJobs, rawPlace, rawPlaces, rawTree, splitNames, targetsOf, toListings } from './columns'
import { keep, poolSize } from './descriptors'
import { renameNoReplace } from './no-replace'
import type { TreeJob, TreeOperation, TreeOutcomes } from './whole-trees'

type NativeAddon = Required<Addon>

const mostOnApfs = 4

/** What the addon calls an open(2) that was to make a file, or that led to where it was to be made. */
const creating = 'create'

/** Does the addon have the batches, as it has on Linux and macOS? */
export function hasBatches(addon: Addon): addon is NativeAddon {
  return addon.batch !== undefined
}

/** As jobs of one side, whose names are where the links will stand, and whose targets are the text. */
const linkJob = ({ to, names, targets }: LinkJob): PairJob | NamesJob => ({
  ...{ to, names: targets, toNames: names },
})

function rawContents(jobs: readonly ContentJob[]): RawJobs {
  return { ...rawJobs(jobs), contents: jobs.flatMap(({ contents }) => contents) }
}

/** The host with the addon: directory descriptors, one name at a time, off the main thread. */
export function nativeHost(addon: NativeAddon): Host {
  const nameOf = (call: number | undefined): string => addon.calls[call ?? 0] ?? ''
  const callNamed = (name: string): string => (name === creating ? 'open' : name)
  const syscallOf = (calls: Uint8Array) => (index: number) => callNamed(nameOf(calls[index]))

  async function run(
    operation: string,
    jobs: RawJobs,
    options: RawOptions = {},
  ): Promise<Comparison> {
    const { calls, ...outcomes } = await addon.batch(operation, jobs, options)
    const inDest = (index: number): boolean => nameOf(calls[index]) === creating
    return { ...outcomes, syscall: syscallOf(calls), inDest }
  }

  async function stat(jobs: readonly NamesJob[]): Promise<Stats> {
    const { calls, targets, ...stats } = await addon.stat(rawJobs(jobs))
    return { ...stats, syscall: syscallOf(calls), targets: targetsOf(stats.kinds, targets) }
  }

  async function identify(jobs: readonly NamesJob[]): Promise<Identified> {
    const { calls, targets, ...stats } = await addon.identify(rawJobs(jobs))
    return { ...stats, syscall: syscallOf(calls), targets: targetsOf(stats.kinds, targets) }
  }

  const rename = (jobs: readonly PairJob[]): Promise<Outcomes> => run('rename', rawJobs(jobs))
  const exclusive = (jobs: readonly PairJob[]): Promise<Outcomes> =>
    run('renameNoReplace', rawJobs(jobs))
  const lookUp = (jobs: readonly PairJob[]): Promise<Stats> =>
    stat(jobs.map(({ to, names, toNames = names }) => ({ to, names: toNames })))

  async function placeTrees(
    operation: TreeOperation,
    jobs: readonly TreeJob[],
    options: FileOptions,
  ): Promise<TreeOutcomes> {
    const raw = await addon.placeTrees(operation, jobs.map(rawTree), { ...options })
    const { complete, bytes, made, stopErrnos, stopCalls, errnos, calls } = raw
    if (!(made && stopErrnos && stopCalls && errnos && calls)) return { complete, bytes }
    return {
      complete,
      bytes,
      made,
      stops: { errnos: stopErrnos, syscall: syscallOf(stopCalls) },
      rows: {
        errnos,
        syscall: syscallOf(calls),
        inDest: (index) => nameOf(calls[index]) === creating,
      },
    }
  }

  const isMacos = addon.cloneSyscall === 'clonefile'
  const free = Math.max(1, Math.min(availableParallelism(), poolSize() - 1))

  return {
    kind: 'native',
    containment: 'kernel',
    platform: process.platform,
    cloneSyscall: addon.cloneSyscall,
    // One pool thread stays free for the caller's own file system work. APFS changes metadata one by one.
    parallelism: isMacos ? Math.min(free, mostOnApfs) : free,

    // Async, so that a failure rejects; the call itself takes a microsecond a name.
    // eslint-disable-next-line @typescript-eslint/require-await
    async open(place: Place): Promise<Directory> {
      const path = pathOf(place)
      const { errno, fd } = addon.openDirectory(...rawPlace(place))
      if (errno !== 0) throw new SystemError(errno, { syscall: 'open', path })
      return keep(path, fd)
    },
    // Not by node:fs, which in a worker thread warns of descriptors that it did not open.
    // eslint-disable-next-line @typescript-eslint/require-await
    async close({ fd, path }) {
      const errno = addon.closeDirectory(fd)
      if (errno !== 0) throw new SystemError(errno, { syscall: 'close', path })
    },
    tryLock: (directory) => addon.tryLock(directory.fd),

    async writeRecord(place, name, text) {
      const { errno, call } = await addon.writeRecord(...rawPlace(place), name, text)
      return { errno, syscall: callNamed(nameOf(call)) }
    },
    async readRecord(place, name) {
      const { errno, call, text } = await addon.readRecord(...rawPlace(place), name)
      return { errno, syscall: callNamed(nameOf(call)), text }
    },
    async sync(directory) {
      const { errno, call } = await addon.sync(directory.fd)
      return { errno, syscall: callNamed(nameOf(call)) }
    },

    async list(places): Promise<Listing[]> {
      return toListings(await addon.list(...rawPlaces(places)), addon.calls)
    },
    async inheritance(places) {
      const { errnos, texts } = await addon.inheritance(...rawPlaces(places))
      const all = splitNames(texts)
      return Array.from(errnos, (errno, index) => ({ errno, text: all[index] ?? '' }))
    },
    stat,
    identify,
    compare: (jobs) => run('compare', rawJobs(jobs)),
    compareContent: (jobs) => run('compareContent', rawContents(jobs)),

    clone: (jobs, options): Promise<Outcomes> => run('clone', rawJobs(jobs), options),
    ...(isMacos && { cloneDirectory: (jobs) => run('cloneDirectory', rawJobs(jobs)) }),
    scanTrees: (places, sized) => addon.scanTrees(...rawPlaces(places), sized),
    matchTrees: (jobs, bytes, own) => addon.matchTrees(jobs.map(rawTree), bytes, own),
    placeTrees,
    hardlink: (jobs) => run('hardlink', rawJobs(jobs)),
    copy: (jobs, options) => run('copy', rawJobs(jobs), options),
    symlink: (jobs) => run('symlink', rawJobs(jobs.map(linkJob))),
    write: (jobs, options) => run('write', rawContents(jobs), { ...options }),

    mkdir: (jobs, exact) => run('mkdir', rawJobs(jobs), { exactMode: exact }),
    chmod: (jobs) => run('chmod', rawJobs(jobs)),
    copyTimes: (jobs) => run('copyTimes', rawJobs(jobs)),
    rename: (jobs, replace) =>
      replace
        ? rename(jobs)
        : renameNoReplace(jobs, { exclusive, replacing: rename, stat: lookUp }),
    exchange: (jobs) => run('exchange', rawJobs(jobs)),
    unlink: (jobs) => run('unlink', rawJobs(jobs)),
    rmdir: (jobs) => run('rmdir', rawJobs(jobs)),
  }
}
