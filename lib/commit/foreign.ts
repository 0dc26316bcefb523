import { listSome } from '../errors'
import { below, pathOf, type Host, type Place } from '../host/host'
import { emptyOnes } from '../host/trees'

/** Entries of others that must not be removed with the staging directory in which they lie now. */
export class ForeignError extends Error {
  constructor(readonly paths: readonly string[]) {
    super(
      'others put files into directories that this merge has taken back; they were kept in:' +
        listSome(paths),
    )
  }
}

const directoriesPerCall = 64

/**
 * Throws where others put something into directories of this merge while those stood in dest, and were then taken
 * back with them. It is theirs, so it must not be removed with what is ours. `holding`: paths in `fresh`, and the
 * names that are ours there.
 */
export async function foreignNames(
  host: Host,
  fresh: Place,
  holding: readonly (readonly [path: string, names: readonly string[]])[],
): Promise<void> {
  const found: string[] = []
  for (let at = 0; at < holding.length; at += directoriesPerCall) {
    const some = holding.slice(at, at + directoriesPerCall)
    const listings = await host.list(some.map(([path]) => below(fresh, path)))
    for (const [index, [path, names]] of some.entries()) {
      const ours = new Set(names)
      const theirs = (listings[index]?.names ?? []).filter((name) => !ours.has(name))
      found.push(...theirs.map((name) => pathOf(below(fresh, path), name)))
    }
  }
  if (found.length > 0) throw new ForeignError(found.sort())
}

/** Throws where somebody has put something into directories that were empty when they gave way. */
export async function throwIfFilled(host: Host, places: readonly Place[]): Promise<void> {
  const empty = await emptyOnes(host, places)
  const filled = places.filter((place) => !empty.has(place))
  if (filled.length > 0) throw new ForeignError(filled.map((place) => pathOf(place)).sort())
}
