import fs from 'node:fs'

import { errno, errnoOf } from '../../lib/errno'
import {
  below,
  eachName,
  Kind,
  pathOf,
  type Host,
  type Outcomes,
  type PairJob,
  type Place,
} from '../../lib/host/host'
import { isName } from '../../lib/host/names'
import { removeTree } from '../../lib/host/trees'

/** What a simulated system has done so far. */
export interface Clones {
  /** Directories that were cloned. */
  made: number
  /** Those that went on to their place in the staged tree. */
  used: number
}

export interface ClonefileHooks {
  /** Called with the source's path before a directory is cloned: a time to change it, or to fail with an errno. */
  readonly before?: (src: string) => number | undefined
  /** Called with the clone's path once it stands. */
  readonly after?: (dest: string) => void
}

class CloneFailed extends Error {
  constructor(readonly errno: number) {
    super('clonefile')
  }
}

/**
 * A host on Linux whose directories can be cloned as man 2 clonefile says: at once or not at all, EEXIST where the
 * name is taken, symlinks themselves, modes and times kept but for set-user-ID and set-group-ID of files, with
 * whatever lies in the source by then; ENOTSUP or EXDEV where the file system does not clone. Extended
 * attributes and owners are not simulated.
 */
export function clonefileHost(base: Host, hooks: ClonefileHooks = {}): Host & { clones: Clones } {
  const clones: Clones = { made: 0, used: 0 }
  let temporary = 0

  async function cloneOne(from: Place, name: string, to: Place, toName: string): Promise<void> {
    if (!isName(name) || !isName(toName)) throw new CloneFailed(errno.EINVAL)
    const [src, dest] = [pathOf(from, name), pathOf(to, toName)]
    const failure = hooks.before?.(src)
    if (failure !== undefined) throw new CloneFailed(failure)
    if (`${dest}/`.startsWith(`${src}/`)) throw new CloneFailed(errno.EINVAL)
    const taken = await base.stat([{ to, names: [toName] }])
    throwFirst(taken)
    if (taken.kinds[0] !== Kind.Missing) throw new CloneFailed(errno.EEXIST)
    const hidden = `.clonefile-${String(temporary++)}`
    try {
      await cloneEntry(from, name, to, hidden)
      const job = { from: to, to, names: [hidden], toNames: [toName] }
      throwFirst(await base.rename([job], false))
    } catch (error) {
      await removeEntry(to, hidden)
      throw error
    }
    clones.made++
    hooks.after?.(dest)
  }

  async function cloneEntry(from: Place, name: string, to: Place, toName: string): Promise<void> {
    const { kinds, modes, targets, errnos } = await base.stat([{ to: from, names: [name] }])
    throwFirst({ errnos })
    const job: PairJob = { from, to, names: [name], toNames: [toName] }
    const mode = modes[0] ?? 0
    if (kinds[0] === Kind.Missing) throw new CloneFailed(errno.ENOENT)
    if (kinds[0] === Kind.File) {
      const kept = { writable: false, times: true, inKernelCopy: false }
      throwFirst(await base.clone([job], kept))
      if ((mode & 0o1000) !== 0) fs.chmodSync(pathOf(to, toName), mode & 0o1777)
    } else if (kinds[0] === Kind.Symlink) {
      throwFirst(await base.symlink([{ to, names: [toName], targets: [targets.get(0) ?? ''] }]))
      throwFirst(await base.copyTimes([job]))
    } else if (kinds[0] === Kind.Directory) {
      const made = { to, names: [toName], modes: Uint32Array.of(0o700) }
      throwFirst(await base.mkdir([made], true))
      const [inner, outer] = [below(from, name), below(to, toName)]
      for (const each of fs.readdirSync(pathOf(inner))) await cloneEntry(inner, each, outer, each)
      fs.chmodSync(pathOf(outer), mode)
      throwFirst(await base.copyTimes([job]))
    } else {
      throw new CloneFailed(errno.ENOTSUP)
    }
  }

  async function removeEntry(at: Place, name: string): Promise<void> {
    const { kinds } = await base.stat([{ to: at, names: [name] }])
    if (kinds[0] === Kind.Directory) await removeTree(base, at, name)
    else if (kinds[0] !== Kind.Missing) await base.unlink([{ to: at, names: [name] }])
  }

  return {
    ...base,
    clones,
    async cloneDirectory(jobs): Promise<Outcomes> {
      const errnos: number[] = []
      for (const { job, name, position } of eachName(jobs)) {
        const toName = job.toNames?.[position] ?? name
        errnos.push(await numberOf(cloneOne(job.from, name, job.to, toName)))
      }
      return { errnos: Int32Array.from(errnos), syscall: () => 'clonefile' }
    },
    rename(jobs, replace) {
      clones.used += jobs.flatMap(({ names }) => names).filter(isClone).length
      return base.rename(jobs, replace)
    },
  }
}

const isClone = (name: string): boolean => /^clone-\d+$/.test(name)

function throwFirst({ errnos }: Pick<Outcomes, 'errnos'>): void {
  const failed = errnos.find((number) => number !== 0)
  if (failed !== undefined) throw new CloneFailed(failed)
}

async function numberOf(work: Promise<void>): Promise<number> {
  try {
    await work
    return 0
  } catch (error) {
    const number = error instanceof CloneFailed ? error.errno : errnoOf(error)
    if (number === undefined) throw error
    return number
  }
}
