import { splitPath } from '../host/host'

/** The number of the staging directory that every merge has; those inside dest's directories have others. */
export const mainStaging = 0

/** In which staging directory that which is new in a directory of dest is staged. Paths are below dest. */
export class Allocation {
  private readonly given = new Map<string, number>()
  private readonly found = new Map<string, number>()

  /** All is staged in the main one. */
  get isPlain(): boolean {
    return this.given.size === 0
  }

  /** A directory that was not given any has that of the one above it. */
  of(path: string): number {
    if (this.isPlain) return mainStaging
    const passed: string[] = []
    let number = mainStaging
    for (let at = path; ; at = splitPath(at).parent) {
      const known = this.given.get(at) ?? this.found.get(at)
      if (known !== undefined) number = known
      if (known !== undefined || at === '') break
      passed.push(at)
    }
    for (const each of passed) this.found.set(each, number)
    return number
  }

  copy(): Allocation {
    const same = new Allocation()
    for (const [path, number] of this.given) same.give(path, number)
    return same
  }

  give(path: string, number: number): void {
    this.given.set(path, number)
    this.found.clear()
  }

  take(path: string): void {
    this.given.delete(path)
    this.found.clear()
  }

  /** By staging directory: the directories that were given it. */
  get directories(): ReadonlyMap<number, string[]> {
    const all = new Map<number, string[]>()
    for (const [path, number] of this.given) {
      const own = all.get(number)
      if (own === undefined) all.set(number, [path])
      else own.push(path)
    }
    return all
  }
}
