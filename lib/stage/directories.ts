import { walk } from '../traversal'
import { entryOf, ownerAccess, type Host, type PairJob } from '../host/host'
import { makeDirectories, throwIfFailed, type NewDirectory } from '../host/trees'
import { inGroups } from '../lanes'
import { placeOf, type PlanDirectory } from '../plan/plan'
import { isUnchanged } from '../plan/whole-directory'
import type { StageTarget } from './staging'

const jobsPerCall = 512

/** Makes the staged directories, level by level. */
export async function stageDirectories(
  { host, concurrency }: { readonly host: Host; readonly concurrency: number },
  staging: StageTarget,
  levels: readonly PlanDirectory[][],
): Promise<void> {
  for (const level of levels) {
    const [root] = level
    if (root?.path === '') await makeRoot(host, staging, root)
    else await makeDirectories(host, staging.fresh, level.map(toMake), { lanes: concurrency })
    for (const directory of level) directory.staged = true
  }
}

/** Dest's own directory: `new/` mirrors an existing dest, else it is one of the names below it. */
async function makeRoot(host: Host, staging: StageTarget, root: PlanDirectory): Promise<void> {
  if (root.state === 'exists') return
  const { path } = staging.fresh
  await makeDirectories(host, staging.scratch, [{ path, mode: undefined }])
}

function toMake({ path, mode }: PlanDirectory): NewDirectory {
  return { path, mode: mode === undefined ? undefined : mode | ownerAccess }
}

/** Times of the staged directories, once nothing more is put into them for now. */
export async function copyDirectoryTimes(
  host: Host,
  staging: StageTarget,
  root: PlanDirectory,
): Promise<void> {
  const jobs: PairJob[] = []
  walk({ directory: root, inside: false }, ({ directory, inside }) => {
    const { origin, path, state, staged } = directory
    // Below a directory that dest lacks everything is new, whatever was found there before.
    const isNew = inside || state === 'new' || state === 'replace'
    if (isNew && staged && origin !== undefined && path !== '') {
      const from = entryOf(origin)
      const to = entryOf(placeOf(staging.fresh, directory))
      jobs.push({ from: from.directory, names: [from.name], to: to.directory, toNames: [to.name] })
    }
    if (state === 'published' || state === 'keep' || isUnchanged(directory)) return undefined
    return Array.from(directory.directories.values(), (child) => {
      return { directory: child, inside: isNew }
    })
  })
  for (const some of inGroups(jobs, () => 1, jobsPerCall))
    throwIfFailed(some, await host.copyTimes(some))
}
