import { joinPath, Kind, type Place, type Stats } from '../host/host'
import {
  contentHash,
  Found,
  type Clocks,
  isSameRecord,
  type RecordedDirectory,
  type SourceRecords,
} from '../manifest'
import { noMode } from '../host/whole-trees'
import type { Modified } from '../types'
import type { Ours, Standing, State } from './ours'
import type { Part } from './part'
import type { PlanDirectory } from './plan'
import { Respelled } from './respelled'
import { ShownBuilder } from './shown'
import type { Taken } from './taken'
import type { UnchangedSources } from './unchanged-sources'
import { eachDirectory } from './whole-directory'

/** What a merge with a manifest knows besides its sources. */
export interface Lifecycle {
  readonly ours: Ours
  readonly sources: SourceRecords
  readonly clocks: Clocks
  readonly prune: boolean
  /** By source of this merge: its number in the manifest, where its digest is the one recorded. */
  readonly vouched: readonly (number | undefined)[]
  /** The options that shape entries are those of the manifest. */
  readonly isSameOptions: boolean
  /** What this merge has taken out of dest already. */
  readonly taken: Taken
  /** Undefined where all sources are planned. */
  readonly unchanged: UnchangedSources | undefined
}

interface Known extends Standing {
  state: State | undefined
}

/** What a diff finds of entries that the manifest lists. */
export class OwnEntries {
  /** What somebody has changed, and what becomes of it. */
  readonly modified: Modified[] = []
  /** Paths of those that the merge cannot go on with. */
  readonly refused = new Set<string>()
  /** Entries that are not known to be unchanged by their stat records. */
  looked = 0
  /** What dest shows of them. */
  readonly shown: ShownBuilder
  private readonly known = new Map<Part, Map<number, Known>>()
  private readonly directories = new Map<PlanDirectory, Known>()
  private last: { readonly path: string; readonly directory: RecordedDirectory | undefined }
  readonly respelled = new Respelled()

  constructor(readonly life: Lifecycle) {
    this.shown = new ShownBuilder(life.clocks)
    this.last = { path: '', directory: life.ours.recorded.directory('') }
  }

  /**
   * `unchanged`: dest has it as it was put there, and so has the source. `ours`: the manifest lists it; what it is now is
   * known after `resolve`. Undefined: it is not ours.
   */
  look(
    directory: PlanDirectory,
    part: Part,
    position: number,
    to: Place,
    stats: Stats,
    entry: number,
    time: bigint,
  ): 'unchanged' | 'ours' | undefined {
    const { ours, isSameOptions } = this.life
    const wantedName = part.tree.names[part.picks[position] as number] as string
    const name = directory.spellings.get(wantedName) ?? wantedName
    const row = this.rowSpelled(directory, name, wantedName)
    if (row < 0) {
      this.looked++
      this.shown.addOne(directory.path, wantedName, stats, entry, time)
      return undefined
    }
    const standing = { row, place: to, name, stats, entry }
    const state = ours.stateAtOnce(standing)
    const isAlike =
      state === 'as-recorded' || (state === 'same-content' && this.isUntouched(standing))
    if (isAlike && isSameOptions && name === wantedName && this.isSame(row, part, position)) {
      return 'unchanged'
    }
    this.looked++
    this.shown.addOne(directory.path, wantedName, stats, entry, time)
    if (ours.recorded.manifest.rows.found[row] !== Found.No) return undefined
    if (state === 'missing') this.modified.push(ours.modification(row, 'missing', false))
    let own = this.known.get(part)
    if (own === undefined) this.known.set(part, (own = new Map<number, Known>()))
    own.set(position, { ...standing, state })
    return 'ours'
  }

  /** Something else stands where a directory is wanted: is it a file that the manifest lists? */
  lookInTheWay(
    child: PlanDirectory,
    parent: PlanDirectory,
    to: Place,
    stats: Stats,
    entry: number,
  ): boolean {
    const name = parent.spellings.get(child.name) ?? child.name
    const row = this.rowSpelled(parent, name, child.name)
    this.looked++
    if (row < 0 || this.life.ours.recorded.manifest.rows.found[row] !== Found.No) return false
    const standing = { row, place: to, name, stats, entry }
    this.directories.set(child, { ...standing, state: this.life.ours.stateAtOnce(standing) })
    return true
  }

  /** Dest lacks the directory: what the manifest lists of what is wanted in it is missing. */
  noteMissing(directory: PlanDirectory): void {
    const { ours } = this.life
    this.looked++
    if (!this.hasDirectory(directory.path)) return
    for (const { path, parts } of eachDirectory(directory)) {
      for (const { tree, picks } of parts) {
        for (const pick of picks) {
          const row = this.rowOf(path, tree.names[pick] as string)
          if (row >= 0) this.modified.push(ours.modification(row, 'missing', false))
        }
      }
    }
  }

  /** Did an earlier merge have a directory there? */
  hasDirectory(path: string): boolean {
    return this.life.ours.recorded.directory(this.respelled.recordedPath(path)) !== undefined
  }

  /** Where the manifest and dest have a directory, by the spellings that they have. */
  pathsOf(
    parent: PlanDirectory,
    child: PlanDirectory,
  ): { readonly recorded: string | undefined; readonly standing: string } {
    const above = this.respelled.recordedPath(parent.path)
    const spelling = parent.spellings.get(child.name) ?? child.name
    const paths = [spelling, child.name].map((name) => joinPath(above, name))
    return {
      recorded: paths.find((path) => this.life.ours.recorded.directory(path) !== undefined),
      standing: joinPath(this.respelled.standingPath(parent.path), spelling),
    }
  }

  /** Dest has the directory, too, and it is merged into. */
  enter(parent: PlanDirectory, child: PlanDirectory): void {
    const { recorded, standing } = this.pathsOf(parent, child)
    this.respelled.add(child.path, recorded ?? standing, standing)
  }

  /** Finds out what has become of what was not known at once. */
  async resolve(): Promise<void> {
    const all = [...this.known.values()].flatMap((own) => [...own.values()])
    const open = [...all, ...this.directories.values()].filter(({ state }) => state === undefined)
    const states = await this.life.ours.states(open)
    open.forEach((each, index) => {
      each.state = states[index]
    })
  }

  /**
   * What differs from what is wanted: may it be replaced? `kept`: it stays; `error`: the merge must fail. Undefined: it is not
   * ours, or not known to be.
   */
  decide(part: Part, position: number): 'replace' | 'keep' | 'error' | undefined {
    const known = this.known.get(part)?.get(position)
    return known && this.decideKnown(known)
  }

  decideInTheWay(child: PlanDirectory): 'replace' | 'keep' | 'error' | undefined {
    const known = this.directories.get(child)
    return known && this.decideKnown(known)
  }

  private decideKnown({ state, row, stats, entry }: Known): 'replace' | 'keep' | 'error' {
    const { ours } = this.life
    if (state === 'content' || state === 'type') {
      const isDirectory = stats.kinds[entry] === Kind.Directory
      const policy = isDirectory && ours.policy === 'replace' ? 'error' : ours.policy
      if (policy === 'error') this.refused.add(ours.recorded.pathOf(row))
      else this.modified.push(ours.modification(row, state, policy === 'keep'))
      return policy
    }
    this.noteMode(row, stats, entry)
    return 'replace'
  }

  /** Has what an earlier merge put there become something of another kind? */
  isOtherKind(part: Part, position: number): boolean {
    return this.known.get(part)?.get(position)?.state === 'type'
  }

  isOtherKindInTheWay(child: PlanDirectory): boolean {
    return this.directories.get(child)?.state === 'type'
  }

  /** Is it ours, so that its attributes are brought in line? Dest has the wanted bytes. */
  isOurs(part: Part, position: number): boolean {
    const known = this.known.get(part)?.get(position)
    if (known === undefined) return false
    this.noteMode(known.row, known.stats, known.entry)
    return true
  }

  /** The row of an entry whose own file stays in dest though it differs. */
  rowAt(part: Part, position: number): number | undefined {
    return this.known.get(part)?.get(position)?.row
  }

  private noteMode(row: number, stats: Stats, entry: number): void {
    const { ours } = this.life
    if (stats.kinds[entry] !== Kind.File || ours.hasMode(row, stats, entry)) return
    this.modified.push(ours.modification(row, 'mode', false))
  }

  /** By the name that dest has, or that it had before somebody spelled it otherwise. */
  private rowSpelled({ path }: PlanDirectory, name: string, wantedName: string): number {
    const row = this.rowOf(path, name)
    return row >= 0 || name === wantedName ? row : this.rowOf(path, wantedName)
  }

  private rowOf(wantedPath: string, name: string): number {
    const path = this.respelled.recordedPath(wantedPath)
    const { recorded } = this.life.ours
    if (this.last.path !== path) this.last = { path, directory: recorded.directory(path) }
    const { directory } = this.last
    return directory === undefined ? -1 : recorded.rowIn(directory, name)
  }

  /** A symlink whose stat record is the one recorded, or that never had one. */
  private isUntouched({ row, stats, entry }: Standing): boolean {
    return stats.kinds[entry] === Kind.Symlink && row >= 0
  }

  /** Is what the source has what the manifest says of it? */
  private isSame(row: number, part: Part, position: number): boolean {
    const { ours, sources, vouched } = this.life
    const { rows } = ours.recorded.manifest
    const { tree, picks, source } = part
    const index = picks[position] as number
    const isLink = tree.kinds[index] === Kind.Symlink
    if (isLink)
      return rows.kinds[row] === Kind.Symlink && rows.targets.get(row) === tree.targets.get(index)
    const given = tree.givenModes?.[index] ?? noMode
    if (given !== noMode && given !== ((rows.modes[row] ?? 0) & 0o777)) return false
    if (vouched[source] !== undefined && vouched[source] === rows.owners[row]) return true
    const content = tree.contents.get(index)
    if (content !== undefined) {
      return rows.hashes.get(row) === contentHash(content)
    }
    return isSameRecord(rows.source, row, sources.of(tree), index)
  }
}
