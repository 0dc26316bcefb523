import { statfs } from 'node:fs/promises'
import { identityLength, pathOf, type Host, type Place } from '../../host/host'
import { throwIfFailed } from '../../host/trees'
import type { LinkMode } from '../../index'
import type { File } from '../../probe'
import { place } from './cost'
import { median } from './median'

/** What became of a file of a lower layer when it was hard-linked. */
export interface CopyUp {
  /** The file of the store that was tried. */
  readonly path: string
  readonly bytes: number
  /** µs that the first hard link to it took; as medians, later ones, and a copy of it. */
  readonly first: number
  readonly later: number
  readonly copy: number
  /** The first one copied the file into the upper layer, which no errno reports. */
  readonly copied: boolean
}

const laterLinks = 15
const copies = 3
// On a busy machine any call may take a while; what was copied has also taken about its size from the volume, or as
// long as a copy does. Where the layers can clone, a copy up is a clone, and no harm.
const timesSlower = 10
const partOfSize = 0.9

/**
 * Hard-links a file of an overlay, and finds out by the time and the space it takes, and by the file's st_dev and st_ino
 * before and after, whether the file system copied it: a lower layer cannot have another link. The copy stays, as any does.
 */
export async function watchCopyUp(
  host: Host,
  file: File,
  bytes: number,
  to: Place,
): Promise<CopyUp> {
  await warmUp(host, to)
  const before = await identityOf(host, file)
  const free = await freeBytes(to)
  const [first = 0] = await timesOf(host, 'hardlink', 'first', file, to, 1)
  const taken = free - (await freeBytes(to))
  const others = await timesOf(host, 'hardlink', 'later', file, to, laterLinks)
  const moved = before !== (await identityOf(host, file))
  const later = median(others)
  const copy = median(await timesOf(host, 'copy', 'copy', file, to, copies))
  const isSlow = first > later * timesSlower
  const copied = moved || (isSlow && (taken >= bytes * partOfSize || first > copy))
  return { path: pathOf(file.directory, file.name), bytes, first, later, copy, copied }
}

/** µs of each. */
async function timesOf(
  host: Host,
  mode: LinkMode,
  name: string,
  file: File,
  to: Place,
  count: number,
): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const started = performance.now()
    await place(host, mode, file, to, [`${name}-${index}`])
    times.push((performance.now() - started) * 1000)
  }
  return times
}

async function freeBytes(at: Place): Promise<number> {
  const { bfree, bsize } = await statfs(pathOf(at))
  return bfree * bsize
}

/** The same with a file of our own, so that the first call of its kind is not taken for a copy. */
async function warmUp(host: Host, to: Place): Promise<void> {
  const own = [{ to, names: ['own'], targets: ['nowhere'] }]
  throwIfFailed(own, await host.symlink(own))
  const job = { from: to, names: ['own'], to }
  for (let index = 0; index < laterLinks; index++) {
    await host.hardlink([{ ...job, toNames: [`own-${index}`] }])
  }
}

async function identityOf(host: Host, { directory, name }: File): Promise<string> {
  const jobs = [{ to: directory, names: [name] }]
  const stats = await host.stat(jobs)
  throwIfFailed(jobs, stats)
  return stats.identities.slice(0, identityLength / 2).join()
}
