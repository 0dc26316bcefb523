import { walk } from '../traversal'
import { below, entryOf, joinPath, ownerAccess, type Host, type Place } from '../host/host'
import type { PlanDirectory } from '../plan/plan'
import { asWhole } from '../plan/whole-directory'
import type { Restriction } from '../records'
import { identify } from './standing'

/** What is left to do once one rename has made dest. `fresh` mirrors dest; `prefix`: the names that lead to it. */
export async function restrictionsOf(
  host: Host,
  root: PlanDirectory,
  { fresh, prefix }: { readonly fresh: Place; readonly prefix: string },
): Promise<Restriction[]> {
  const tight = toRestrict(root, true)
  if (tight.length === 0) return []
  const jobs = tight.map(({ path }) => {
    const { directory, name } = entryOf(below(fresh, path))
    return { to: directory, names: [name] }
  })
  const found = await identify(host, jobs)
  return tight.map(({ path, mode }, index) => {
    const identity = found[index] ?? { ino: 0n, birth: 0n, handle: 0n }
    return { path: joinPath(prefix, path), mode, identity }
  })
}

/** Directories that were published with more access than they are to have, deepest first. */
export function toRestrict(root: PlanDirectory, isOurs = false): { path: string; mode: number }[] {
  const found: { path: string; mode: number }[] = []
  walk({ directory: root, inside: isOurs }, ({ directory, inside }) => {
    // Their directories are as their owner needs them.
    if (asWhole(directory) !== undefined) return undefined
    const { path, mode, state, directories } = directory
    const ours = inside || state === 'published'
    const isTight = mode !== undefined && (mode & ownerAccess) !== ownerAccess
    if (ours && state !== 'keep' && isTight) found.push({ path, mode })
    return Array.from(directories.values(), (child) => ({ directory: child, inside: ours }))
  })
  return found.reverse()
}
