import { splitPath } from '../host/host'

/** What a merge has taken out of dest, so that a later look does not take it for missing. */
export class Taken {
  private readonly removed = new Set<string>()
  private readonly respelled = new Set<string>()

  /** It went, with all that was in it. */
  add(path: string): void {
    this.removed.add(path)
  }

  /** It went, and came back under another spelling. */
  addRespelled(path: string): void {
    this.respelled.add(path)
  }

  /** Undefined for what was not taken out. */
  of(path: string): 'removed' | 'respelled' | undefined {
    if (this.respelled.has(path)) return 'respelled'
    if (this.removed.size === 0) return undefined
    for (let at = path; at !== ''; at = splitPath(at).parent) {
      if (this.removed.has(at)) return 'removed'
    }
    return undefined
  }
}
