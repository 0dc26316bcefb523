import { constants, promises as fs } from 'node:fs'
import { errno, errnoOf } from '../errno'
import { below, Kind, pathOf, splitPath, type Host, type Place } from '../host/host'
import { MergeError, type ManifestError } from '../merge-error'
import { decode, FormatError } from './format'
import type { Manifest } from './manifest'

// A million files take some 100 MB.
const mostBytes = 2 ** 31 - 1

/** What distinguishes one state of a manifest from another; undefined where there is none. */
type ManifestState = string | undefined

export interface ReadManifest {
  readonly state: ManifestState
  readonly manifest: Manifest | undefined
}

/**
 * Reads a manifest unless it is in the state that is known already. It is input as any other: nothing in it is trusted, and no
 * symlink below dest leads to it. `path`: '/'-joined below `dest`.
 */
export async function readManifest(
  host: Host,
  dest: string,
  path: string,
  known?: ReadManifest,
): Promise<ReadManifest> {
  const place = { base: dest, path }
  const shown = pathOf(place)
  const none = { state: undefined, manifest: undefined }
  let file: fs.FileHandle
  try {
    file = await fs.open(shown, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const number = errnoOf(error)
    if (number === errno.ENOENT) return none
    if (number === errno.ENOTDIR) throw badManifest(shown, wayIsNoDirectory)
    if (number === errno.ELOOP) throw badManifest(shown, 'it is a symlink')
    if (number === errno.ENXIO) throw badManifest(shown, 'it is not a regular file')
    throw error
  }
  try {
    const stats = await file.stat({ bigint: true })
    const { ino, size, mtimeNs, ctimeNs } = stats
    if (!stats.isFile()) throw badManifest(shown, 'it is not a regular file')
    if (!(await isAt(host, place, stats))) throw badManifest(shown, wayIsNoDirectory)
    if (size > mostBytes) throw badManifest(shown, 'it is too large')
    const state = [ino, size, mtimeNs, ctimeNs].join('.')
    if (known !== undefined && known.state === state) return known
    return { state, manifest: decode(await file.readFile()) }
  } catch (error) {
    throw error instanceof FormatError ? badManifest(shown, error.message) : error
  } finally {
    await file.close()
  }
}

const wayIsNoDirectory = 'a symlink or a file stands in the place of a directory that leads to it'

/** Is it the file that is found without following anything? Opening it follows symlinks in the place of directories. */
async function isAt(
  host: Host,
  { base, path }: Place,
  { dev, ino }: { readonly dev: bigint; readonly ino: bigint },
): Promise<boolean> {
  const { parent, name } = splitPath(path)
  if (parent === '') return true
  const names = parent.split('/')
  const way = await host.stat(
    names.map((each, depth) => {
      return { to: { base, path: names.slice(0, depth).join('/') }, names: [each] }
    }),
  )
  // A host that has paths alone would follow one of them.
  if (!way.kinds.every((kind) => kind === Kind.Directory)) return false
  let directory: Awaited<ReturnType<Host['open']>>
  try {
    directory = await host.open(below({ base, path: '' }, parent))
  } catch (error) {
    if (inTheWay.has(errnoOf(error))) return false
    throw error
  }
  try {
    const { identities } = await host.stat([{ to: { base: directory, path: '' }, names: [name] }])
    return identities[0] === dev && identities[1] === ino
  } finally {
    await host.close(directory)
  }
}

// What opening a directory fails with where something else stands there.
const inTheWay: ReadonlySet<number | undefined> = new Set([
  errno.ELOOP,
  errno.ENOTDIR,
  errno.ENOENT,
])

function badManifest(path: string, why: string): ManifestError {
  const message =
    `'${path}' cannot be used as the manifest: ${why}. Nothing was changed. Restore it, or remove it ` +
    'and merge again: what is in dest then counts as put there by others'
  return new MergeError('ERR_MERGE_MANIFEST', message, { path })
}
