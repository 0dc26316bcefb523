import { identityLength, type Host, type Place } from '../../host/host'
import { pathOf } from '../../host/host'
import { throwIfFailed } from '../../host/trees'
import type { File } from '../../probe'
import { place } from './cost'
import { median } from './median'

/** What became of a file of a lower layer when it was hard-linked. */
export interface CopyUp {
  /** The file of the store that was tried. */
  readonly path: string
  readonly bytes: number
  /** µs that the first hard link to it took, and, as a median, later ones. */
  readonly first: number
  readonly later: number
  /** The first one copied the file into the upper layer, which no errno tells. */
  readonly copied: boolean
}

const laterLinks = 15
// The first call is never the fastest; a copy of a file that is big enough is far beyond that.
const timesSlower = 10
const microseconds = 200

/**
 * Hard-links a file of an overlay, and tells by the time it takes, and by the file's st_dev and st_ino before and
 * after, whether the file system copied it: a lower layer cannot have another link. The copy stays, as any does.
 */
export async function watchCopyUp(
  host: Host,
  file: File,
  bytes: number,
  to: Place,
): Promise<CopyUp> {
  await warmUp(host, to)
  const before = await identityOf(host, file)
  const times: number[] = []
  for (let index = 0; index <= laterLinks; index++) {
    const started = performance.now()
    await place(host, 'hardlink', file, to, [`up-${index}`])
    times.push((performance.now() - started) * 1000)
  }
  const moved = before !== (await identityOf(host, file))
  const [first = 0, ...others] = times
  const later = median(others)
  const slow = first > microseconds && first > later * timesSlower
  return { path: pathOf(file.directory, file.name), bytes, first, later, copied: moved || slow }
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
