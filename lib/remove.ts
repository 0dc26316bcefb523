import { commit, type Committed } from './commit/commit'
import { commitRules } from './commit-rules'
import { throwAfter } from './errors'
import type { Host, Place } from './host/host'
import type { Life } from './life'
import { readNames, readPath } from './options'
import { emptyPlan } from './plan/plan'
import { planRemovals, type Removals } from './plan/removals'
import { withoutSources } from './plan/without-sources'
import type { Survey } from './plan/survey'
import { openRecovered, prepare, type Context } from './planning'
import { durationOf } from './result'
import { listenForAbort, throwIfAborted } from './signal'
import type { Site } from './site'
import type { RemoveOptions, RemoveResult } from './types'
import { requireManifest } from './verify'

/** remove() on a host of choice: takes the entries of these sources out of dest again. */
export async function removeOn(
  system: Host,
  dest: string,
  names: readonly string[],
  options: RemoveOptions = {},
): Promise<RemoveResult> {
  const path = readPath('dest', dest)
  const named = readNames(names)
  const stop = new AbortController()
  const { manifest = true } = options
  // What somebody has changed stays, and is told.
  const given = { ...options, manifest, modified: 'keep' as const, signal: stop.signal }
  const context = prepare(system, given, stop.signal, path)
  const caller = options.signal
  throwIfAborted(caller)
  const unlisten = listenForAbort(caller, () => {
    stop.abort(caller?.reason)
  })
  try {
    await requireManifest(path, (context.life as Life).manifestPath)
    const site = await openRecovered(context, path, caller)
    return await new Removing(context, site, new Set(named)).run()
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
    await site.sweep().catch(() => undefined)
    await site.close().catch(() => undefined)
    return this.result as RemoveResult
  }

  private async commit(): Promise<Committed> {
    const { context, site, life } = this
    const { watch } = context
    return commit({
      ...commitRules(context, site),
      root: emptyPlan(),
      stage: async () => (this.removals === undefined ? undefined : site.staging()),
      survey: async (dest) => this.survey({ base: dest, path: '' }),
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

  private async survey(dest: Place): Promise<Survey> {
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
    const { removals, context, life } = this
    const { host, watch } = context
    return {
      removed: removals?.count ?? 0,
      kept: removals?.modified.sort((a, b) => (a.path < b.path ? -1 : 1)) ?? [],
      uncovered: removals === undefined ? [] : life.uncovered(this.names, removals),
      directories: removals?.directoryCount ?? 0,
      ...{ locking, containment: host.containment, duration: durationOf(watch) },
    }
  }
}
