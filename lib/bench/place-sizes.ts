import { copyFile, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { SystemError } from '../errors'
import { defaultHost } from '../host'
import type { Outcomes } from '../host/host'
import type { Method } from './result'

/** Files of one directory, each to be placed in another one. */
export interface SizesJob {
  readonly work: 'sizes'
  readonly method: Method
  readonly from: string
  readonly to: string
  readonly names: readonly string[]
}

/**
 * Places files one after the other: by the calls with which a merge stages them, without the merge around them,
 * as that would hide what one file costs.
 */
export async function placeSizes({ method, from, to, names }: SizesJob): Promise<void> {
  const jobs = [{ from: { base: from, path: '' }, to: { base: to, path: '' }, names }]
  const options = { writable: false, times: false, inKernelCopy: false }
  const check = ({ errnos, syscall }: Outcomes): void => {
    const failed = errnos.findIndex((number) => number !== 0)
    if (failed < 0) return
    const name = names[failed] ?? ''
    const [path, dest] = [join(from, name), join(to, name)]
    throw new SystemError(errnos[failed] ?? 0, { syscall: syscall(failed), path, dest })
  }
  switch (method) {
    case 'clone':
      check(await defaultHost.clone(jobs, options))
      return
    case 'hardlink':
      check(await defaultHost.hardlink(jobs))
      return
    case 'copy':
      check(await defaultHost.copy(jobs, options))
      return
    case 'fs.cp':
      for (const name of names) await cp(join(from, name), join(to, name))
      return
    case 'fs.copyFile':
      for (const name of names) await copyFile(join(from, name), join(to, name))
  }
}
