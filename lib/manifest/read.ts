import { constants, promises as fs } from 'node:fs'
import { errno, errnoOf } from '../errno'
import { MergeError, type ManifestError } from '../merge-error'
import { decode, FormatError } from './format'
import type { Manifest } from './manifest'

// A million files take some 100 MB.
const mostBytes = 2 ** 31 - 1

/** What tells one state of a manifest from another; undefined where there is none. */
type ManifestState = string | undefined

export interface ReadManifest {
  readonly state: ManifestState
  readonly manifest: Manifest | undefined
}

/** Reads a manifest unless it is in the state that is known already. It is input as any other: nothing in it is trusted. */
export async function readManifest(path: string, known?: ReadManifest): Promise<ReadManifest> {
  let file: fs.FileHandle
  try {
    file = await fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const number = errnoOf(error)
    if (number === errno.ENOENT) return { state: undefined, manifest: undefined }
    if (number === errno.ELOOP) throw badManifest(path, 'it is a symlink')
    if (number === errno.ENXIO) throw badManifest(path, 'it is not a regular file')
    throw error
  }
  try {
    const stats = await file.stat({ bigint: true })
    const { ino, size, mtimeNs, ctimeNs } = stats
    if (!stats.isFile()) throw badManifest(path, 'it is not a regular file')
    if (size > mostBytes) throw badManifest(path, 'it is too large')
    const state = [ino, size, mtimeNs, ctimeNs].join('.')
    if (known !== undefined && known.state === state) return known
    return { state, manifest: decode(await file.readFile()) }
  } catch (error) {
    throw error instanceof FormatError ? badManifest(path, error.message) : error
  } finally {
    await file.close()
  }
}

function badManifest(path: string, why: string): ManifestError {
  const message =
    `'${path}' cannot be used as the manifest: ${why}. Nothing was changed. Restore it, or remove it ` +
    'and merge again: what stands in dest is then taken for what others put there'
  return new MergeError('ERR_MERGE_MANIFEST', message, { path })
}
