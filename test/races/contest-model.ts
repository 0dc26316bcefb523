import type { Contender, Counts, Event } from '../support/contenders'

/** What a merge of the contest brings: path → text. */
export type Contents = ReadonlyMap<string, string>

/** A merge as it went. */
export interface Played {
  readonly contender: Contender
  readonly contents: Contents
  /** The file that this merge alone has: it stands in dest exactly if the merge took effect. */
  readonly mark: string
  readonly events: readonly Event[]
}

/** Plays merges one after the other, in memory. */
export class Model {
  readonly tree = new Map<string, string>()

  play(contents: Contents, existing: string): Counts | 'conflict' {
    const counts: Counts = { created: 0, replaced: 0, kept: 0, unchanged: 0 }
    const next = new Map<string, string>()
    for (const [at, text] of contents) {
      const held = this.tree.get(at)
      if (held === text) counts.unchanged++
      else if (held !== undefined && existing === 'error') return 'conflict'
      else if (held !== undefined && existing === 'keep') counts.kept++
      else {
        next.set(at, text)
        counts[held === undefined ? 'created' : 'replaced']++
      }
    }
    for (const [at, text] of next) this.tree.set(at, text)
    return counts
  }
}

/**
 * The order in which merges had dest's lock for their commit, for those that took effect. That of the one that made
 * dest comes first: it needed no lock.
 */
export function serialOrder(played: readonly Played[], marks: ReadonlySet<string>): Played[] {
  const effective = played.filter(({ mark }) => marks.has(mark))
  const turn = new Map(effective.map((each) => [each, turnOf(each)]))
  return effective.sort((a, b) => ((turn.get(a) ?? 0n) < (turn.get(b) ?? 0n) ? -1 : 1))
}

function turnOf({ events }: Played): bigint {
  const locked = events.flatMap((event) => (event.what === 'locked' ? [BigInt(event.at)] : []))
  return locked.at(-1) ?? 0n
}
