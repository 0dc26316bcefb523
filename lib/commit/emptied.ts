import { errno } from '../errno'
import { SystemError } from '../errors'
import { pathOf, type Host, type Place } from '../host/host'
import { emptyOnes } from '../host/trees'

/** Throws where somebody has put something into directories that were empty when they gave way. */
export async function throwIfFilled(host: Host, places: readonly Place[]): Promise<void> {
  const empty = await emptyOnes(host, places)
  const other = places.find((place) => !empty.has(place))
  if (other !== undefined) throw filled(other)
}

export function filled(place: Place): SystemError {
  const hint =
    'Another process put something into a directory of dest that was about to be replaced or removed: merge again'
  return new SystemError(errno.ENOTEMPTY, { syscall: 'rename', path: pathOf(place), hint })
}
