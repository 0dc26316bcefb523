import { preOrder } from '../traversal'
import { joinPath, type Place } from '../host/host'
import { eachTree, type PackedTree } from '../scan/packed-tree'
import type { TreeDirectory } from '../scan/tree'
import { Part } from './part'
import { Action, emptyMap, upTo, type PlanDirectory } from './plan'
import type { Seen } from './seen'

interface Contents {
  readonly parts: Part[]
  readonly directories: Map<string, PlanDirectory>
}

/**
 * A directory that one source alone provides, with all below it. As long as nobody looks into it, it is one thing with one
 * fate, however much it holds; then it becomes one directory as others are, with children of its own kind.
 */
export class WholeDirectory implements PlanDirectory {
  readonly sources: readonly number[]
  readonly mode: number | undefined
  readonly shared = emptyMap
  spellings: ReadonlyMap<string, string> = emptyMap
  state: PlanDirectory['state'] = 'new'
  staged = false
  /** What the directories of dest were when all of it was found there; of a whole one, in the order of the tree. */
  seen: Seen | undefined
  private contents: Contents | undefined
  private placedAs: number | Uint16Array = 0
  private isThere = false
  private knownBytes: number | undefined

  constructor(
    readonly path: string,
    readonly name: string,
    private readonly source: number,
    readonly tree: PackedTree,
  ) {
    this.sources = [source]
    this.mode = tree.mode
  }

  get origin(): Place | undefined {
    return this.tree.origin
  }

  /** Has nobody looked into it? */
  get isWhole(): boolean {
    return this.contents === undefined
  }

  get parts(): Part[] {
    return this.open().parts
  }

  get directories(): Map<string, PlanDirectory> {
    return this.open().directories
  }

  /**
   * All of it was put into the staging directory: a number of `Placements`, or one for each entry in it and below. `bytes`:
   * of its files.
   */
  stageAll(placement: number | Uint16Array, bytes: number | undefined): void {
    this.staged = placement !== 0
    this.placedAs = placement
    // What was placed counts, whatever the scan has seen.
    this.knownBytes = bytes ?? this.knownBytes
  }

  /** How the entries of a whole one were staged; 0 if they were not. */
  get placement(): number | Uint16Array {
    return this.placedAs
  }

  /** Dest has all of it as wanted, with so many bytes in its files; undefined: it has not. */
  settle(bytes: number | undefined): void {
    this.isThere = bytes !== undefined
    this.knownBytes ??= bytes
  }

  /** Of a whole one: dest has all of it as wanted. */
  get isUnchanged(): boolean {
    return this.isThere
  }

  /** Are the bytes of all files of a whole one known? */
  get isSized(): boolean {
    return this.sizedBytes !== undefined
  }

  /** Bytes of all files of a whole one; they must be known. */
  get bytes(): number {
    const bytes = this.sizedBytes
    if (bytes === undefined) throw new Error('sizes that were not requested')
    return bytes
  }

  private get sizedBytes(): number | undefined {
    return this.knownBytes ?? this.tree.allBytes ?? this.tree.expectedBytes
  }

  /** The same directory, to be looked into in its place. */
  copy(): PlanDirectory {
    return new WholeDirectory(this.path, this.name, this.source, this.tree)
  }

  private open(): Contents {
    return (this.contents ??= this.takeApart())
  }

  private takeApart(): Contents {
    const { tree, source, path, placedAs, isThere } = this
    const parts: Part[] = []
    let rows = tree.names.length
    const placedFrom = (first: number, end: number): number | Uint16Array =>
      typeof placedAs === 'number' ? placedAs : placedAs.subarray(first, end)
    if (rows > 0) {
      const part = new Part(source, tree, upTo(rows))
      const own = placedFrom(0, rows)
      if (typeof own === 'number') part.stageAll(own)
      else part.staged.set(own)
      if (isThere) part.actions.fill(Action.Unchanged)
      parts.push(part)
    }
    const directories = new Map<string, PlanDirectory>()
    for (const [name, below] of tree.directories) {
      const child = new WholeDirectory(joinPath(path, name), name, source, below)
      child.stageAll(placedFrom(rows, rows + below.allEntries), undefined)
      rows += below.allEntries
      if (isThere) child.state = 'exists'
      child.isThere = isThere
      directories.set(name, child)
    }
    return { parts, directories }
  }
}

/** The directory, if it is whole and nobody has looked into it. */
export function asWhole(directory: PlanDirectory): WholeDirectory | undefined {
  return directory instanceof WholeDirectory && directory.isWhole ? directory : undefined
}

/** Does dest have all that is wanted in it, so that nobody has looked into it? */
export function isUnchanged(directory: PlanDirectory): boolean {
  return asWhole(directory)?.isUnchanged === true
}

/** Trees whose sizes must be known before they can be summed up. */
export function* unsizedIn(root: PlanDirectory): Generator<TreeDirectory> {
  for (const directory of eachOpened(root)) {
    const whole = asWhole(directory)
    if (whole === undefined) for (const { tree } of directory.parts) yield tree
    else if (!whole.isSized) yield* eachTree(whole.tree)
  }
}

/** A directory and all below it, in the order of the tree. Whole ones stay whole: what is in them is shown in copies. */
export function* eachDirectory(directory: PlanDirectory): Generator<PlanDirectory> {
  const shown = (each: PlanDirectory): PlanDirectory => asWhole(each)?.copy() ?? each
  const below = (each: PlanDirectory): Iterable<PlanDirectory> =>
    Array.from(each.directories.values(), shown)
  yield* preOrder(shown(directory), below)
}

/** A directory and all below it, in the order of the tree; of whole ones only the highest. */
export function eachOpened(directory: PlanDirectory): Generator<PlanDirectory> {
  return preOrder(directory, (each) =>
    asWhole(each) === undefined ? each.directories.values() : undefined,
  )
}
