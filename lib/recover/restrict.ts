import { identityLength, Kind, splitPath, type Host, type NamesJob } from '../host/host'
import { throwIfFailed } from '../host/trees'
import { fromModesText, modesName, settledName } from '../record'
import type { Abandoned } from './find'
import { readRecord } from './read'

/**
 * Where one rename made dest and its merge was killed after it, dest is complete, but for directories that were published
 * with more access than they are to have: gives those their own mode, deepest first, as they were written down.
 */
export async function restrict(host: Host, { parent, directory }: Abandoned): Promise<void> {
  const staging = { base: directory, path: '' }
  const text = await readRecord(host, staging, modesName)
  if (text === undefined) return
  const { kinds: settled } = await host.stat([{ to: staging, names: [settledName] }])
  // It came upon a dest that was there, and has done all by itself.
  if (settled[0] !== Kind.Missing) return
  const restrictions = fromModesText(text)
  const jobs = restrictions.map(({ path, mode }): NamesJob => {
    const { parent: above, name } = splitPath(path)
    const to = { base: parent, path: above }
    return { to, names: [name], modes: Uint32Array.of(mode) }
  })
  const { modes, identities } = await host.stat(jobs)
  const loose = jobs.filter((_, index) => {
    const { dev, ino, mode } = restrictions[index] as (typeof restrictions)[number]
    const at = index * identityLength
    const isOurs = identities[at] === dev && identities[at + 1] === ino
    return isOurs && ((modes[index] ?? 0) & 0o777) !== mode
  })
  throwIfFailed(loose, await host.chmod(loose))
}
