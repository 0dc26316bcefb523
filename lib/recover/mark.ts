import { errno } from '../errno'
import { SystemError } from '../errors'
import { Kind, pathOf, type Directory, type Host, type Place } from '../host/host'
import { find, type Standing } from '../commit/standing'
import { firstLine, fromMarkText, markName, type Mark } from '../records'

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
  /** Undefined where it was not written to its end, so that its merge had not begun. */
  readonly mark: Mark | undefined
}

// More than a mark ever has.
const mostMarkBytes = 64 * 1024

/**
 * A staging directory names its own inode in its mark: what was copied, or came in a package, does not match. Undefined
 * where it has gone.
 */
export async function readMark(
  host: Host,
  parent: Directory,
  name: string,
  id: string,
  directory: Directory,
): Promise<Marked | undefined> {
  const [now] = await find(host, [{ to: { base: parent, path: '' }, names: [name] }])
  if (now === undefined) return undefined
  const place = { base: directory, path: '' }
  const { kinds, sizes } = await host.stat([{ to: place, names: [markName] }])
  const isReadable = kinds[0] === Kind.File && (sizes[0] ?? 0) <= mostMarkBytes
  const text = isReadable ? await readRecord(host, place, markName) : undefined
  const line = firstLine(id, now)
  if (text !== undefined && isMarked(text, id, now)) {
    return { kind: 'ours', mark: parsed(text.slice(text.indexOf('\n') + 1)) }
  }
  const isTorn = text === undefined ? kinds[0] === Kind.Missing : line.startsWith(text)
  const isEmpty = isTorn && (await holdsNothing(host, place))
  return { kind: isEmpty ? 'scrap' : 'foreign', mark: undefined }
}

/** A host that cannot ask for the file handle goes by the rest, and so does one for which nobody could. */
function isMarked(text: string, id: string, now: Standing): boolean {
  const line = text.slice(0, text.indexOf('\n') + 1)
  const withoutHandle = { ...now, handle: 0n }
  const [, , identity = ''] = line.trimEnd().split(' ')
  const known = firstLine(id, now) === line || firstLine(id, withoutHandle) === line
  if (known) return true
  // Marked with its handle, and looked at without.
  const [ino, birth] = identity.split('.')
  return (
    now.handle === 0n &&
    now.birth !== 0n &&
    firstLine(id, withoutHandle) === `reflink-merge ${id} ${String(ino)}.${String(birth)}.0\n`
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

async function holdsNothing(host: Host, place: Place): Promise<boolean> {
  const [listing] = await host.list([place])
  if (listing?.errno !== 0 || listing.notUtf8.length > 0) return false
  return listing.names.every((name) => name === markName)
}
