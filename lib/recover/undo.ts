import { randomBytes } from 'node:crypto'
import type { Left } from '../commit/left'
import { TakeBack } from '../commit/take-back'
import { firstOf } from '../errors'
import { below, joinPath, Kind, type Directory, type Host, type Place } from '../host/host'
import { throwIfFailed } from '../host/trees'
import {
  fromText,
  journalName,
  nestedNameOf,
  readStagingName,
  RecordError,
  replacedName,
  stagingNameOf,
  type MergeRecord,
  type StagingState,
} from '../records'
import { allocationOf, nestedIn, twinsAt } from '../stage/nested'
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
  const stagings = stagingsOf(merge, records.at(-1)?.stagings ?? [])
  const allocation = allocationOf(records.at(-1) as MergeRecord)
  const main = mainOf(directory)
  const placeOf = (path: string): Place => stagings[allocation.of(path)] ?? main
  const taken = new Map<Place, Promise<Place>>()
  const back = new TakeBack(host, {
    dest: { base: parent, path: '' },
    twins: (path) => twinsAt(placeOf(path), prefix, path),
    taken: (path) => {
      const place = placeOf(path)
      const made = taken.get(place) ?? takenPlace(host, place)
      taken.set(place, made)
      return made
    },
  })
  await back.run(records.map(({ round }) => round))
  const { left, failures, isKept } = back
  if (failures.length > 0) throw firstOf([...failures, ...left.map(({ error }) => error)])
  // What is left is only to be removed, also where this process is killed meanwhile.
  const name = await become(host, merge, isKept ? '-kept' : '')
  return { isUndone: true, name, left, isKept }
}

function mainOf(directory: Directory): Place {
  return { base: directory, path: '' }
}

/** By number: the main one, and those inside directories of dest, which holds the main one by now. */
function stagingsOf(
  { name, parent, directory }: Abandoned,
  stagings: MergeRecord['stagings'],
): Place[] {
  const { id = '' } = readStagingName(name) ?? {}
  return stagings.map(({ path }, number) => {
    if (number === 0) return mainOf(directory)
    return { base: parent, path: joinPath(path, nestedNameOf(id)) }
  })
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
async function holdsAnything(host: Host, merge: Abandoned): Promise<boolean> {
  const main = mainOf(merge.directory)
  const nested = await nestedIn(host, main)
  const all = [main, ...nested.map((path): Place => ({ base: merge.parent, path }))]
  const waiting = all.flatMap((place) => [below(place, replacedName), below(place, 'taken')])
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
