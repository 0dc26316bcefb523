import { randomBytes } from 'node:crypto'
import type { Left } from '../commit/left'
import { TakeBack } from '../commit/take-back'
import { firstOf } from '../errors'
import { below, joinPath, Kind, type Host, type Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import {
  freshName,
  fromText,
  journalName,
  readStagingName,
  RecordError,
  replacedName,
  stagingNameOf,
  type MergeRecord,
  type StagingState,
} from '../records'
import { takenPlace } from '../stage/staging'
import type { Abandoned } from './find'
import { readRecord } from './mark'
import { restrict } from './restrict'

export interface UndoneMerge {
  /** There was something to put back. */
  readonly isUndone: boolean
  /** Name of the staging directory by now. */
  readonly name: string
  /** What stays in dest, since somebody else has a hand in it. */
  readonly left: readonly Left[]
  /** The staging directory holds something that had no place to go to. */
  readonly isKept: boolean
}

/**
 * Puts dest back to what it was before the merge. Where one rename made dest, it is complete. The staging directory then holds
 * nothing that is needed, unless it is kept. Whoever calls it holds dest's lock, unless there is none.
 */
export async function undoMerge(host: Host, merge: Abandoned): Promise<UndoneMerge> {
  const { name, state } = merge
  if (state === '-begun') return takeBack(host, merge, await recordsOf(host, merge))
  if (state === '-kept') {
    return { isUndone: false, name, left: [], isKept: await holdsAnything(host, merge) }
  }
  await restrict(host, merge)
  return { isUndone: false, name, left: [], isKept: false }
}

/** One a round, in order. */
async function recordsOf(host: Host, { directory }: Abandoned): Promise<MergeRecord[]> {
  const place = below({ base: directory, path: '' }, journalName)
  const records: MergeRecord[] = []
  for (let number = 0; ; number++) {
    const text = await readRecord(host, place, String(number))
    if (text === undefined) break
    records.push(fromText(text))
  }
  if (records.length === 0) throw new RecordError('it is missing')
  return records
}

async function takeBack(
  host: Host,
  merge: Abandoned,
  records: readonly MergeRecord[],
): Promise<UndoneMerge> {
  const { directory, parent } = merge
  const [{ prefix } = { prefix: '' }] = records
  const twin = (tree: string, path: string): Place =>
    below({ base: directory, path: tree }, joinPath(prefix, path))
  let taken: Promise<Place> | undefined
  const back = new TakeBack(host, {
    dest: { base: parent, path: '' },
    twins: (path) => ({ fresh: twin(freshName, path), replaced: twin(replacedName, path) }),
    taken: () => (taken ??= takenPlace(host, directory)),
  })
  await back.run(records.map(({ round }) => round))
  const { left, failures, isKept } = back
  if (failures.length > 0) throw firstOf([...failures, ...left.map(({ error }) => error)])
  // What is left is only to be removed, also where this process is killed meanwhile.
  const name = await become(host, merge, isKept ? '-kept' : '')
  return { isUndone: true, name, left, isKept }
}

async function become(host: Host, merge: Abandoned, state: StagingState): Promise<string> {
  const at = { base: merge.parent, path: '' }
  const id = readStagingName(merge.name)?.id ?? randomBytes(8).toString('hex')
  const name = stagingNameOf(id, state)
  const jobs = [{ from: at, to: at, names: [merge.name], toNames: [name] }]
  throwIfFailed(jobs, await host.rename(jobs, false))
  merge.directory.path = `${merge.parent.path}/${name}`
  return name
}

/** Does anything but directories lie where things are kept? */
async function holdsAnything(host: Host, { directory }: Abandoned): Promise<boolean> {
  const waiting = [replacedName, 'taken'].map((path): Place => ({ base: directory, path }))
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const [listing] = await host.list([place])
    if (listing === undefined || listing.errno !== 0) continue
    const { names, kinds, notUtf8 } = listing
    if (notUtf8.length > 0) return true
    for (const [index, name] of names.entries()) {
      if (kinds[index] !== Kind.Directory) return true
      waiting.push(below(place, name))
    }
  }
  return false
}
