import { pathOf, type Host, type Place } from '../host/host'
import { eachDirectory, namesOf, placeOf, type PlanDirectory } from '../plan/plan'

/**
 * What others put into directories of this merge while those stood in dest, and were then taken back with
 * them: paths in the staging directory. It is theirs, so it must not be removed with what is ours.
 */
export async function foreignEntries(
  host: Host,
  root: PlanDirectory,
  fresh: Place,
): Promise<string[]> {
  const found: string[] = []
  for (const top of publishedDirectories(root)) {
    for (const directory of eachDirectory(top)) {
      const place = placeOf(fresh, directory)
      const [listing] = await host.list([place])
      const ours = new Set(namesOf(directory))
      const theirs = (listing?.names ?? []).filter((name) => !ours.has(name))
      found.push(...theirs.map((name) => pathOf(place, name)))
    }
  }
  return found.sort()
}

function* publishedDirectories(directory: PlanDirectory): Generator<PlanDirectory> {
  if (directory.state === 'published') {
    yield directory
    return
  }
  for (const child of directory.directories.values()) yield* publishedDirectories(child)
}
