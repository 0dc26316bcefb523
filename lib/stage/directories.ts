import { walk } from '../traversal'
import { entryOf, ownerAccess, type Host, type PairJob, type Place } from '../host/host'
import { makeDirectories, throwIfFailed, type NewDirectory } from '../host/trees'
import { inGroups } from '../concurrency'
import { placeOf, type PlanDirectory } from '../plan/plan'
import { isUnchanged } from '../plan/whole-directory'
import type { StagePlaces } from './stage'
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
    else
      await makeDirectories(host, staging.fresh, level.map(toMake), {
        concurrencyLimit: concurrency,
      })
    for (const directory of level) directory.staged = true
  }
}

/**
 * Dest's own directory, where it is missing: its mode is that of the source's root that is merged into it. Where dest is
 * there, `new/` mirrors it.
 */
async function makeRoot(host: Host, staging: StageTarget, root: PlanDirectory): Promise<void> {
  if (root.state === 'exists') return
  const { path } = staging.fresh
  await makeDirectories(host, staging.scratch, [{ ...toMake(root), path }])
}

function toMake({ path, mode }: PlanDirectory): NewDirectory {
  return { path, mode: mode === undefined ? undefined : mode | ownerAccess }
}

/** Times of the staged directories, once nothing more is put into them for now. */
export async function copyDirectoryTimes(
  host: Host,
  { allocation, target }: StagePlaces,
  root: PlanDirectory,
): Promise<void> {
  const found: { readonly directory: PlanDirectory; readonly origin: Place }[] = []
  walk({ directory: root, inside: false }, ({ directory, inside }) => {
    const { origin, state, staged } = directory
    // Below a directory that dest lacks everything is new, whatever was found there before.
    const isNew = inside || state === 'new' || state === 'replace'
    if (isNew && staged && origin !== undefined) found.push({ directory, origin })
    if (state === 'published' || state === 'keep' || isUnchanged(directory)) return undefined
    return Array.from(directory.directories.values(), (child) => {
      return { directory: child, inside: isNew }
    })
  })
  for (const some of inGroups(found, () => 1, jobsPerCall)) {
    const jobs: PairJob[] = []
    for (const { directory, origin } of some) {
      const { fresh } = await target(allocation.of(directory.path))
      const from = entryOf(origin)
      const to = entryOf(placeOf(fresh, directory))
      jobs.push({ from: from.directory, names: [from.name], to: to.directory, toNames: [to.name] })
    }
    throwIfFailed(jobs, await host.copyTimes(jobs))
  }
}
