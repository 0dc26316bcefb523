/** What the jobs of all operations have. */
export interface Job {
  readonly names: readonly string[]
  readonly toNames?: readonly string[]
  readonly targets?: readonly string[]
  readonly modes?: Uint32Array
  readonly contents?: readonly Uint8Array[]
}

/** Jobs of one name each, in the order of the outcomes. */
export function singles<J extends Job>(jobs: readonly J[]): J[] {
  return jobs.flatMap((job) =>
    job.names.map((_, index) => {
      const one = <T>(list: readonly T[]): T[] => list.slice(index, index + 1)
      return {
        ...job,
        names: one(job.names),
        ...(job.toNames && { toNames: one(job.toNames) }),
        ...(job.targets && { targets: one(job.targets) }),
        ...(job.contents && { contents: one(job.contents) }),
        ...(job.modes && { modes: job.modes.slice(index, index + 1) }),
      }
    }),
  )
}
