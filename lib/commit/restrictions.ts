import {
  below,
  entryOf,
  identityLength,
  joinPath,
  ownerAccess,
  type Host,
  type Place,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import type { PlanDirectory } from '../plan/plan'
import { asWhole } from '../plan/whole-directory'
import type { Restriction } from '../record'

/** What is left to do once one rename has made dest. `fresh` mirrors dest; `prefix`: the names that lead to it. */
export async function restrictionsOf(
  host: Host,
  root: PlanDirectory,
  { fresh, prefix }: { readonly fresh: Place; readonly prefix: string },
): Promise<Restriction[]> {
  const tight = [...toRestrict(root, true)]
  if (tight.length === 0) return []
  const jobs = tight.map(({ path }) => {
    const { directory, name } = entryOf(below(fresh, path))
    return { to: directory, names: [name] }
  })
  const stats = await host.stat(jobs)
  throwIfFailed(jobs, stats)
  return tight.map(({ path, mode }, index) => {
    const [dev = 0n, ino = 0n] = stats.identities.subarray(index * identityLength)
    return { path: joinPath(prefix, path), mode, dev, ino }
  })
}

/** Directories that were published with more access than they are to have, deepest first. */
export function* toRestrict(
  directory: PlanDirectory,
  inside = false,
): Generator<{ path: string; mode: number }> {
  // Their directories are as their owner needs them.
  if (asWhole(directory) !== undefined) return
  const ours = inside || directory.state === 'published'
  for (const child of directory.directories.values()) yield* toRestrict(child, ours)
  const { path, mode, state } = directory
  if (!ours || state === 'keep' || mode === undefined) return
  if ((mode & ownerAccess) !== ownerAccess && path !== '') yield { path, mode }
}
