import { joinPath, splitPath } from '../host/host'

/** The same directories under other paths, with all that is in them. */
class Paths {
  private readonly others = new Map<string, string>()

  set(path: string, other: string): void {
    if (path !== other) this.others.set(path, other)
  }

  of(path: string): string {
    if (this.others.size === 0 || path === '') return path
    const known = this.others.get(path)
    if (known !== undefined) return known
    const { parent, name } = splitPath(path)
    return joinPath(this.of(parent), name)
  }
}

/** Directories that are wanted, recorded in the manifest, and stand in dest, under spellings that are one to its file system. */
export class Respelled {
  private readonly recorded = new Paths()
  private readonly standing = new Paths()
  private readonly moved = new Paths()

  add(wanted: string, recorded: string, standing: string): void {
    this.recorded.set(wanted, recorded)
    this.standing.set(wanted, standing)
    this.moved.set(recorded, standing)
  }

  /** The path by which the manifest knows a directory that is wanted. */
  recordedPath(wanted: string): string {
    return this.recorded.of(wanted)
  }

  /** The path by which dest has a directory that is wanted. */
  standingPath(wanted: string): string {
    return this.standing.of(wanted)
  }

  /** The path by which dest has a directory that the manifest knows. */
  movedPath(recorded: string): string {
    return this.moved.of(recorded)
  }
}
