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
import { removeMovedAside } from './moved-aside'
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
 * nothing that is needed, unless it is kept. Anyone who calls it holds dest's lock, unless there is none.
 */
export async function undoMerge(host: Host, merge: Abandoned): Promise<UndoneMerge> {
  const { name, state } = merge
  if (state === '-begun') {
    const records = await recordsOf(host, merge)
    if (records.length === 0) throw new RecordError('it is missing')
    return takeBack(host, merge, records)
  }
  if (state === '-kept') {
    return { isUndone: false, name, left: [], isKept: await holdsAnything(host, merge) }
  }
  await restrict(host, merge)
  const isKept = await hasFilledAside(host, merge)
  return {
    isUndone: false,
    name: isKept ? await become(host, merge, '-kept') : name,
    left: [],
    isKept,
  }
}

/** Has somebody put something into a directory that a finished merge moved aside? All others of these are removed. */
async function hasFilledAside(host: Host, merge: Abandoned): Promise<boolean> {
  const records = await recordsOf(host, merge)
  const [first, last] = [records[0], records.at(-1)]
  if (first === undefined || last === undefined) return false
  const placeOf = placesOf(merge, last)
  return removeMovedAside(
    host,
    records,
    (path) => twinsAt(placeOf(path), first.prefix, path).replaced,
  )
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
  return records
}

async function takeBack(
  host: Host,
  merge: Abandoned,
  records: readonly MergeRecord[],
): Promise<UndoneMerge> {
  const { parent } = merge
  const [{ prefix } = { prefix: '' }] = records
  const placeOf = placesOf(merge, records.at(-1) as MergeRecord)
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

/** Which staging directory serves a directory of dest. `last`: the last record, which has all of them. */
function placesOf(merge: Abandoned, last: MergeRecord): (path: string) => Place {
  const stagings = stagingsOf(merge, last.stagings)
  const allocation = allocationOf(last)
  const main = mainOf(merge.directory)
  return (path) => stagings[allocation.of(path)] ?? main
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
