import { preOrder, walk } from '../traversal'
import { joinPath, Kind, pathOf, type Place } from '../host/host'
import type { Fallback, LinkMode, PlanAction, PlanEntry, SourceResult } from '../types'
import { FallbackCount, type Placements } from './placements'
import { Action, type PlanDirectory, type Union } from './plan'
import { asWhole, eachOpened, type WholeDirectory } from './whole-directory'

/** What becomes of an entry that a source has. */
type Fate = Exclude<PlanAction, 'remove'>

/** How much there is in the plan. */
export interface Totals {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  readonly sources: SourceResult[]
}

export function totalsOf({ root, trees, lost }: Union): Totals {
  const sources = trees.map(({ name, skipped }, index): SourceResult => {
    const own = { name, files: 0, bytes: 0, lost: [...(lost[index] ?? [])] }
    return skipped.length === 0 ? own : { ...own, skipped: [...skipped] }
  })
  const totals = { files: 0, directories: -1, symlinks: 0, bytes: 0 }
  for (const directory of eachOpened(root)) {
    const whole = asWhole(directory)
    if (whole !== undefined) {
      totals.directories += whole.tree.allDirectories
      const result = sources[directory.sources[0] ?? 0] as SourceResult
      const symlinks = whole.tree.allSymlinks
      totals.symlinks += symlinks
      result.files += whole.tree.allEntries - symlinks
      result.bytes += whole.bytes
      continue
    }
    totals.directories++
    for (const part of directory.parts) {
      const { source, tree, picks } = part
      const result = sources[source] as SourceResult
      const { plainBytes } = tree
      if (plainBytes !== undefined && part.isWhole) {
        result.files += picks.length
        result.bytes += plainBytes
        continue
      }
      const { kinds, sizes } = tree
      for (let position = 0; position < picks.length; position++) {
        const index = picks[position] as number
        if (kinds[index] === Kind.Symlink) {
          totals.symlinks++
          continue
        }
        result.files++
        result.bytes += sizes[index] as number
      }
    }
  }
  for (const { files, bytes } of sources) {
    totals.files += files
    totals.bytes += bytes
  }
  return { ...totals, sources }
}

/** A directory, and the fate of all that is in the one above it, if that is one. */
interface Within {
  readonly directory: PlanDirectory
  readonly outer: Fate | undefined
}

/** What happened to the entries other than directories. */
export interface Effects {
  created: number
  replaced: number
  kept: number
  unchanged: number
  /** Files that were placed, by how. */
  linkModes: Record<LinkMode, number>
  fallbacks: Fallback[]
  /** Entries that are unchanged, though not as was asked for. */
  differing: number
}

const effectOf = {
  create: 'created',
  replace: 'replaced',
  keep: 'kept',
  unchanged: 'unchanged',
} as const

/** `dest`: its path. */
export function effectsOf(root: PlanDirectory, placements: Placements, dest: string): Effects {
  const linkModes = { clone: 0, hardlink: 0, copy: 0, symlink: 0 }
  const counts = { created: 0, replaced: 0, kept: 0, unchanged: 0 }
  const fallbacks = new FallbackCount()
  let differing = 0
  /** Entries, by the number of their placement. */
  const placed: number[] = []
  const count = (placement: number, entries: number): void => {
    placed[placement] = (placed[placement] ?? 0) + entries
  }
  const hasSteps = (placement: number): boolean => (placements.of(placement)?.steps.length ?? 0) > 0
  const countWhole = (whole: WholeDirectory, action: Fate): void => {
    const { tree, path } = whole
    counts[effectOf[action]] += tree.allEntries
    if (action !== 'create' || tree.allEntries === 0) return
    const to = { base: dest, path }
    for (const [number, entries] of countsOf(whole)) {
      count(number, entries)
      const placement = placements.of(number)
      if (placement === undefined || placement.steps.length === 0) continue
      fallbacks.add(placement, entries, pathOf(to), () => firstIn(whole, number, to))
    }
  }
  walk<Within>({ directory: root, outer: undefined }, ({ directory, outer }) => {
    const inherited = outer ?? inheritedAction(directory)
    const whole = asWhole(directory)
    if (whole !== undefined && (inherited !== undefined || whole.isUnchanged)) {
      countWhole(whole, inherited ?? 'unchanged')
      return undefined
    }
    for (const part of directory.parts) {
      const { tree, picks, placementOfAll } = part
      if (placementOfAll !== undefined && inherited !== undefined && !hasSteps(placementOfAll)) {
        counts[effectOf[inherited]] += picks.length
        if (inherited === 'create') count(placementOfAll, picks.length)
        continue
      }
      const { actions, staged } = part
      const to = { base: dest, path: directory.path }
      const inDest = pathOf(to)
      for (let position = 0; position < picks.length; position++) {
        const action = inherited ?? actionOf(actions[position] ?? Action.Create)
        counts[effectOf[action]]++
        if (action === 'unchanged' && actions[position] === Action.Differing) differing++
        if (action !== 'create' && action !== 'replace') continue
        const number = staged[position] as number
        count(number, 1)
        const placement = placements.of(number)
        if (placement === undefined || placement.steps.length === 0) continue
        fallbacks.add(placement, 1, inDest, () => {
          const index = picks[position] as number
          const { place, name } = tree.fileAt(index)
          return { path: pathOf(place, name), dest: pathOf(to, tree.names[index]) }
        })
      }
    }
    return Array.from(directory.directories.values(), (child) => {
      return { directory: child, outer: inherited }
    })
  })
  placed.forEach((entries, number) => {
    const how = placements.of(number)?.how
    if (how !== undefined && how !== 'link') linkModes[how] += entries
  })
  return { ...counts, linkModes, fallbacks: fallbacks.list, differing }
}

/** How many entries of a whole directory were placed in which way: a number of `Placements`. */
function countsOf({ placement, tree }: WholeDirectory): Map<number, number> {
  if (typeof placement === 'number') return new Map([[placement, tree.allEntries]])
  const counts = new Map<number, number>()
  for (const number of placement) counts.set(number, (counts.get(number) ?? 0) + 1)
  return counts
}

/** Of the files that were placed in one way the first by its path in dest. */
function firstIn(
  { tree, placement }: WholeDirectory,
  number: number,
  to: Place,
): { path: string; dest: string } {
  let first = { path: '', dest: '' }
  for (let row = 0; row < tree.allEntries; row++) {
    if (typeof placement !== 'number' && placement[row] !== number) continue
    const { path, file } = tree.rowAt(row)
    const dest = pathOf(to, path)
    if (first.dest === '' || dest < first.dest) {
      first = { path: pathOf(file.place, file.name), dest }
    }
  }
  return first
}

/** Where dest has no such directory, everything in it shares one fate. */
function inheritedAction({ state }: PlanDirectory): Fate | undefined {
  if (state === 'exists') return undefined
  return state === 'keep' ? 'keep' : 'create'
}

function actionOf(action: number): Fate {
  if (action === Action.Create || action === Action.Created) return 'create'
  if (action === Action.Replace || action === Action.Replaced || action === Action.Align)
    return 'replace'
  return action === Action.Keep ? 'keep' : 'unchanged'
}

/** Every entry of the plan, sorted by path, a directory before what is in it. */
export function* entriesOf({ root, trees }: Union): Generator<PlanEntry> {
  const nameOf = (source: number): string => trees[source]?.name ?? ''
  const start: Listed = { name: '', child: { directory: root, outer: undefined } }
  const all = preOrder(start, ({ child }) => child && entriesIn(child, nameOf))
  for (const { entry } of all) if (entry !== undefined) yield entry
}

/** The entries of a plan and what it takes out of dest, both sorted by path. */
export function* withRemovals(
  entries: Iterable<PlanEntry>,
  removals: readonly PlanEntry[],
): Generator<PlanEntry> {
  let next = 0
  for (const entry of entries) {
    for (; next < removals.length; next++) {
      const removal = removals[next] as PlanEntry
      if (comparePaths(removal.path, entry.path) > 0) break
      // What takes its place is listed.
      if (removal.path !== entry.path) yield removal
    }
    yield entry
  }
  yield* removals.slice(next)
}

/** In the order of the tree: by the names on the way, each directory before what is in it. */
export function comparePaths(a: string, b: string): number {
  const [one, other] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')]
  if (one === other) return 0
  return one < other ? -1 : 1
}

interface Listed {
  readonly name: string
  /** Undefined of dest itself. */
  readonly entry?: PlanEntry
  /** Of a directory. */
  readonly child?: Within
}

/** Sorted by name. */
function entriesIn({ directory, outer }: Within, nameOf: (source: number) => string): Listed[] {
  const inherited = outer ?? inheritedAction(directory)
  const entries: Listed[] = []
  for (const { source, tree, picks, actions } of directory.parts) {
    picks.forEach((index, position) => {
      const name = tree.names[index] as string
      const type = tree.kinds[index] === Kind.Symlink ? 'symlink' : 'file'
      const entry: PlanEntry = {
        path: joinPath(directory.path, name),
        type,
        source: nameOf(source),
        size: type === 'file' ? (tree.sizes[index] ?? 0) : 0,
        action: inherited ?? actionOf(actions[position] ?? Action.Create),
      }
      entries.push({ name, entry })
    })
  }
  for (const [name, child] of directory.directories) {
    const { path, sources, state } = child
    const source = nameOf(sources[0] ?? 0)
    const own = state === 'replace' ? 'replace' : inheritedAction(child)
    const action = inherited ?? own ?? 'unchanged'
    const entry: PlanEntry = { path, type: 'directory', source, size: 0, action }
    entries.push({ name, entry, child: { directory: child, outer: inherited } })
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}
