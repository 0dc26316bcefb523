import { errno } from '../errno'
import { SystemError } from '../errors'
import { below, pathOf, type Directory, type Host, type Place } from '../host/host'
import { fromText, journalName, type MergeRecord } from '../record'

/** A record's text; undefined where there is none. */
export async function readRecord(
  host: Host,
  place: Place,
  name: string,
): Promise<string | undefined> {
  const { errno: number, syscall, text } = await host.readRecord(place, name)
  if (number === errno.ENOENT) return undefined
  if (number !== 0) throw new SystemError(number, { syscall, path: pathOf(place, name) })
  return text
}

/**
 * What the merge of a staging directory had begun to do; undefined where it had not begun, or had ended. Each record
 * stands for those before it. The last one may not be whole: then none of what it adds was begun.
 */
export async function lastRecord(
  host: Host,
  directory: Directory,
): Promise<MergeRecord | undefined> {
  const place = below({ base: directory, path: '' }, journalName)
  let last: MergeRecord | undefined
  for (let number = 0; ; number++) {
    const text = await readRecord(host, place, String(number))
    const record = text === undefined ? undefined : fromText(text)
    if (record === undefined) return last
    last = record
  }
}
