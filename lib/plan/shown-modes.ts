import { allBits } from '../host/kept-attributes'

const executable = 0o111

/**
 * The permission bits that dest shows of files whose bytes are as wanted. A file system that gives all files the same bits
 * can mostly be seen from them, without making anything.
 */
export class ShownModes {
  /** Does any file show other bits than are wanted? */
  differ = false
  private shown: number | undefined
  /** Do all files show the same bits? */
  areAlike = true
  private readonly wanted = new Set<boolean>()
  private isByChmod = false
  private isBeyondExecutable = true

  /** `unchanged`: the file's attributes have not been changed since its bytes were written. */
  add(wanted: number, shown: number, unchanged: boolean): void {
    this.wanted.add((wanted & executable) !== 0)
    this.areAlike &&= (this.shown ?? shown) === shown
    this.shown = shown
    const other = (wanted ^ shown) & allBits
    if (other === 0) return
    this.differ = true
    if (!unchanged) this.isByChmod = true
    if ((other & ~executable) === 0) this.isBeyondExecutable = false
  }

  /**
   * Is it the file system that shows one mode, and nobody's chmod? So it is where nothing was changed since it was
   * written, as on exFAT, which has no time for that; and where what is wanted executable, and what is not, differ alike
   * in other bits too.
   */
  get isOneForAll(): boolean {
    if (!this.areAlike) return false
    return !this.isByChmod || (this.wanted.size === 2 && this.isBeyondExecutable)
  }
}
