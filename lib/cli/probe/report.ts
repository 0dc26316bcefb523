import { defaultHost } from '../../host'
import { entryOf, type Host, type Place } from '../../host/host'
import { probe, type LinkMode, type ProbeResult } from '../../index'
import { KeptAttributes } from '../../host/kept-attributes'
import { lenient } from '../../host/lenient'
import { openTarget } from '../../plan/target'
import { findFile } from '../../probe'
import { Staging } from '../../stage/staging'
import { explain } from '../explain'
import type { Volume } from '../../volumes'
import { volumeOf } from '../volumes'
import { watchCopyUp, type CopyUp } from './copy-up'
import { costOf } from './cost'
import { recommend, type Recommendation } from './recommend'

/** What was found by trying. */
export interface Findings extends ProbeResult {
  /** Size of the file that was tried. */
  readonly bytes: number
  readonly volumes: { readonly store: Volume; readonly dest: Volume }
  /** µs a file, as a median; null where the mode does not work. */
  readonly cost: Readonly<Record<LinkMode, number | null>>
  /** Only where the store lies on an overlay, and hard links work. */
  readonly copyUp: CopyUp | null
}

export interface ProbeReport extends Findings {
  readonly recommended: Recommendation
}

const linkModes = ['clone', 'hardlink', 'copy', 'symlink'] as const
// A copy of this much takes noticeably longer than a link.
const bigForCopyUp = 1 << 20

/** Tries each link mode, measures its cost and its hidden effects, and recommends one. */
export async function report(
  store: string,
  dest: string,
  signal: AbortSignal,
): Promise<ProbeReport> {
  const volumes = { store: await volumeOf(store), dest: await volumeOf(dest) }
  // First: what has been linked once has been copied up already.
  const copyUp = volumes.store.type.includes('overlay')
    ? await inStaging(dest, (host, to) => copyUpOf(host, store, to))
    : null
  signal.throwIfAborted()
  const result = await probe(store, dest)
  signal.throwIfAborted()
  const { bytes, cost } = await inStaging(dest, (host, to) => costs(host, result, to, signal))
  const findings = { ...result, bytes, volumes, cost, copyUp }
  const { clone } = result.linkModes
  const why = clone.works
    ? ''
    : await explain(clone.code, clone.syscall, { from: result.path, to: result.dest })
  return { ...findings, recommended: recommend(findings, why) }
}

/** null where hard links fail: probe() reports why. */
async function copyUpOf(host: Host, store: string, to: Place): Promise<CopyUp | null> {
  const file = await findFile(host, store, bigForCopyUp)
  const { sizes } = await host.stat([{ to: file.directory, names: [file.name] }])
  try {
    return await watchCopyUp(host, file, sizes[0] ?? 0, to)
  } catch {
    // Not linked at all, e.g. between two file systems: probe() reports the errno.
    return null
  }
}

async function costs(
  host: Host,
  result: ProbeResult,
  to: Place,
  signal: AbortSignal,
): Promise<Pick<Findings, 'bytes' | 'cost'>> {
  const file = entryOf({ base: result.path, path: '' })
  const { sizes } = await host.stat([{ to: file.directory, names: [file.name] }])
  const bytes = sizes[0] ?? 0
  const cost = { clone: null, hardlink: null, copy: null, symlink: null } as Record<
    LinkMode,
    number | null
  >
  for (const mode of linkModes) {
    signal.throwIfAborted()
    if (!result.linkModes[mode].works) continue
    cost[mode] = await costOf(host, mode, file, bytes, to)
  }
  return { bytes, cost }
}

/** `work` gets an empty directory on dest's file system, which is removed again. */
async function inStaging<T>(dest: string, work: (host: Host, to: Place) => Promise<T>): Promise<T> {
  const kept = new KeptAttributes()
  const host = lenient(defaultHost, kept)
  const { nearest } = await openTarget(host, dest)
  try {
    const staging = await Staging.make({ host, notAborted: host, kept }, nearest, [])
    try {
      return await work(host, await staging.makeRoom())
    } finally {
      await staging.remove()
    }
  } finally {
    await host.close(nearest)
  }
}
