import { errno } from '../errno'
import { Kind, type Outcomes, type PairJob, type Stats } from './host'
import { singles } from './singles'

interface Calls {
  /** renameat2(RENAME_NOREPLACE) or its like. */
  readonly exclusive: (jobs: readonly PairJob[]) => Promise<Outcomes>
  readonly replacing: (jobs: readonly PairJob[]) => Promise<Outcomes>
  readonly stat: (jobs: readonly PairJob[]) => Promise<Stats>
}

// FUSE and NFS answer EINVAL even for a free name; kernels before 3.15 and some sandboxes lack the call.
const cannot: ReadonlySet<number> = new Set([errno.EINVAL, errno.ENOSYS])

/**
 * Renames that never replace. Where the file system cannot do it in one step, the name is looked up first:
 * then dest's lock alone keeps others from taking it in between.
 */
export async function renameNoReplace(jobs: readonly PairJob[], calls: Calls): Promise<Outcomes> {
  const outcomes = await calls.exclusive(jobs)
  if (!outcomes.errnos.some((number) => cannot.has(number))) return outcomes
  const errnos = outcomes.errnos.slice()
  const late = new Map<number, string>()
  for (const [index, job] of singles(jobs).entries()) {
    if (!cannot.has(errnos[index] ?? 0)) continue
    const { kinds, errnos: failed, syscall } = await calls.stat([job])
    let again: Outcomes = { errnos: failed, syscall }
    if (failed[0] === 0 && kinds[0] === Kind.Missing) again = await calls.replacing([job])
    else if (failed[0] === 0)
      again = { errnos: Int32Array.of(errno.EEXIST), syscall: () => 'rename' }
    errnos[index] = again.errnos[0] ?? 0
    late.set(index, again.syscall(0))
  }
  return { errnos, syscall: (index) => late.get(index) ?? outcomes.syscall(index) }
}
