import { placeSizes, type SizesJob } from './place-sizes'
import { placeTree, type TreeJob } from './place-tree'

/** What a process of its own does, so that CPU time is that of the work alone. */
export type Job = SizesJob | TreeJob

/** What it tells of each job: its time, or why it failed. */
export type Told =
  | { readonly ms: number; readonly user: number; readonly system: number }
  | { readonly failed: string }

async function measured(job: Job): Promise<Told> {
  const before = process.resourceUsage()
  const start = performance.now()
  try {
    await (job.work === 'tree' ? placeTree(job) : placeSizes(job))
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
  const ms = performance.now() - start
  const after = process.resourceUsage()
  return {
    ms,
    user: (after.userCPUTime - before.userCPUTime) / 1000,
    system: (after.systemCPUTime - before.systemCPUTime) / 1000,
  }
}

// What a signal means is for the process to decide that has started this one, and ends it by disconnecting.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
process.on('message', (job: Job) => {
  void measured(job).then((told) => process.send?.(told))
})
