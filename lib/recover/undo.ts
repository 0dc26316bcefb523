import { foreignNames } from '../commit/foreign'
import { Journal } from '../commit/journal'
import { firstOf } from '../errors'
import {
  identityLength,
  Kind,
  ownerAccess,
  type Directory,
  type Host,
  type NamesJob,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import { freshName, journalName, settledName, type Intent, type MergeRecord } from '../record'
import type { Abandoned } from './find'
import { lastRecord } from './read'
import { restrict } from './restrict'

/**
 * Puts dest back to what it was before the merge; true if there was something to put back. Where one rename made dest, it
 * is complete. The staging directory then holds nothing that is needed. Whoever calls it holds dest's lock, unless there is
 * none.
 */
export async function undoMerge(host: Host, merge: Abandoned): Promise<boolean> {
  const record = await lastRecord(host, merge.directory)
  if (record === undefined) await restrict(host, merge)
  else await takeBack(host, merge, record)
  return record !== undefined
}

async function takeBack(host: Host, merge: Abandoned, record: MergeRecord): Promise<void> {
  const staging = { base: merge.directory, path: '' }
  const dest = { base: merge.parent, path: '' }
  const fresh = { ...staging, path: freshName }
  const replaced = { ...staging, path: 'old' }
  await loosen(host, dest, record.intents)
  const journal = new Journal(host, host, { fresh, replaced, dest })
  journal.assume(record.intents)
  const errors = await journal.undo()
  if (errors.length > 0) throw firstOf(errors)
  await foreignNames(host, fresh, record.holding)
  // What is left is only to be removed, also where this process is killed meanwhile.
  const jobs = [{ from: staging, to: staging, names: [journalName], toNames: [settledName] }]
  throwIfFailed(jobs, await host.rename(jobs, false))
}

/** A directory that got its own mode, without u+rwx, could not be moved. */
async function loosen(
  host: Host,
  dest: { base: Directory; path: string },
  intents: readonly Intent[],
): Promise<void> {
  const jobs = intents.map(({ path, name }) => ({ to: { ...dest, path }, names: [name] }))
  const { kinds, modes, identities } = await host.stat(jobs)
  const tight: NamesJob[] = []
  intents.forEach(({ dev, ino }, index) => {
    const at = index * identityLength
    const isOurs = identities[at] === dev && identities[at + 1] === ino
    const mode = modes[index] ?? 0
    if (!isOurs || kinds[index] !== Kind.Directory || (mode & ownerAccess) === ownerAccess) return
    tight.push({ ...(jobs[index] as NamesJob), modes: Uint32Array.of(mode | ownerAccess) })
  })
  throwIfFailed(tight, await host.chmod(tight))
}
