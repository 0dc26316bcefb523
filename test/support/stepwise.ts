import type { Host, Outcomes } from '../../lib/host/host'
import { nameByName } from './name-by-name'
import { singles, type Job } from '../../lib/host/singles'

/** A host that is asked for one name after the other: what changes something comes in one fixed order. */
export function stepwise(host: Host): Host {
  const writing =
    <J extends Job, A extends unknown[]>(
      operation: (jobs: readonly J[], ...rest: A) => Promise<Outcomes>,
    ) =>
    async (jobs: readonly J[], ...rest: A): Promise<Outcomes> => {
      const outcomes: Outcomes[] = []
      for (const job of singles(jobs)) outcomes.push(await operation([job], ...rest))
      return {
        errnos: Int32Array.from(outcomes, ({ errnos }) => errnos[0] ?? 0),
        syscall: (index) => outcomes[index]?.syscall(0) ?? '',
      }
    }

  return {
    ...nameByName(host),
    clone: writing((jobs, options) => host.clone(jobs, options)),
    hardlink: writing((jobs) => host.hardlink(jobs)),
    copy: writing((jobs, options) => host.copy(jobs, options)),
    symlink: writing((jobs) => host.symlink(jobs)),
    mkdir: writing((jobs, exact) => host.mkdir(jobs, exact)),
    chmod: writing((jobs) => host.chmod(jobs)),
    copyTimes: writing((jobs) => host.copyTimes(jobs)),
    rename: writing((jobs, replace) => host.rename(jobs, replace)),
    exchange: writing((jobs) => host.exchange(jobs)),
    unlink: writing((jobs) => host.unlink(jobs)),
    rmdir: writing((jobs) => host.rmdir(jobs)),
  }
}
