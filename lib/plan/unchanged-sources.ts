import type { Recorded, RecordedDirectory } from '../manifest'
import { asWhole } from './whole-directory'
import type { PlanDirectory } from './plan'

/** Sources that are as the manifest has them, so that nothing of them is planned: what dest has of them stays. */
export class UnchangedSources {
  /** By number in the manifest: the number in this merge; -1 for a source that is planned, or not part of the merge. */
  private readonly numbers: Int32Array

  /** `numbers`: by number in the manifest. */
  constructor(
    readonly recorded: Recorded,
    numbers: ReadonlyMap<number, number>,
  ) {
    const { sources } = recorded.manifest
    this.numbers = Int32Array.from(sources, (_, number) => numbers.get(number) ?? -1)
  }

  /** The number in this merge of a source of the manifest; -1 if it is not one of these. */
  numberOf(recordedNumber: number): number {
    return this.numbers[recordedNumber] ?? -1
  }

  /** Is it an entry of one of these? */
  own(row: number): boolean {
    return this.numberOf(this.recorded.manifest.rows.owners[row] ?? -1) >= 0
  }

  /** Has one of these the directory? */
  areIn({ sources }: RecordedDirectory): boolean {
    return sources.some((each) => this.numberOf(each) >= 0)
  }

  haveDirectory(path: string): boolean {
    const directory = this.recorded.directory(path)
    return directory !== undefined && this.areIn(directory)
  }

  /** Has one of these an entry or a directory there? */
  haveName(directory: string, path: string, name: string): boolean {
    const row = this.recorded.row(directory, name)
    return (row >= 0 && this.own(row)) || this.haveDirectory(path)
  }

  /** Directories below dest that only these have. */
  countOwnDirectories(root: PlanDirectory): number {
    const { directories } = this.recorded.manifest
    const all = directories.filter((each) => each.path !== '' && this.areIn(each)).length
    return all - this.countCommon(root)
  }

  private countCommon(root: PlanDirectory): number {
    let count = 0
    const waiting = [root]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const child of (asWhole(next)?.copy() ?? next).directories.values()) {
        if (!this.haveDirectory(child.path)) continue
        count++
        waiting.push(child)
      }
    }
    return count
  }
}
