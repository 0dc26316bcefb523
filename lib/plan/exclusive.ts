import { isUnanimous } from './equal-groups'
import type { Candidate } from './candidates'
import { among, type SharedName } from './shared-name'
import { eachMergedDirectory, type MergedDirectory } from './merged-directory'
import { Rivals } from './rivals'

/** Some disagree, in a directory or below it. */
interface Dispute extends SharedName {
  /** Directly in it. */
  readonly isHere: boolean
}

/**
 * A directory below dest in which of two sources that conflict only one has anything, wherever in it they conflict: unless
 * they merely share it, have the same directories and identical files directly in it. Then each directory in it is one.
 */
export class Scope {
  /** By source: two have the same only if they merely share the directory. */
  private looks: ReadonlyMap<number, number> | undefined

  constructor(
    private readonly mergedDirectory: MergedDirectory,
    /** Those that take part: who lost a directory above does not. */
    private readonly sources: ReadonlySet<number>,
  ) {}

  /**
   * From the last to the first: those that conflict with a later one that stays. So of two that conflict there never
   * more than one has anything there, and no more leave than that takes.
   */
  losers(): Set<number> {
    const bySource = new Map<number, Wish[]>()
    for (const { candidates, equalGroups, isHere } of this.disputes()) {
      const staying = new Rivals<number, number>()
      for (const [position, { source }] of candidates.entries()) {
        if (!this.sources.has(source)) continue
        const wish = { want: equalGroups[position] as number, isHere, staying }
        const known = bySource.get(source)
        if (known === undefined) bySource.set(source, [wish])
        else known.push(wish)
      }
    }
    const losers = new Set<number>()
    const lastFirst = [...bySource].sort(([a], [b]) => b - a)
    for (const [source, wishes] of lastFirst) {
      if (wishes.some((wish) => this.isBeaten(source, wish))) losers.add(source)
      else for (const { want, staying } of wishes) staying.add(want, this.lookOf(source))
    }
    return losers
  }

  private isBeaten(source: number, { want, isHere, staying }: Wish): boolean {
    return isHere ? staying.hasOtherFirst(want) : staying.hasOther(want, this.lookOf(source))
  }

  private *disputes(): Generator<Dispute> {
    for (const mergedDirectory of this.mergedDirectories()) {
      const isHere = mergedDirectory === this.mergedDirectory
      for (const sharedName of mergedDirectory.sharedNames.values())
        if (!isUnanimous(sharedName.equalGroups)) yield { ...sharedName, isHere }
    }
  }

  /** Those in and below the directory to which two of its sources come. */
  private *mergedDirectories(): Generator<MergedDirectory> {
    for (const mergedDirectory of eachMergedDirectory(this.mergedDirectory)) {
      const here = mergedDirectory.sourceSubtrees.filter(({ source }) => this.sources.has(source))
      if (here.length > 1) yield mergedDirectory
    }
  }

  /** Two that have different looks have more than what they merely share directly in the directory: it is their scope. */
  private lookOf(source: number): number {
    this.looks ??= looksIn(this.mergedDirectory)
    return this.looks.get(source) ?? -1
  }

  /** Marks what those that leave and those that stay disagree about below the directory: it is why they leave. */
  tell(losers: ReadonlySet<number>): void {
    if (losers.size === 0) return
    for (const mergedDirectory of this.mergedDirectories()) {
      if (mergedDirectory === this.mergedDirectory) continue
      for (const [name, sharedName] of mergedDirectory.sharedNames) {
        const reasons = isUnanimous(sharedName.equalGroups)
          ? []
          : this.reasonsIn(sharedName, losers)
        if (reasons.length === 0) continue
        mergedDirectory.sharedNames.set(name, {
          ...sharedName,
          told: [...sharedName.told, ...reasons],
        })
      }
    }
  }

  private reasonsIn(sharedName: SharedName, losers: ReadonlySet<number>): Candidate[] {
    const { candidates, equalGroups } = among(sharedName, this.sources)
    const sides = [losers, undefined].map((these) => {
      const isIn = ({ source }: Candidate): boolean => losers.has(source) === (these === losers)
      const rivals = new Rivals<number, number>()
      const side = [...candidates.entries()].filter(([, candidate]) => isIn(candidate))
      for (const [at, { source }] of side)
        rivals.add(equalGroups[at] as number, this.lookOf(source))
      return { side, rivals }
    })
    return sides.flatMap(({ side }, index) => {
      const against = sides[1 - index]?.rivals
      const isReason = ([at, { source }]: [number, Candidate]): boolean =>
        against?.hasOther(equalGroups[at] as number, this.lookOf(source)) === true
      return side.filter(isReason).map(([, candidate]) => candidate)
    })
  }

  /**
   * Names below the directory that, if they were one entry, would be a conflict in it of one that stays with another.
   * What else looks alike there is asked about when its own directory is filled, if anybody gets it then.
   */
  doubts(
    losers: ReadonlySet<number>,
  ): { mergedDirectory: MergedDirectory; names: readonly string[] }[] {
    return [...this.mergedDirectories()].flatMap((mergedDirectory) => {
      if (mergedDirectory === this.mergedDirectory) return []
      const doubtful = mergedDirectory.doubtful.filter((names) =>
        this.isDoubt(mergedDirectory, names, losers),
      )
      return doubtful.map((names) => ({ mergedDirectory, names }))
    })
  }

  private isDoubt(
    { sharedNames }: MergedDirectory,
    names: readonly string[],
    losers: ReadonlySet<number>,
  ): boolean {
    const wishes = names.flatMap((name) => {
      const its = (sharedNames.get(name)?.candidates ?? []).filter(({ source }) =>
        this.sources.has(source),
      )
      return its.map(({ source }) => ({ name, source }))
    })
    const rivals = new Rivals<string, number>()
    for (const { name, source } of wishes) rivals.add(name, this.lookOf(source))
    return wishes.some(
      ({ name, source }) => !losers.has(source) && rivals.hasOther(name, this.lookOf(source)),
    )
  }
}

/** What a source wants in a dispute, and what those want that stay. */
interface Wish {
  readonly want: number
  readonly isHere: boolean
  readonly staying: Rivals<number, number>
}

/** One number a source, the same for all that have the same. */
function looksIn({ sharedNames }: MergedDirectory): Map<number, number> {
  const looks = new Map<number, string>()
  let number = 0
  for (const { candidates, equalGroups } of sharedNames.values()) {
    number++
    candidates.forEach(({ source }, position) => {
      const known = looks.get(source) ?? ''
      looks.set(source, `${known} ${number}.${equalGroups[position] as number}`)
    })
  }
  const numbers = new Map<string, number>()
  const numberOf = (look: string): number => {
    const known = numbers.get(look) ?? numbers.size
    numbers.set(look, known)
    return known
  }
  return new Map([...looks].map(([source, look]) => [source, numberOf(look)]))
}
