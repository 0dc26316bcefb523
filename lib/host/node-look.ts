import { promises as fs, type BigIntStats } from 'node:fs'
import { errno, errnoOf } from '../errno'
import {
  identityLength,
  Kind,
  lastingLength,
  pathOf,
  type Identified,
  type Listing,
  type Place,
} from './host'
import { call, each, Failure } from './node-items'

function kindOf(status: BigIntStats): number {
  if (status.isFile()) return Kind.File
  if (status.isDirectory()) return Kind.Directory
  return status.isSymbolicLink() ? Kind.Symlink : Kind.Other
}

/** undefined for a missing entry, which is an answer. */
export async function lstat(path: string): Promise<BigIntStats | undefined> {
  try {
    return await fs.lstat(path, { bigint: true })
  } catch (error) {
    const number = errnoOf(error)
    if (number === errno.ENOENT) return undefined
    if (number === undefined) throw error
    throw new Failure(number, 'fstat')
  }
}

/** What entries are, in columns. */
export async function look(paths: readonly (string | Failure)[]): Promise<Identified> {
  const kinds = new Uint8Array(paths.length)
  const modes = new Uint16Array(paths.length)
  const sizes = new Float64Array(paths.length)
  const identities = new BigUint64Array(paths.length * identityLength)
  const lasting = new BigUint64Array(paths.length * lastingLength)
  const targets = new Map<number, string>()
  const outcomes = await each(paths, async (path, index) => {
    const status = await lstat(path)
    if (status === undefined) return
    kinds[index] = kindOf(status)
    modes[index] = Number(status.mode & 0o7777n)
    sizes[index] = Number(status.size)
    const identity = [status.dev, status.ino, status.mtimeNs, status.ctimeNs]
    identities.set(identity, index * identityLength)
    // Node gives no file handles; where the system keeps no time of birth, it may give another time for it.
    lasting.set([birthOf(status), 0n, status.nlink], index * lastingLength)
    if (!status.isSymbolicLink()) return
    const bytes = await call(fs.readlink(path, { encoding: 'buffer' }))
    const text = bytes.toString()
    if (Buffer.from(text).equals(bytes)) targets.set(index, text)
    else kinds[index] = Kind.OddLink
  })
  return { ...outcomes, kinds, modes, sizes, identities, lasting, targets }
}

function birthOf({ birthtimeNs }: BigIntStats): bigint {
  return birthtimeNs > 0n ? birthtimeNs : 0n
}

const emptyListing = {
  names: [],
  notUtf8: [],
  plain: undefined,
  distinct: false,
  kinds: new Uint8Array(),
  modes: new Uint16Array(),
  sizes: new Float64Array(),
  targets: new Map<number, string>(),
}

/** What a directory holds. */
export async function list(place: Place): Promise<Listing> {
  const path = pathOf(place)
  try {
    // The start of a place may be a symlink, what is below it may not.
    const status = await call(place.path === '' ? fs.stat(path) : fs.lstat(path), 'open')
    if (!status.isDirectory()) throw new Failure(errno.ENOTDIR, 'open')
    const names: string[] = []
    const notUtf8: string[] = []
    for (const bytes of await call(fs.readdir(path, { encoding: 'buffer' }), 'open')) {
      const name = bytes.toString()
      ;(Buffer.from(name).equals(bytes) ? names : notUtf8).push(name)
    }
    const stats = await look(names.map((name) => pathOf(place, name)))
    const failed = stats.errnos.findIndex((number) => number !== 0)
    return {
      names,
      notUtf8,
      plain: undefined,
      distinct: false,
      kinds: stats.kinds,
      modes: stats.modes,
      sizes: stats.sizes,
      targets: stats.targets,
      errno: stats.errnos[failed] ?? 0,
      syscall: stats.syscall(failed),
      failedName: names[failed] ?? '',
      mode: status.mode & 0o7777,
      device: status.dev,
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { errno: number, syscall } = error
    return { ...emptyListing, errno: number, syscall, failedName: '', mode: 0, device: 0 }
  }
}
