import { append } from '../append'
import type { Host } from '../host/host'
import { forEachLimited, runLimited } from '../concurrency'
import { listDirectories, type Pending, type ScanRules } from './directory'
import { readFileMap } from './file-map'
import type { GivenFiles, GivenSource } from './given'
import { lookAtFiles } from './map-files'
import { Problems } from './problems'
import { readTrees } from './read-trees'
import { sourcePathProblem } from './source-names'
import type { StoreDirectories } from './store-directories'
import { implicitDirectory, type SourceTree, type TreeDirectory } from './tree'

// A tree that is too large for one trip is listed, and what lies in it tried in its turn. Not endlessly: what was read in
// vain is read again.
const mostTries = 3

export interface ScanContext extends ScanRules {
  readonly host: Host
  /** The directories of all file maps, looked at. */
  readonly stores: StoreDirectories
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
  /** Modes and sizes are wanted now; else `learnSizes` asks for them where they turn out to be. */
  readonly sized: boolean
  /** With `sized`: where the caller tells the sizes, that is not enough. */
  readonly needsModes: boolean
  /** Entries found since the last call. */
  readonly onFiles: (count: number) => void
}

/**
 * Reads each source into a tree. Everything that is wrong with any of them is reported in one error.
 * A source with `dir` must have it as an absolute path.
 */
export async function scan(
  sources: readonly GivenSource[],
  context: ScanContext,
): Promise<SourceTree[]> {
  const problems = new Problems(context)
  const roots = new Array<TreeDirectory>(sources.length).fill(implicitDirectory())
  const skipped = sources.map((): string[] => [])
  const queue: Pending[] = []
  const maps: { index: number; source: GivenSource & { files: GivenFiles } }[] = []
  sources.forEach((source, index) => {
    const { files } = source
    if (files !== undefined) {
      maps.push({ index, source: { ...source, files } })
      return
    }
    const attach = (directory: TreeDirectory): void => void (roots[index] = directory)
    const place = { base: source.dir ?? '', path: '' }
    const tries = isReadWhole(source, context) ? mostTries : 0
    queue.push({
      source,
      to: source.to ?? '',
      place,
      path: '',
      attach,
      tries,
      skipped: skipped[index] as string[],
    })
  })
  const { concurrency, signal } = context
  await forEachLimited(concurrency, signal, maps, async ({ index, source }) => {
    roots[index] = await scanFileMap(source, context, problems)
    context.onFiles(source.files.paths.length)
  })
  for (const { name, to = '' } of sources) {
    const problem = to === '' ? undefined : sourcePathProblem(to, context.host.platform)
    if (problem !== undefined) problems.badName(name, to, `to: ${problem}`)
  }
  await walk(queue, context, problems)
  const trees = sources.map((source, index) => ({
    source: index,
    name: source.name,
    to: source.to ?? '',
    root: roots[index] as TreeDirectory,
    skipped: (skipped[index] as string[]).sort(),
    given: detailsOf(source),
  }))
  problems.throwIfAny()
  return trees
}

/** A source that is as the manifest has it, and is not read. */
export function unchangedTree(source: GivenSource, number: number): SourceTree {
  const { name, to = '' } = source
  const given = detailsOf(source)
  const root = implicitDirectory()
  return { source: number, name, to, root, skipped: [], given, isUnchanged: true }
}

function detailsOf(source: GivenSource): NonNullable<SourceTree['given']> {
  const { digest, dir, filter } = source
  return { digest, dir, isFiltered: filter !== undefined, exact: exactOf(source) }
}

function exactOf({ exact }: GivenSource): { readonly keep: readonly string[] } | undefined {
  if (exact === undefined || exact === false) return undefined
  return exact === true ? { keep: [] } : exact
}

async function scanFileMap(
  source: GivenSource & { readonly files: GivenFiles },
  { host, symlinks, stores, sized, needsModes }: ScanContext,
  problems: Problems,
): Promise<TreeDirectory> {
  const rules = { symlinks, platform: host.platform }
  const tree = readFileMap(source, rules, stores, problems)
  const isLookedAt = sized && (needsModes || tree.expectedBytes === undefined)
  return isLookedAt ? lookAtFiles(host, tree, source.name, problems) : tree
}

/** A filter is asked about each entry; a host that knows of good names knows of those that every system takes. */
function isReadWhole({ filter }: GivenSource, { host }: ScanContext): boolean {
  return host.scanTrees !== undefined && filter === undefined && host.platform !== 'win32'
}

/**
 * Reads trees whole where that can be. Of others it lists directories, and those found in them, until none is left.
 * Several batches at once.
 */
function walk(queue: readonly Pending[], context: ScanContext, problems: Problems): Promise<void> {
  const { host, concurrency, signal, onFiles, sized } = context
  const { scanTrees } = host
  const whole = queue.filter(({ tries }) => tries > 0)
  const single = queue.filter(({ tries }) => tries === 0)
  return runLimited(concurrency, signal, () => {
    if (scanTrees !== undefined && whole.length > 0) {
      return readTrees(scanTrees, whole, sized, problems).then(({ others, files }) => {
        append(single, others)
        onFiles(files)
      })
    }
    if (single.length === 0) return undefined
    return listDirectories(host, single, context, problems).then(({ found, files }) => {
      for (const pending of found) (pending.tries > 0 ? whole : single).push(pending)
      onFiles(files)
    })
  })
}
