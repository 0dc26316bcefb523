import type { FileOptions, Host, Outcomes } from './host'
import type { KeptAttributes } from './kept-attributes'

/** A host that does not set what dest's file system refuses to set. */
export function lenient(host: Host, kept: KeptAttributes): Host {
  const { placeTrees } = host
  const options = (given: FileOptions): FileOptions => ({
    ...given,
    times: given.times && !kept.refusesTimes,
    asMade: kept.refusesModes,
  })
  return {
    ...host,
    clone: (jobs, given) => host.clone(jobs, options(given)),
    copy: (jobs, given) => host.copy(jobs, options(given)),
    write: (jobs, given) => host.write(jobs, options(given)),
    ...(placeTrees && {
      placeTrees: (operation, jobs, given) => placeTrees(operation, jobs, options(given)),
    }),
    mkdir: (jobs, exact) => host.mkdir(jobs, exact && !kept.refusesModes),
    chmod: (jobs) => (kept.refusesModes ? nothingDone(jobs) : host.chmod(jobs)),
    copyTimes: (jobs) => (kept.refusesTimes ? nothingDone(jobs) : host.copyTimes(jobs)),
  }
}

function nothingDone(jobs: readonly { readonly names: readonly string[] }[]): Promise<Outcomes> {
  const names = jobs.reduce((sum, job) => sum + job.names.length, 0)
  return Promise.resolve({ errnos: new Int32Array(names), syscall: () => '' })
}
