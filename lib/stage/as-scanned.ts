import { ofTheMachine } from '../errno'
import { SystemError } from '../errors'
import { below, Kind, pathOf, type Host, type Listing, type Place } from '../host/host'
import type { TreeDirectory } from '../scan/tree'

const directoriesPerCall = 64

/**
 * Is a tree what the scan found: the same names, kinds, modes, sizes and symlinks, and nothing else? A directory that is
 * cloned has what came after the scan, too.
 */
export async function isAsScanned(host: Host, place: Place, tree: TreeDirectory): Promise<boolean> {
  const queue = [{ place, tree }]
  while (queue.length > 0) {
    const batch = queue.splice(0, directoriesPerCall)
    const listings = await host.list(batch.map((each) => each.place))
    for (const [index, each] of batch.entries()) {
      const listing = listings[index]
      throwIfOfMachine(listing, each.place)
      if (listing === undefined || !isSame(listing, each.tree)) return false
      for (const [name, child] of each.tree.directories) {
        queue.push({ place: below(each.place, name), tree: child })
      }
    }
  }
  return true
}

/** Whatever else a listing fails with tells that the place is not what it was. */
function throwIfOfMachine(listing: Listing | undefined, place: Place): void {
  if (listing === undefined || !ofTheMachine.has(listing.errno)) return
  const { errno, syscall, failedName } = listing
  throw new SystemError(errno, { syscall, path: pathOf(place, failedName) })
}

function isSame(listing: Listing, tree: TreeDirectory): boolean {
  const { errno, notUtf8, names, kinds, modes, sizes, targets } = listing
  // Also what a listing has of set-group-ID and sticky, which the scan's mode has not.
  if (errno !== 0 || notUtf8.length > 0 || listing.mode !== tree.mode) return false
  if (names.length !== tree.names.length + tree.directories.size) return false
  const indexes = new Map(tree.names.map((name, index) => [name, index]))
  return names.every((name, at) => {
    if (kinds[at] === Kind.Directory) return tree.directories.has(name)
    const index = indexes.get(name)
    if (index === undefined || kinds[at] !== tree.kinds[index]) return false
    if (kinds[at] === Kind.Symlink) return targets.get(at) === tree.targets.get(index)
    return modes[at] === tree.modes[index] && sizes[at] === tree.sizes[index]
  })
}
