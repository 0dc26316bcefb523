import { getEventListeners } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'

import type { Host } from '../../lib/host/host'
import type { MergeOptions, MergeResult, DirectorySource, Source } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { Session } from '../../lib/session'
import type { Operation } from './scripted-host'
import { writeTree, type TreeSpec } from './tree'

/** Operations that put files and symlinks somewhere. */
export const placing: ReadonlySet<Operation> = new Set<Operation>([
  ...(['clone', 'hardlink', 'copy', 'symlink'] as const),
])

/** Writes packages into `base/store`; sources in the order given. */
export function stored(
  base: string,
  packages: Readonly<Record<string, TreeSpec>>,
): DirectorySource[] {
  return Object.entries(packages).map(([name, spec]) => ({
    name,
    dir: writeTree(path.join(base, 'store', name), spec),
  }))
}

/** Opens a session, adds all sources with their place as rank, the last first, and waits until all are staged. */
export async function staged(
  host: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<Session> {
  const session = await Session.open(host, dest, options)
  for (const [rank, source] of [...sources.entries()].reverse()) await session.add(source, { rank })
  return session
}

/** What one merge() of all of them gives, in `expected` beside dest. */
export async function merged(
  host: Host,
  sources: readonly Source[],
  dest: string,
  options?: MergeOptions,
): Promise<{ dest: string; report: object }> {
  const expected = path.join(path.dirname(dest), 'expected')
  const result = await mergeOn(host, sources, expected, options)
  return { dest: expected, report: reportOf(result, expected) }
}

/** A report without its times, and without dest's path: two of them can be compared. */
export function reportOf(result: MergeResult, dest: string): object {
  const told = JSON.stringify({ ...result, duration: undefined })
  return JSON.parse(told.replaceAll(dest, 'DEST')) as object
}

/** Staging directories in any of these directories. */
export function stagingIn(...dirs: readonly string[]): string[] {
  return dirs
    .flatMap((dir) => (fs.existsSync(dir) ? fs.readdirSync(dir) : []))
    .filter((name) => name.startsWith('.reflink-merge-'))
}

/** What this process has open in a directory, also what is removed by now. */
export function openIn(dir: string): string[] {
  const links = '/proc/self/fd'
  return fs.readdirSync(links).flatMap((descriptor) => {
    try {
      const target = fs.readlinkSync(path.join(links, descriptor))
      return target.startsWith(dir) ? [target] : []
    } catch {
      // The one that read the list, and whatever else was closed meanwhile.
      return []
    }
  })
}

/** How many listen to the signal's abort. */
export function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

/** Every order of the items. */
export function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutationsOf(items.toSpliced(index, 1)).map((others) => [item, ...others]),
  )
}
