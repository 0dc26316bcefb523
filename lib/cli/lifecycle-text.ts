import { append } from '../append'
import type { RemoveResult, VerifyResult } from '../index'
import type { RemovePlan } from '../remove'
import { listLines } from './list-lines'
import { differingLines, modifiedLines } from './modified-text'
import type { OutputOptions } from './options'
import { pathLines } from './plan-paths'
import { formatCount } from './units'

/** What was taken out of dest, for people. */
export function describeRemoval(
  result: RemoveResult,
  dest: string,
  options: OutputOptions,
): string {
  const { duration } = result
  const lines = [`${dest}: ${removed(result)} removed in ${(duration.total / 1000).toFixed(2)} s`]
  append(lines, keptLines(result, options))
  return lines.join('\n')
}

/** What would be taken out of dest, for people: with the first `most` paths. */
export function describeRemovePlan(
  plan: RemovePlan,
  dest: string,
  options: OutputOptions,
  most: number,
): string {
  const lines = [`${dest}: ${removed(plan)} to remove`]
  append(lines, [...pathLines(plan.entries, most), ...keptLines(plan, options)])
  return lines.join('\n')
}

function removed({
  removed: entries,
  directories,
}: Pick<RemoveResult, 'removed' | 'directories'>): string {
  const count = formatCount(entries, 'entry', 'entries')
  return directories === 0
    ? count
    : `${count} and ${formatCount(directories, 'directory', 'directories')}`
}

function keptLines(
  { kept, uncovered }: Pick<RemoveResult, 'kept' | 'uncovered'>,
  options: OutputOptions,
): string[] {
  const paths = formatCount(uncovered.length, 'path')
  return [
    ...modifiedLines(kept, options),
    ...listLines(
      `${paths} that another source also provides; the next sync restores its version`,
      uncovered.map(({ path, source }) => `${path}: ${source}`),
      options,
    ),
  ]
}

/** What was found of what a manifest lists, for people. */
export function describeVerification(
  { entries, unchanged, modified, foreign = [], sources }: VerifyResult,
  dest: string,
  options: OutputOptions,
): string {
  const count = `${formatCount(entries, 'entry', 'entries')} of ${formatCount(sources.length, 'source')}`
  const outcome =
    modified.length === 0 ? 'all as recorded' : `${unchanged.toLocaleString('en')} as recorded`
  const lines = [`${dest}: ${count}, ${outcome}`]
  if (options.verbose === true) append(lines, sources.map(sourceLine))
  append(lines, differingLines(modified, options))
  const strangers = formatCount(foreign.length, 'path')
  append(
    lines,
    listLines(
      `${strangers} in directories made by merges, but not in the manifest`,
      foreign,
      options,
    ),
  )
  return lines.join('\n')
}

function sourceLine({ name, to, digest }: VerifyResult['sources'][number]): string {
  const place = to === '' ? '' : ` in ${to}`
  return `  ${name}${place}${digest === undefined ? '' : `, digest ${digest}`}`
}
