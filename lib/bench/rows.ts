import type { Measured, Row } from './result'
import type { Entry } from './rounds'
import { summarize, type Summary } from './statistics'
import type { TreeCount } from './tree-count'

/** An entry with its summaries. */
export function rowOf(entry: Entry, { files, bytes }: TreeCount): Row {
  const { task, blocks, failed, rounds } = entry
  const of = (value: (round: Measured) => number | null): Summary | null =>
    summarize(rounds.map(value).filter((each) => each !== null))
  return {
    ...{ ...task, files, bytes, blocks, failed, rounds },
    ms: of(({ ms }) => ms),
    filesPerSecond: of(({ ms }) => (files / ms) * 1000),
    megabytesPerSecond: of(({ ms }) => bytes / ms / 1000),
    user: of(({ user }) => user),
    system: of(({ system }) => system),
    syncMs: of(({ syncMs }) => syncMs),
    disk: of(({ disk }) => disk),
    data: of(({ data }) => data),
    removeMs: of(({ removeMs }) => removeMs),
  }
}
