import { errno } from '../errno'
import { SystemError } from '../errors'
import { Kind, pathOf, type Directory, type Host, type Place } from '../host/host'
import { find } from '../commit/standing'
import { isClaimName } from './claim-names'
import { fromMarkText, readMarkName, type Identity, type Mark } from '../records'

/** A record's text; undefined where there is none. */
export async function readRecord(
  host: Host,
  place: Place,
  name: string,
): Promise<string | undefined> {
  const { kinds } = await host.stat([{ to: place, names: [name] }])
  // A fifo would keep us waiting.
  if (kinds[0] !== Kind.File) return undefined
  const { errno: number, syscall, text } = await host.readRecord(place, name)
  if (number === errno.ENOENT) return undefined
  if (number !== 0) throw new SystemError(number, { syscall, path: pathOf(place, name) })
  return text
}

/** What a directory with the name of a staging directory is. */
export interface Marked {
  /** `ours`: this library made this very directory; `scrap`: perhaps it has, and there is nothing in it; else it is another's. */
  readonly kind: 'ours' | 'scrap' | 'foreign'
  /** Undefined where it was not written to its end, or a power cut took it. */
  readonly mark: Mark | undefined
}

// More than a mark ever has.
const mostMarkBytes = 64 * 1024

/**
 * A staging directory names its own identity in its mark: what was copied, or came in a package, does not match. Undefined
 * where it has gone.
 */
export async function readMark(
  host: Host,
  parent: Directory,
  name: string,
  directory: Directory,
): Promise<Marked | undefined> {
  const [now] = await find(host, [{ to: { base: parent, path: '' }, names: [name] }])
  if (now === undefined) return undefined
  const place = { base: directory, path: '' }
  const [listing] = await host.list([place])
  if (listing === undefined || listing.errno === errno.ENOENT) return undefined
  const { names, kinds, sizes, notUtf8, errno: number, syscall } = listing
  if (number !== 0) throw new SystemError(number, { syscall, path: directory.path })
  const index = names.findIndex((each) => isMarkOf(each, now))
  if (index >= 0 && kinds[index] === Kind.File) {
    const isReadable = (sizes[index] ?? 0) <= mostMarkBytes
    const text = isReadable ? await readRecord(host, place, names[index] ?? '') : undefined
    return { kind: 'ours', mark: text === undefined ? undefined : parsed(text) }
  }
  // A recovery that was killed may have left its claim in it.
  const isEmpty = names.every(isClaimName) && notUtf8.length === 0
  return { kind: isEmpty ? 'scrap' : 'foreign', mark: undefined }
}

/** A host that cannot ask for the file handle goes by the rest, and so does one for which nobody could. */
function isMarkOf(name: string, now: Identity): boolean {
  const known = readMarkName(name)
  if (known?.ino !== now.ino || known.birth !== now.birth) return false
  return (
    known.handle === now.handle || known.handle === 0n || (now.handle === 0n && now.birth !== 0n)
  )
}

/** A mark that was not written to its end is none yet. */
function parsed(text: string): Mark | undefined {
  try {
    return fromMarkText(text)
  } catch {
    return undefined
  }
}
