import { addon } from './addon'
import { sharedBytes } from './clone'
import { errno, errnoName } from './errno'
import { SystemError } from './errors'
import { defaultHost } from './host'
import { KeptAttributes } from './host/kept-attributes'
import { lenient } from './host/lenient'
import { entryOf, joinPath, Kind, pathOf, type Host, type Outcomes, type Place } from './host/host'
import { readPath } from './options'
import { openTarget } from './plan/target'
import { Staging } from './stage/staging'
import type { LinkMode, ProbeResult } from './types'

export async function probe(source: string, dest: string): Promise<ProbeResult> {
  const kept = new KeptAttributes()
  const host = lenient(defaultHost, kept)
  const from = readPath('source', source)
  const target = await openTarget(host, readPath('dest', dest))
  try {
    const file = await findFile(host, from)
    const staging = await Staging.make({ host, notAborted: host, kept }, target.nearest, [])
    try {
      const linkModes = await tryAll(host, file, staging.scratch)
      const path = pathOf(file.directory, file.name)
      const shared =
        linkModes.clone.works && addon !== undefined
          ? await sharedBytes(path, pathOf(staging.scratch, 'clone'))
          : 0
      return { path, dest: target.nearest.path, linkModes, sharedBytes: shared }
    } finally {
      await staging.remove()
    }
  } finally {
    await host.close(target.nearest)
  }
}

/** A file, where it lies. */
export interface File {
  readonly directory: Place
  readonly name: string
}

async function tryAll(host: Host, file: File, to: Place): Promise<ProbeResult['linkModes']> {
  const options = { writable: false, times: false, inKernelCopy: false }
  const job = (toName: LinkMode) => [
    { from: file.directory, names: [file.name], to, toNames: [toName] },
  ]
  const link = { to, names: ['symlink'], targets: [pathOf(file.directory, file.name)] }
  return {
    clone: verdict(await host.clone(job('clone'), options)),
    hardlink: verdict(await host.hardlink(job('hardlink'))),
    copy: verdict(await host.copy(job('copy'), options)),
    symlink: verdict(await host.symlink([link])),
  }
}

function verdict({ errnos, syscall }: Outcomes): ProbeResult['linkModes'][LinkMode] {
  const number = errnos[0] ?? 0
  if (number === 0) return { works: true }
  return { works: false, code: errnoName(number), errno: -number, syscall: syscall(0) }
}

// Big enough to have an extent of its own: Btrfs keeps the smallest files in its metadata.
const bigEnough = 16 * 1024
const directoriesToSearch = 256

/** The source itself, or a file below it: the first of `enough` bytes, else the biggest that was seen. */
export async function findFile(host: Host, source: string, enough = bigEnough): Promise<File> {
  const itself = entryOf({ base: source, path: '' })
  const { kinds } = await host.stat([{ to: itself.directory, names: [itself.name] }])
  if (kinds[0] === Kind.File) return itself
  const queue: Place[] = [{ base: source, path: '' }]
  let biggest: (File & { size: number }) | undefined
  for (let searched = 0; searched < directoriesToSearch; searched++) {
    const place = queue.shift()
    if (place === undefined || (biggest !== undefined && biggest.size >= enough)) break
    const [listing] = await host.list([place])
    if (listing === undefined) break
    if (listing.errno !== 0) {
      const path = pathOf(place, listing.failedName)
      throw new SystemError(listing.errno, { syscall: listing.syscall, path })
    }
    listing.names.forEach((name, index) => {
      const size = listing.sizes[index] ?? 0
      const kind = listing.kinds[index]
      if (kind === Kind.Directory)
        queue.push({ base: place.base, path: joinPath(place.path, name) })
      if (kind === Kind.File && size > (biggest?.size ?? -1))
        biggest = { directory: place, name, size }
    })
  }
  if (biggest !== undefined) return biggest
  const hint = 'It contains no regular file to try the link modes with'
  throw new SystemError(errno.ENOENT, { syscall: 'scandir', path: source, hint })
}
