import type { TreeDirectory } from '../scan/tree'

/** The entries of one directory that come from one source. Columns are made when somebody needs them: mostly nobody does. */
export class Part {
  private ownActions: Uint8Array | undefined
  private ownStaged: Uint16Array | undefined
  private stagedAlike = 0

  constructor(
    readonly source: number,
    readonly tree: TreeDirectory,
    /** Indexes into the tree's columns, ascending. */
    readonly picks: Uint32Array,
  ) {}

  /** Are these all entries of the source's directory? */
  get isWhole(): boolean {
    return this.picks.length === this.tree.names.length
  }

  /** One a pick, as found in dest: a number of `Action`. */
  get actions(): Uint8Array {
    return (this.ownActions ??= new Uint8Array(this.picks.length))
  }

  /** One a pick: 0, or how it was put into the staging directory, a number of `Placements`. */
  get staged(): Uint16Array {
    return (this.ownStaged ??= new Uint16Array(this.picks.length).fill(this.stagedAlike))
  }

  /** All picks were put there in one way. */
  stageAll(placement: number): void {
    this.stagedAlike = placement
    this.ownStaged = undefined
  }

  /** What `staged` is for every pick, where that is known to be one number. */
  get placementOfAll(): number | undefined {
    return this.ownStaged === undefined ? this.stagedAlike : undefined
  }
}
