import { debug } from './debug'
import { errno, errnoOf } from './errno'
import { firstOf, SystemError } from './errors'
import type { Directory, Host } from './host/host'
import { holdsAttributes, KeptAttributes } from './host/kept-attributes'
import { lenient } from './host/lenient'
import { throttled } from './host/throttled'
import { retrying } from './host/retrying'
import { refuseIntoSelf, resolveSources } from './into-self'
import { readOptions, type Settings } from './options'
import { comparer, type Compare } from './plan/compare'
import { conflictError } from './plan/conflict-error'
import { digester, type Digest } from './plan/digest'
import type { Union } from './plan/plan'
import { neighboursOf } from './plan/neighbours'
import { UnchangedSources } from './plan/unchanged-sources'
import type { MatchTrees } from './plan/matching'
import { toPolicy, type Policy } from './plan/policy'
import type { ShownModes } from './plan/shown-modes'
import { diffDest, type DestDiff } from './plan/diff'
import { unite, type NameOracle } from './plan/union'
import { Life } from './life'
import type { Recorded } from './manifest'
import { Progress } from './progress'
import type { KnownSources } from './rerun'
import { recoverDest } from './recover/recover'
import { throwIfBadFiles } from './scan/map-files'
import { scan, unchangedTree } from './scan/scan'
import type { GivenSource } from './scan/given'
import { sizeLearner, type LearnSizes } from './scan/sizes'
import { StoreDirectories } from './scan/store-directories'
import type { SourceTree } from './scan/tree'
import { Site } from './site'
import { Stopwatch } from './stopwatch'
import type { MergeOptions, MergePhase, RecoverResult } from './types'

/** What every phase needs. */
export interface Context {
  /** Starts nothing new after an abort. */
  readonly host: Host
  /** Goes on after an abort: to put things back. */
  readonly notAborted: Host
  /** What dest's file system holds of the attributes of entries. */
  readonly kept: KeptAttributes
  readonly settings: Settings
  readonly policy: Policy
  /** Batches in flight. */
  readonly concurrencyLimit: number
  readonly compare: Compare
  readonly digest: Digest
  readonly learnSizes: LearnSizes
  /** Of the sources that are file maps. */
  readonly stores: StoreDirectories
  /** Undefined where no manifest is kept. */
  readonly life: Life | undefined
  /** Undefined: no tree is looked for as a whole. */
  readonly match: MatchTrees | undefined
  readonly progress: Progress
  readonly watch: Stopwatch<MergePhase>
}

/** What a merge may leave out of what it plans. */
export interface Recalled {
  readonly recorded: Recorded
  readonly known: KnownSources
}

export interface Plan {
  readonly union: Union
  /** What dest holds that differs; undefined if dest is not there. */
  readonly found: DestDiff | undefined
}

/** `signal`: in the place of the caller's own, which may be of a polyfill. `dest`: absolute. */
export function prepare(
  system: Host,
  options: MergeOptions | undefined,
  signal: AbortSignal,
  dest: string,
): Context {
  const given = readOptions(options)
  const settings = { ...given, signal }
  if (given.durability === 'full' && system.kind === 'node') {
    const hint = "`durability: 'full'` requires the native addon, which is not loaded"
    throw new SystemError(errno.ENOSYS, { syscall: 'syncfs', hint })
  }
  if (given.dropQuarantine && system.kind === 'node' && process.platform === 'darwin') {
    const hint = "`quarantine: 'drop'` requires the native addon, which is not loaded"
    throw new SystemError(errno.ENOSYS, { syscall: 'fremovexattr', hint })
  }
  const concurrencyLimit = given.concurrency ?? system.parallelism
  debug('host %s, %d batches in flight', system.kind, concurrencyLimit)
  // What waits for its turn asks for an abort when its turn comes.
  const kept = new KeptAttributes()
  const host = lenient(throttled(retrying(system, settings.signal), concurrencyLimit), kept)
  const compare = comparer(host, concurrencyLimit, settings.signal)
  const hosts = { host, concurrencyLimit, signal: settings.signal, compare }
  return {
    ...{ host, concurrencyLimit, settings, kept, compare },
    life: settings.manifest === undefined ? undefined : new Life(hosts, settings, dest),
    notAborted: lenient(retrying(system, undefined), kept),
    policy: toPolicy(given.conflicts),
    digest: digester(concurrencyLimit, settings.signal),
    learnSizes: sizeLearner(host, concurrencyLimit, settings.signal),
    stores: new StoreDirectories(host),
    match: host.matchTrees,
    progress: new Progress(given.onProgress),
    watch: new Stopwatch(),
  }
}

/** After merges that were killed have been undone: what they left must not be taken for dest's own. */
export async function openRecovered(
  context: Context,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Site> {
  const { lock, existing } = context.settings
  const site = await Site.open(context, path, existing)
  let left: RecoverResult['left']
  try {
    const rules = lock && { ...lock, signal }
    const { result, failures } = await recoverDest(context.host, site.target.path, rules)
    if (failures.length > 0) throw firstOf(failures)
    left = result.left
    if (result.undone + result.removed === 0) {
      site.noteLeft(left)
      return site
    }
  } catch (error) {
    await site.close()
    throw error
  }
  await site.close()
  const again = await site.reopen(existing)
  again.noteLeft(left)
  return again
}

/** Reads the sources into trees; `sized`: with the modes and sizes of all files. */
export async function scanSources(
  { host, settings, concurrencyLimit, progress, stores }: Context,
  site: Site,
  given: readonly GivenSource[],
  sized: boolean,
): Promise<SourceTree[]> {
  const { symlinks, specials, signal } = settings
  const needsModes = !isAlwaysOwn(settings)
  const sources = await resolveSources(given)
  for (const directories of new Set(sources.map(({ files }) => files?.directories))) {
    if (directories !== undefined) await stores.look(directories)
  }
  refuseIntoSelf(sources, site.target.path, stores)
  const onFiles = progress.scanned
  return scan(sources, {
    host,
    stores,
    symlinks,
    specials,
    concurrency: concurrencyLimit,
    signal,
    sized,
    needsModes,
    onFiles,
  })
}

/**
 * Reads the sources that have changed since the manifest was written, and those that must be planned with them; the others
 * are not. Reads all of them where that would not do.
 */
export async function scanChanged(
  context: Context,
  site: Site,
  given: readonly GivenSource[],
  sized: boolean,
  recalled: Recalled,
): Promise<SourceTree[]> {
  const { life, policy } = context
  const { recorded, known } = recalled
  const isExact = ({ exact }: GivenSource): boolean => exact !== undefined && exact !== false
  // What others have in a directory matters to these even where no path is shared.
  const isPossible = !policy.exclusive && !given.some(isExact) && known.unchanged.size > 0
  if (life === undefined || !isPossible) return scanSources(context, site, given, sized)
  const left = new Map(known.unchanged)
  const planned = new Map<number, SourceTree>()
  const scanOthers = async (): Promise<void> => {
    const still = new Set(left.values())
    const indexes = [...given.keys()].filter((index) => !still.has(index) && !planned.has(index))
    const some = indexes.map((index) => given[index] as GivenSource)
    const trees = await scanSources(context, site, some, sized)
    trees.forEach((tree, at) => planned.set(indexes[at] as number, tree))
  }
  await scanOthers()
  const neighbours = neighboursOf(recorded, (each) => left.has(each), [...planned.values()])
  if (neighbours === undefined) return scanSources(context, site, given, sized)
  for (const each of neighbours) left.delete(each)
  if (neighbours.size > 0) await scanOthers()
  if (left.size > 0) life.unchanged = new UnchangedSources(recorded, left)
  const sources = await resolveSources(given)
  refuseIntoSelf(sources, site.target.path, context.stores)
  return sources.map((source, index) => {
    const tree = planned.get(index)
    return tree === undefined ? unchangedTree(source, index) : { ...tree, source: index }
  })
}

/**
 * Are the modes and sizes of all files needed, whatever the merge will find? Where it only clones, copies and compares they
 * come with that, and are asked for beforehand only where files meet.
 */
export function needsSizes({ host, settings, progress }: Context): boolean {
  // What was cloned as a directory is compared with what was read.
  const isSeen = host.cloneDirectory !== undefined
  return !isAlwaysOwn(settings) || isSeen || progress.isHeard
}

/** Are all files dest's own, whatever modes they have? */
function isAlwaysOwn({ linkModes, mutable, writable }: Settings): boolean {
  const isOwn = linkModes.every((mode) => mode === 'clone' || mode === 'copy')
  return isOwn && mutable === undefined && !writable
}

// What opening a file of a store fails with where it is missing, or not a regular file.
const ofBadFiles: ReadonlySet<number | undefined> = new Set([
  errno.ENOENT,
  errno.ENOTDIR,
  errno.EISDIR,
  errno.EINVAL,
  errno.ELOOP,
  errno.ENXIO,
])

/**
 * Does what takes the files of the sources. Those of a file map are not looked at before; if one turns out to be missing or
 * not regular, all that are so are listed.
 */
export async function withFiles<T>(
  context: Context,
  trees: readonly SourceTree[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await throwIfBad(context, trees, error)
    throw error
  }
}

/** Throws for all files of the sources that are missing or not regular, where one of them may be what made `error`. */
export async function throwIfBad(
  { host, settings }: Context,
  trees: readonly SourceTree[],
  error: unknown,
): Promise<void> {
  if (!(error instanceof SystemError) || !ofBadFiles.has(errnoOf(error))) return
  await throwIfBadFiles(host, trees, settings)
}

/** The union of the trees, compared with what dest holds. */
export async function plan(
  context: Context,
  site: Site,
  trees: readonly SourceTree[],
): Promise<Plan> {
  const { dest } = site
  const union = await uniteAll(context, site, trees)
  return { union, found: dest && (await look(context, site, union, dest)) }
}

/** The union of the trees. */
export async function uniteAll(
  context: Context,
  { spelling }: Site,
  trees: readonly SourceTree[],
): Promise<Union> {
  const { policy, compare, digest, learnSizes } = context
  const sameEntries: NameOracle = (groups) => spelling.sameEntries(groups)
  const union = await unite(trees, { policy, compare, digest, learnSizes, sameEntries })
  await context.life?.see(union)
  return union
}

/** Compares the union with what dest holds. */
export async function look(
  context: Context,
  site: Site,
  union: Union,
  dest: Directory,
): Promise<DestDiff> {
  const { life } = context
  const { host, settings, concurrencyLimit, compare, learnSizes } = context
  const { spelling } = site
  const { existing, mutable, signal, writable, preserveTimestamps: times } = settings
  // A look at a whole tree tells no more than whether it has the very bits of its source.
  const match = writable || times || life !== undefined ? undefined : context.match
  const hardlinked = settings.linkModes.includes('hardlink')
  const symlinked = settings.linkModes.includes('symlink')
  const rules = {
    host,
    compare,
    learnSizes,
    match,
    spelling,
    existing,
    symlinked,
    hardlinked,
    mutable,
    writable,
    times,
    concurrencyLimit,
    signal,
    life: await life?.lifecycle(site.target.path, union.trees),
    modesHeld: (shown: ShownModes) => modesHeld(context, site, shown),
  }
  const found = await diffDest(union, { base: dest, path: '' }, rules)
  life?.note(found)
  return found
}

/** The permission bits that dest's file system holds. Nothing is made to learn it where what dest shows tells it. */
async function modesHeld({ kept }: Context, site: Site, shown: ShownModes): Promise<number> {
  if (kept.isKnown || (await holdsAttributes(site.target.nearest.path))) return kept.modes
  const isTold = shown.isOneForAll || (!(await site.canStage()) && shown.areAlike)
  if (isTold) kept.showsOneMode()
  return kept.modes
}

/** Throws all conflicts that no policy decided. */
export function throwIfUndecided(
  { settings }: Context,
  union: Union,
  found: DestDiff | undefined,
): void {
  const [between, withDest] = [union.undecided, found?.undecided ?? []]
  if (between.length === 0 && withDest.length === 0) return
  const changed = new Set(found?.own?.refused)
  for (const { path } of found?.removals?.undecided ?? []) changed.add(path)
  throw conflictError(between, withDest, changed, settings)
}
