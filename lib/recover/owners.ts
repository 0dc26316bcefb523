import { randomBytes } from 'node:crypto'
import { fstatSync } from 'node:fs'
import { ownerAccess, type Directory, type Host } from '../host/host'
import { makeDirectories, throwIfFailed } from '../host/trees'
import { stagingNameOf } from '../records'

/** Does what this user makes in a directory belong to it? FAT, exFAT and some mounts give all to one user. */
export async function showsOwners(host: Host, parent: Directory, uid: number): Promise<boolean> {
  const at = { base: parent, path: '' }
  const name = stagingNameOf(randomBytes(8).toString('hex'), '')
  await makeDirectories(host, at, [{ path: name, mode: ownerAccess }])
  try {
    const directory = await host.open({ base: parent, path: name })
    try {
      return fstatSync(directory.fd).uid === uid
    } finally {
      await host.close(directory)
    }
  } finally {
    const jobs = [{ to: at, names: [name] }]
    throwIfFailed(jobs, await host.rmdir(jobs))
  }
}
