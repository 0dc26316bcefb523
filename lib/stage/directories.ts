import { entryOf, type Host, type PairJob } from '../host/host'
import { makeDirectories, throwIfFailed, type NewDirectory } from '../host/trees'
import { ownerAccess, placeOf, type PlanDirectory } from '../plan/plan'
import type { Staging } from './staging'

/** Makes the staged directories, level by level. */
export async function stageDirectories(
  host: Host,
  staging: Staging,
  levels: readonly PlanDirectory[][],
): Promise<void> {
  for (const level of levels) {
    const [root] = level
    if (root?.path === '') await makeRoot(host, staging, root)
    else await makeDirectories(host, staging.fresh, level.map(toMake))
    for (const directory of level) directory.staged = true
  }
}

/** Dest's own directory: `new/` mirrors an existing dest, else it is one of the names below it. */
async function makeRoot(host: Host, staging: Staging, root: PlanDirectory): Promise<void> {
  if (root.state === 'exists') return
  const { path } = staging.fresh
  await makeDirectories(host, staging.scratch, [{ path, mode: undefined }])
}

function toMake({ path, mode }: PlanDirectory): NewDirectory {
  return { path, mode: mode === undefined ? undefined : mode | ownerAccess }
}

/** Times of the staged directories, once nothing more is put into them. */
export async function copyDirectoryTimes(
  host: Host,
  staging: Staging,
  levels: readonly PlanDirectory[][],
): Promise<void> {
  const jobs: PairJob[] = levels.flat().flatMap((directory) => {
    const { origin, path, state } = directory
    if (origin === undefined || path === '' || state === 'exists') return []
    const from = entryOf(origin)
    const to = entryOf(placeOf(staging.fresh, directory))
    return [{ from: from.directory, names: [from.name], to: to.directory, toNames: [to.name] }]
  })
  throwIfFailed(jobs, await host.copyTimes(jobs))
}
