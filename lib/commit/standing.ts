import { errno, errnoOf } from '../errno'
import { identityLength, Kind, lastingLength, type Host, type NamesJob } from '../host/host'
import { throwIfFailed } from '../host/trees'
import type { KnownEntry } from '../records'

/** What stands at a name. */
export interface Standing extends KnownEntry {
  /** ns. */
  readonly ctime: bigint
  /** Hard links. */
  readonly links: bigint
  /** 07777. */
  readonly mode: number
}

const namesPerCall = 512

/** What stands at each name, in order; undefined where there is nothing. */
export async function identify(
  host: Host,
  jobs: readonly NamesJob[],
): Promise<(Standing | undefined)[]> {
  const found: (Standing | undefined)[] = []
  for (const call of inCalls(jobs)) {
    const { kinds, modes, sizes, identities, lasting, ...outcomes } = await host.identify(call)
    throwIfFailed(call, { ...outcomes })
    for (let index = 0; index < kinds.length; index++) {
      if (kinds[index] === Kind.Missing) {
        found.push(undefined)
        continue
      }
      const isDirectory = kinds[index] === Kind.Directory
      const [, ino = 0n, mtime = 0n, ctime = 0n] = identities.subarray(index * identityLength)
      const [birth = 0n, handle = 0n, links = 0n] = lasting.subarray(index * lastingLength)
      const size = isDirectory ? 0 : (sizes[index] ?? 0)
      const state = { isDirectory, size, mtime: isDirectory ? 0n : mtime, ctime }
      found.push({ ino, birth, handle, links, mode: modes[index] ?? 0, ...state })
    }
  }
  return found
}

/** The same, where a directory that is gone, or is none any more, holds nothing. */
export async function find(
  host: Host,
  jobs: readonly NamesJob[],
): Promise<(Standing | undefined)[]> {
  try {
    return await identify(host, jobs)
  } catch (error) {
    if (!isGone(error)) throw error
  }
  const found: (Standing | undefined)[] = []
  for (const job of jobs) {
    try {
      for (const each of await identify(host, [job])) found.push(each)
    } catch (error) {
      if (!isGone(error)) throw error
      for (let index = 0; index < job.names.length; index++) found.push(undefined)
    }
  }
  return found
}

const gone: ReadonlySet<number | undefined> = new Set([errno.ENOENT, errno.ENOTDIR, errno.ELOOP])

function isGone(error: unknown): boolean {
  return gone.has(errnoOf(error))
}

/** Jobs in groups of so many names at most; big ones are cut. */
export function* inCalls<
  J extends { readonly names: readonly string[]; readonly toNames?: readonly string[] },
>(jobs: readonly J[], most = namesPerCall): Generator<J[]> {
  let call: J[] = []
  let room = most
  for (const job of jobs) {
    for (let at = 0; at < job.names.length;) {
      const end = Math.min(job.names.length, at + room)
      const toNames = job.toNames?.slice(at, end)
      call.push({ ...job, names: job.names.slice(at, end), ...(toNames && { toNames }) })
      room -= end - at
      at = end
      if (room > 0) continue
      yield call
      call = []
      room = most
    }
  }
  if (call.length > 0) yield call
}
