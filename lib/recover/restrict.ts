import { find } from '../commit/standing'
import { splitPath, type Host, type NamesJob } from '../host/host'
import { throwIfFailed } from '../host/trees'
import { fromModesText, isSame, modesName } from '../records'
import type { Abandoned } from './find'
import { readRecord } from './mark'

/**
 * Where one rename made dest and its merge was killed after it, dest is complete, but for directories that were published
 * with more access than they are to have: gives those their own mode, deepest first, as they were written down.
 */
export async function restrict(host: Host, { parent, directory }: Abandoned): Promise<void> {
  const staging = { base: directory, path: '' }
  const text = await readRecord(host, staging, modesName)
  if (text === undefined) return
  const restrictions = fromModesText(text)
  const jobs = restrictions.map(({ path, mode }): NamesJob => {
    const { parent: above, name } = splitPath(path)
    const to = { base: parent, path: above }
    return { to, names: [name], modes: Uint32Array.of(mode) }
  })
  const found = await find(host, jobs)
  const loose = jobs.filter((_, index) => {
    const [now, known] = [found[index], restrictions[index]]
    if (now === undefined || known === undefined || !now.isDirectory) return false
    return isSame(known.identity, now) === true && (now.mode & 0o777) !== known.mode
  })
  throwIfFailed(loose, await host.chmod(loose))
}
