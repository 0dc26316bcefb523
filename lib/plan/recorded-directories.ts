import { errno } from '../errno'
import {
  below,
  Kind,
  splitPath,
  type Host,
  type NamesJob,
  type Place,
  type Stats,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import { inGroups } from '../concurrency'

/** Why a directory that a manifest lists is not one any more. */
export type Absence = 'missing' | 'symlink' | 'other'

const namesPerCall = 512

/**
 * Which of these paths below dest, and of those above them, are not directories. What lies below such a one is `missing`, or
 * `other` below something else: nothing is ever looked for there, also where the host would follow a symlink.
 */
export async function absentDirectories(
  host: Host,
  dest: Place,
  paths: Iterable<string>,
): Promise<ReadonlyMap<string, Absence>> {
  const all = withAncestors(paths)
  const absent = new Map<string, Absence>()
  for (const group of inGroups(all, () => 1, namesPerCall)) {
    const jobs = group.map((path): NamesJob => {
      const { parent, name } = splitPath(path)
      return { to: below(dest, parent), names: [name] }
    })
    const stats = await host.stat(jobs)
    for (const [index, path] of group.entries()) {
      const above = absent.get(splitPath(path).parent)
      const absence = above === undefined ? absenceOf(jobs, stats, index) : belowAbsent(above)
      if (absence !== undefined) absent.set(path, absence)
    }
  }
  return absent
}

function belowAbsent(above: Absence): Absence {
  return above === 'missing' ? 'missing' : 'other'
}

/** Undefined for a directory. */
function absenceOf(jobs: readonly NamesJob[], stats: Stats, index: number): Absence | undefined {
  const kind = stats.kinds[index]
  if (kind === Kind.Directory) return undefined
  if (kind === Kind.Symlink || kind === Kind.OddLink) return 'symlink'
  if (kind !== Kind.Missing) return 'other'
  const number = stats.errnos[index] ?? 0
  // Somebody has changed what leads to it since the one above was looked at.
  if (number === errno.ENOTDIR || number === errno.ELOOP) return 'other'
  const errnos = stats.errnos.subarray(index, index + 1)
  const outcome = { errnos, syscall: () => stats.syscall(index) }
  throwIfFailed(jobs.slice(index, index + 1), outcome, errno.ENOENT)
  return 'missing'
}

/** Each after the one that holds it. */
function withAncestors(paths: Iterable<string>): string[] {
  const all = new Set<string>()
  for (const path of paths) {
    for (let at = path; at !== '' && !all.has(at); at = splitPath(at).parent) all.add(at)
  }
  return [...all].sort()
}
