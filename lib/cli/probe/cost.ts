import {
  pathOf,
  type FileOptions,
  type Host,
  type Outcomes,
  type PairJob,
  type Place,
} from '../../host/host'
import { throwIfFailed } from '../../host/trees'
import type { LinkMode } from '../../index'
import type { File } from '../../probe'
import { median } from './median'

// For a median; of what takes long, fewer.
const rounds = 9
const fewestRounds = 3
const longest = 1_000
const mostFiles = 64
// A copy of a big file takes long enough to be measured by a few.
const mostBytes = 4 << 20

const options: FileOptions = { writable: false, times: false, inKernelCopy: false }

/** What a file costs, placed by this mode: µs, the median of some rounds of some files each. */
export async function costOf(
  host: Host,
  mode: LinkMode,
  file: File,
  size: number,
  to: Place,
): Promise<number> {
  const count = Math.max(1, Math.min(mostFiles, Math.floor(mostBytes / Math.max(size, 1))))
  const toNames = Array.from({ length: count }, (_, index) => `${mode}-${index}`)
  const costs: number[] = []
  const begun = performance.now()
  while (costs.length < rounds) {
    const started = performance.now()
    if (costs.length >= fewestRounds && started - begun > longest) break
    await place(host, mode, file, to, toNames)
    costs.push(((performance.now() - started) * 1000) / count)
    const made = [{ to, names: toNames }]
    throwIfFailed(made, await host.unlink(made))
  }
  return median(costs)
}

/** The file under each of these names. */
export async function place(
  host: Host,
  mode: LinkMode,
  { directory, name }: File,
  to: Place,
  toNames: readonly string[],
): Promise<void> {
  const jobs = [{ from: directory, names: toNames.map(() => name), to, toNames }]
  throwIfFailed(jobs, await run(host, mode, jobs, pathOf(directory, name)))
}

function run(host: Host, mode: LinkMode, jobs: PairJob[], target: string): Promise<Outcomes> {
  switch (mode) {
    case 'clone':
      return host.clone(jobs, options)
    case 'hardlink':
      return host.hardlink(jobs)
    case 'copy':
      return host.copy(jobs, options)
    case 'symlink':
      return host.symlink(
        jobs.map(({ to, toNames = [] }) => ({
          to,
          names: toNames,
          targets: toNames.map(() => target),
        })),
      )
  }
}
