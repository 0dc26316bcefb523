import { commit, type Committed } from './commit/commit'
import { commitRules } from './commit-rules'
import { debug } from './debug'
import { throwAfter } from './errors'
import type { Host, Place } from './host/host'
import type { Life } from './life'
import { readNames, readPath } from './options'
import { emptyPlan } from './plan/plan'
import { planRemovals, type Removals } from './plan/removals'
import { withoutSources } from './plan/without-sources'
import type { DestDiff } from './plan/diff'
import { openRecovered, prepare, type Context } from './planning'
import { durationOf } from './result'
import { listenForAbort, throwIfAborted } from './signal'
import { Site } from './site'
import type { PlanEntry, RemoveOptions, RemoveResult } from './types'
import { requireManifest } from './verify'

/** What remove() would do. */
export interface RemovePlan extends Pick<
  RemoveResult,
  'removed' | 'kept' | 'uncovered' | 'directories'
> {
  /** What would be taken out, sorted by path. */
  readonly entries: readonly PlanEntry[]
}

/** remove() on a host of choice: takes the entries of these sources out of dest again. */
export async function removeOn(
  system: Host,
  dest: string,
  names: readonly string[],
  options: RemoveOptions = {},
): Promise<RemoveResult> {
  return prepared(system, dest, names, options, async (context, path, named) => {
    const site = await openRecovered(context, path, options.signal)
    return new Removing(context, site, named).run()
  })
}

/** What removeOn() would do. Nothing is changed, and merges that were killed are not undone. */
export async function planRemoveOn(
  system: Host,
  dest: string,
  names: readonly string[],
  options: RemoveOptions = {},
): Promise<RemovePlan> {
  return prepared(system, dest, names, options, async (context, path, named) => {
    const site = await Site.open(context, path, context.settings.existing)
    return new Removing(context, site, named).plan()
  })
}

async function prepared<T>(
  system: Host,
  dest: string,
  names: readonly string[],
  options: RemoveOptions,
  work: (context: Context, path: string, named: ReadonlySet<string>) => Promise<T>,
): Promise<T> {
  const path = readPath('dest', dest)
  const named = readNames(names)
  const stop = new AbortController()
  const { manifest = true } = options
  // What somebody has changed stays, and is reported.
  const given = { ...options, manifest, modified: 'keep' as const, signal: stop.signal }
  const context = prepare(system, given, stop.signal, path)
  const caller = options.signal
  throwIfAborted(caller)
  const unlisten = listenForAbort(caller, () => {
    stop.abort(caller?.reason)
  })
  try {
    await requireManifest(context.host, path, (context.life as Life).manifestPath)
    return await work(context, path, new Set(named))
  } finally {
    unlisten()
  }
}

class Removing {
  private removals: Removals | undefined
  private result: RemoveResult | undefined

  constructor(
    private readonly context: Context,
    private readonly site: Site,
    private readonly names: ReadonlySet<string>,
  ) {}

  private get life(): Life {
    return this.context.life as Life
  }

  async run(): Promise<RemoveResult> {
    const { site } = this
    try {
      await this.commit()
    } catch (error) {
      return await throwAfter(error, () => site.sweep().finally(() => site.close()))
    }
    // The sources are removed: what cannot be swept or closed fails nothing any more.
    await site
      .sweep()
      .finally(() => site.close())
      .catch((error: unknown) => {
        debug('sweeping: %s', error)
      })
    return this.result as RemoveResult
  }

  async plan(): Promise<RemovePlan> {
    const { site } = this
    try {
      if (site.dest !== undefined) await this.diffDest({ base: site.dest, path: '' })
    } finally {
      await site.close()
    }
    return { ...this.outcome, entries: this.removals?.entries() ?? [] }
  }

  private async commit(): Promise<Committed> {
    const { context, site, life } = this
    const { watch } = context
    return commit({
      ...commitRules(context, site),
      root: emptyPlan(),
      stage: async () => (this.removals === undefined ? undefined : site.staging()),
      diffDest: async (dest) => this.diffDest({ base: dest, path: '' }),
      stageManifest: async (staged) => {
        const { manifest } = life.known
        const next = withoutSources(manifest, this.names, this.removals as Removals)
        return life.write(next, (path) => staged.twins(path).fresh)
      },
      taken: life.taken,
      onLocked: () => {
        watch.lap('lock')
      },
      conclude: ({ locking }) => {
        watch.lap('commit')
        this.result = this.resultOf(locking)
      },
    })
  }

  private async diffDest(dest: Place): Promise<DestDiff> {
    const { life, context } = this
    const { ours } = await life.lifecycle(this.site.target.path, [])
    const { sources, rows } = ours.recorded.manifest
    const isNamed = (source: number): boolean => this.names.has(sources[source]?.name ?? '')
    const isAny = sources.some(({ name }) => this.names.has(name))
    if (!isAny) {
      this.removals = undefined
      return { decided: [], undecided: [], own: undefined, removals: undefined }
    }
    const removals = await planRemovals(
      context.host,
      dest,
      ours,
      {
        hasDirectory: (path) => {
          const directory = ours.recorded.directory(path)
          return directory?.sources.some((source) => !isNamed(source)) === true
        },
        hasName: () => false,
        goes: (row) =>
          isNamed(rows.owners[row] ?? 0) && (rows.shared.get(row) ?? []).every(isNamed),
      },
      life.taken,
    )
    this.removals = removals
    return { decided: [], undecided: [], own: undefined, removals }
  }

  private resultOf(locking: RemoveResult['locking']): RemoveResult {
    const { host, watch } = this.context
    const { containment } = host
    return { ...this.outcome, locking, containment, duration: durationOf(watch) }
  }

  private get outcome(): Omit<RemovePlan, 'entries'> {
    const { removals, life } = this
    return {
      removed: removals?.count ?? 0,
      kept: removals?.modified.sort((a, b) => (a.path < b.path ? -1 : 1)) ?? [],
      uncovered: removals === undefined ? [] : life.uncovered(this.names, removals),
      directories: removals?.directoryCount ?? 0,
    }
  }
}
