import { errno } from './errno'
import { SystemError } from './errors'
import { MergeError } from './merge-error'
import { below, joinPath, Kind, pathOf, type Host, type Place } from './host/host'
import { openReal } from './host/open-real'
import { retrying } from './host/retrying'
import { throwIfFailed } from './host/trees'
import { forEachLimited, inGroups } from './concurrency'
import { readManifest, Recorded, type RecordedDirectory } from './manifest'
import { manifestPathIn } from './life'
import { readPath, readVerifyOptions } from './options'
import { comparer } from './plan/compare'
import { Ours, type Standing, type State } from './plan/ours'
import { absentDirectories } from './plan/recorded-directories'
import type { Modified, VerifyOptions, VerifyResult } from './types'

const namesPerCall = 512
const placesPerCall = 64

/** verify() on a host of choice: compares dest with its manifest, and changes nothing. */
export async function verifyOn(
  system: Host,
  dest: string,
  options?: VerifyOptions,
): Promise<VerifyResult> {
  const path = readPath('dest', dest)
  const { manifest = true, bytes, foreign, signal } = readVerifyOptions(options)
  signal?.throwIfAborted()
  const manifestPath = manifestPathIn(path, manifest)
  const host = retrying(system, signal)
  const recorded = await requireManifest(host, path, manifestPath)
  const directory = await openReal(host, path)
  try {
    const verifier = new Verifier(host, { base: directory, path: '' }, recorded, signal)
    return await verifier.run({ bytes, foreign, manifestPath })
  } finally {
    await host.close(directory)
  }
}

/** Throws where there is none. */
export async function requireManifest(
  host: Host,
  dest: string,
  manifestPath: string,
): Promise<Recorded> {
  const { manifest } = await readManifest(host, dest, manifestPath)
  if (manifest !== undefined) return new Recorded(manifest)
  const path = pathOf({ base: dest, path: manifestPath })
  const message = `'${path}' is missing: nothing was ever merged into dest with a manifest, or the manifest was removed`
  throw new MergeError('ERR_MERGE_MANIFEST', message, { path })
}

interface Wishes {
  readonly bytes: boolean
  readonly foreign: boolean
  readonly manifestPath: string
}

class Verifier {
  private readonly modified: Modified[] = []
  private unchanged = 0

  constructor(
    private readonly host: Host,
    private readonly dest: Place,
    private readonly recorded: Recorded,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async run({ bytes, foreign, manifestPath }: Wishes): Promise<VerifyResult> {
    const { host, signal, recorded } = this
    const concurrencyLimit = host.parallelism
    const ours = new Ours(
      recorded,
      { host, compare: comparer(host, concurrencyLimit, signal) },
      'keep',
    )
    const { directories, names, sources } = recorded.manifest
    const paths = directories.map(({ path }) => path)
    const absent = await absentDirectories(host, this.dest, paths)
    const present = directories.filter(({ path }) => !absent.has(path))
    const groups = inGroups(present, ({ first, end }) => end - first, namesPerCall)
    await forEachLimited(concurrencyLimit, signal, groups, (group) =>
      this.check(group, ours, bytes),
    )
    for (const { path, first, end } of directories) {
      const absence = absent.get(path)
      if (absence === undefined) continue
      for (let row = first; row < end; row++) {
        // Something that is no directory stands where one was, and is all that is kept.
        const how = absence === 'missing' ? 'missing' : 'type'
        this.modified.push(ours.modification(row, how, false))
      }
    }
    this.modified.sort((a, b) => (a.path < b.path ? -1 : 1))
    return {
      entries: names.length,
      unchanged: this.unchanged,
      modified: this.modified,
      ...(foreign && { foreign: await this.foreign(present, manifestPath) }),
      sources: sources.map(({ name, to, digest }) => {
        return digest === undefined ? { name, to } : { name, to, digest }
      }),
    }
  }

  private async check(
    directories: readonly RecordedDirectory[],
    ours: Ours,
    bytes: boolean,
  ): Promise<void> {
    const { names } = this.recorded.manifest
    const jobs = directories
      .filter(({ first, end }) => end > first)
      .map(({ path, first, end }) => {
        return { first, to: below(this.dest, path), names: names.slice(first, end) }
      })
    if (jobs.length === 0) return
    const stats = await this.host.stat(jobs)
    throwIfFailed(jobs, stats, errno.ENOENT)
    const standing: Standing[] = []
    for (const { first, to, names: own } of jobs) {
      own.forEach((name, index) => {
        standing.push({ row: first + index, place: to, name, stats, entry: standing.length })
      })
    }
    const states = await ours.states(standing)
    if (bytes) await ours.readAgain(standing, states)
    for (const [index, each] of standing.entries()) this.note(ours, each, states[index] as State)
  }

  private note(ours: Ours, { row, stats, entry }: Standing, state: State): void {
    const isFile = stats.kinds[entry] === Kind.File
    if (state === 'missing' || state === 'type' || state === 'content') {
      this.modified.push(ours.modification(row, state, state !== 'missing'))
    } else if (isFile && !ours.hasMode(row, stats, entry)) {
      this.modified.push(ours.modification(row, 'mode', true))
    } else this.unchanged++
  }

  /** What stands in directories that merges made, and no merge put there. */
  private async foreign(
    present: readonly RecordedDirectory[],
    manifestPath: string,
  ): Promise<string[]> {
    const { recorded } = this
    const made = present.filter(({ isMade }) => isMade)
    const found: string[] = []
    for (let at = 0; at < made.length; at += placesPerCall) {
      this.signal?.throwIfAborted()
      const some = made.slice(at, at + placesPerCall)
      const listings = await this.host.list(some.map(({ path }) => below(this.dest, path)))
      for (const [index, listing] of listings.entries()) {
        const directory = some[index] as RecordedDirectory
        const { errno: number, syscall, names, notUtf8, failedName } = listing
        if (number === errno.ENOENT) continue
        if (number !== 0) {
          const path = pathOf(below(this.dest, directory.path), failedName)
          throw new SystemError(number, { syscall, path })
        }
        for (const name of notUtf8) found.push(joinPath(directory.path, name))
        for (const name of names) {
          const path = joinPath(directory.path, name)
          const isOurs =
            recorded.rowIn(directory, name) >= 0 || recorded.directory(path) !== undefined
          if (!isOurs && path !== manifestPath) found.push(path)
        }
      }
    }
    return found.sort()
  }
}
