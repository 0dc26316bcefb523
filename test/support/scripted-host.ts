import { nameByName } from './name-by-name'
import { SystemError } from '../../lib/errors'
import {
  pathOf,
  type Comparison,
  type Failed,
  type Host,
  type LinkJob,
  type Listing,
  type NamesJob,
  type Outcomes,
  type PairJob,
  type Place,
  type Stats,
} from '../../lib/host/host'

export type Operation =
  | 'open'
  | 'list'
  | 'stat'
  | 'compare'
  | 'clone'
  | 'cloneDirectory'
  | 'hardlink'
  | 'copy'
  | 'symlink'
  | 'mkdir'
  | 'chmod'
  | 'copyTimes'
  | 'rename'
  | 'unlink'
  | 'rmdir'
  | 'writeRecord'
  | 'readRecord'
  | 'sync'

/** Operations that change something, or make changes last. */
export const mutating: ReadonlySet<Operation> = new Set<Operation>([
  ...(['clone', 'cloneDirectory', 'hardlink', 'copy', 'symlink', 'mkdir', 'chmod'] as const),
  ...(['copyTimes', 'rename', 'unlink', 'rmdir', 'writeRecord', 'sync'] as const),
])

/** One name that is about to be worked on. */
export interface ScriptedCall {
  readonly operation: Operation
  /** The entry, as a path: what is made, or else what is looked at. */
  readonly path: string
  /** The entry that is read, for operations on pairs. */
  readonly from: string | undefined
}

/** What a script answers: go on, or fail with this errno, in this system call. */
export type Verdict = undefined | { readonly errno: number; readonly syscall: string }

/** May answer late, to play with timing. */
export type Script = (call: ScriptedCall) => Verdict | Promise<Verdict>

interface Job {
  readonly to: Place
  readonly names: readonly string[]
}

/** Takes some names out of jobs. */
function keep<J extends Job>(jobs: readonly J[], wanted: (index: number) => boolean): J[] {
  let index = 0
  return jobs.map((job) => {
    const mine = job.names.map(() => wanted(index++))
    const some = <T>(list: readonly T[]): T[] => list.filter((_, at) => mine[at])
    const { toNames } = job as { toNames?: readonly string[] }
    const { targets } = job as { targets?: readonly string[] }
    const { modes } = job as { modes?: Uint32Array }
    return {
      ...job,
      names: some(job.names),
      ...(toNames && { toNames: some(toNames) }),
      ...(targets && { targets: some(targets) }),
      ...(modes && { modes: modes.filter((_, at) => mine[at]) }),
    }
  })
}

function callsOf(operation: Operation, jobs: readonly Job[]): ScriptedCall[] {
  return jobs.flatMap((job) => {
    const { from, toNames } = job as { from?: Place; toNames?: readonly string[] }
    return job.names.map((name, index) => ({
      operation,
      path: pathOf(job.to, toNames?.[index] ?? name),
      from: from && pathOf(from, name),
    }))
  })
}

/** A host whose every call on every name may be made to fail: the system as a parameter. */
export function scriptedHost(host: Host, script: Script): Host {
  /** Asks the script for every name, lets the host do the others, and puts the answers together. */
  async function run<J extends Job, O extends Outcomes>(
    operation: Operation,
    jobs: readonly J[],
    work: (jobs: readonly J[]) => Promise<O>,
  ): Promise<{
    outcomes: O
    errnos: Int32Array
    syscall: (index: number) => string
    at: number[]
  }> {
    const verdicts: Verdict[] = []
    for (const call of callsOf(operation, jobs)) verdicts.push(await script(call))
    const outcomes = await work(keep(jobs, (index) => verdicts[index] === undefined))
    let next = 0
    /** By name: its index in the host's answer, or -1. */
    const at = verdicts.map((verdict) => (verdict === undefined ? next++ : -1))
    const errnos = Int32Array.from(
      verdicts.map((verdict, index) => verdict?.errno ?? outcomes.errnos[at[index] ?? 0] ?? 0),
    )
    const syscall = (index: number): string =>
      verdicts[index]?.syscall ?? outcomes.syscall(at[index] ?? 0)
    return { outcomes, errnos, syscall, at }
  }

  async function write<J extends Job>(
    operation: Operation,
    jobs: readonly J[],
    work: (jobs: readonly J[]) => Promise<Outcomes>,
  ): Promise<Outcomes> {
    const { errnos, syscall } = await run(operation, jobs, work)
    return { errnos, syscall }
  }

  async function single<F extends Failed>(
    operation: Operation,
    path: string,
    failed: (verdict: Failed) => F,
    work: () => Promise<F>,
  ): Promise<F> {
    const verdict = await script({ operation, path, from: undefined })
    return verdict === undefined ? work() : failed(verdict)
  }

  const { cloneDirectory } = host
  return {
    ...nameByName(host),
    writeRecord: (place, name, text) =>
      single(
        'writeRecord',
        pathOf(place, name),
        (verdict) => verdict,
        () => host.writeRecord(place, name, text),
      ),
    readRecord: (place, name) =>
      single(
        'readRecord',
        pathOf(place, name),
        (verdict) => ({ ...verdict, text: '' }),
        () => host.readRecord(place, name),
      ),
    sync: (directory) =>
      single(
        'sync',
        directory.path,
        (verdict) => verdict,
        () => host.sync(directory),
      ),
    async open(place) {
      const path = pathOf(place)
      const verdict = await script({ operation: 'open', path, from: undefined })
      if (verdict === undefined) return host.open(place)
      throw new SystemError(verdict.errno, { syscall: verdict.syscall, path })
    },
    async list(places): Promise<Listing[]> {
      const listings = await host.list(places)
      for (const [index, place] of places.entries()) {
        const call = { operation: 'list' as const, path: pathOf(place), from: undefined }
        const verdict = await script(call)
        const listing = listings[index]
        if (verdict !== undefined && listing !== undefined) {
          const nothing = { names: [], notUtf8: [], plain: undefined, failedName: '' }
          listings[index] = { ...listing, ...verdict, ...nothing }
        }
      }
      return listings
    },
    async stat(jobs): Promise<Stats> {
      const { outcomes, errnos, syscall, at } = await run('stat', jobs, (some) => host.stat(some))
      const targets = new Map<number, string>()
      at.forEach((from, index) => {
        const target = outcomes.targets.get(from)
        if (target !== undefined) targets.set(index, target)
      })
      return {
        ...{ errnos, syscall, targets },
        kinds: Uint8Array.from(at, (from) => outcomes.kinds[from] ?? 0),
        modes: Uint16Array.from(at, (from) => outcomes.modes[from] ?? 0),
        sizes: Float64Array.from(at, (from) => outcomes.sizes[from] ?? 0),
        identities: BigUint64Array.from(
          at.flatMap((from) =>
            [0, 1, 2, 3].map((part) => outcomes.identities[from * 4 + part] ?? 0n),
          ),
        ),
      }
    },
    async compare(jobs): Promise<Comparison> {
      const result = await run('compare', jobs, (some) => host.compare(some))
      const { outcomes, errnos, syscall, at } = result
      return { errnos, syscall, equal: Uint8Array.from(at, (from) => outcomes.equal[from] ?? 0) }
    },
    clone: (jobs: readonly PairJob[], options) =>
      write('clone', jobs, (some) => host.clone(some, options)),
    ...(cloneDirectory && {
      cloneDirectory: (jobs: readonly PairJob[]) => write('cloneDirectory', jobs, cloneDirectory),
    }),
    hardlink: (jobs: readonly PairJob[]) => write('hardlink', jobs, (some) => host.hardlink(some)),
    copy: (jobs: readonly PairJob[], options) =>
      write('copy', jobs, (some) => host.copy(some, options)),
    symlink: (jobs: readonly LinkJob[]) => write('symlink', jobs, (some) => host.symlink(some)),
    mkdir: (jobs: readonly NamesJob[], exact) =>
      write('mkdir', jobs, (some) => host.mkdir(some, exact)),
    chmod: (jobs: readonly NamesJob[]) => write('chmod', jobs, (some) => host.chmod(some)),
    copyTimes: (jobs: readonly PairJob[]) =>
      write('copyTimes', jobs, (some) => host.copyTimes(some)),
    rename: (jobs: readonly PairJob[], replace) =>
      write('rename', jobs, (some) => host.rename(some, replace)),
    exchange: (jobs: readonly PairJob[]) => write('rename', jobs, (some) => host.exchange(some)),
    unlink: (jobs: readonly NamesJob[]) => write('unlink', jobs, (some) => host.unlink(some)),
    rmdir: (jobs: readonly NamesJob[]) => write('rmdir', jobs, (some) => host.rmdir(some)),
  }
}
