import { append } from '../append'
import type {
  Conflict,
  Fallback,
  MergePlan,
  MergeResult,
  RecoverResult,
  SourceResult,
} from '../index'
import { listLines } from './list-lines'
import { messageOf } from './message'
import { modifiedLines } from './modified-text'
import type { OutputOptions } from './options'
import { pathLines } from './plan-paths'
import { formatBytes, formatCount } from './units'

function conflictLine({ path, kind, sources, winner }: Conflict): string {
  const decided = winner === null ? '' : ` → ${winner}`
  return `${path} (${kind}): ${sources.join(', ')}${decided}`
}

function conflictLines(conflicts: readonly Conflict[], options: OutputOptions): string[] {
  return listLines(formatCount(conflicts.length, 'conflict'), conflicts.map(conflictLine), options)
}

function sourceLine({ name, files, bytes, lost }: SourceResult): string {
  const losses =
    lost.length === 0 ? '' : `, ${formatCount(lost.length, 'path')} lost to other sources`
  return `  ${name}: ${formatCount(files, 'file')}, ${formatBytes(bytes)}${losses}`
}

function skippedLines(sources: readonly SourceResult[]): string[] {
  const skipped = sources.flatMap(({ name, skipped = [] }) =>
    skipped.map((path) => ({ name, path })),
  )
  const [first] = skipped
  if (first === undefined) return []
  const count = formatCount(skipped.length, 'special file')
  return [`  ${count} skipped, first ${first.path} of ${first.name}`]
}

function durationLine({ scan, plan, stage, lock, commit }: MergeResult['duration']): string {
  const parts = Object.entries({ scan, plan, stage, lock, commit }).map(
    ([phase, ms]) => `${phase} ${Math.round(ms)} ms`,
  )
  return `  time: ${parts.join(', ')}`
}

function contents({ files, directories, symlinks, bytes }: MergePlan | MergeResult): string {
  const parts = [formatCount(files, 'file'), formatCount(directories, 'directory', 'directories')]
  if (symlinks > 0) parts.push(formatCount(symlinks, 'symlink'))
  return `${parts.join(', ')}, ${formatBytes(bytes)}`
}

function fallbackLine({ from, to, code, syscall, files, path, dest }: Fallback): string {
  const count = formatCount(files, 'file')
  return `  ${count}: ${from} → ${to}, ${code} from ${syscall}, first ${path} → ${dest}`
}

function attributeLines({ unsupported, differing }: MergeResult['attributes']): string[] {
  const lines: string[] = []
  if (unsupported.length > 0)
    lines.push(`  not supported by the file system of dest: ${unsupported.join(', ')}`)
  if (differing > 0)
    lines.push(`  ${formatCount(differing, 'unchanged file')} with attributes other than requested`)
  return lines
}

/** What a merge did, for people. */
export function describeResult(result: MergeResult, dest: string, options: OutputOptions): string {
  const { created, replaced, kept, unchanged, removed, modified } = result
  const { linkModes, fallbacks, conflicts, duration, attributes } = result
  const effects = Object.entries({ created, replaced, removed, kept, unchanged })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count.toLocaleString('en')} ${what}`)
  const modes = Object.entries(linkModes)
    .filter(([, count]) => count > 0)
    .map(([mode, count]) => `${mode} ${count.toLocaleString('en')}`)
  const lines = [`${dest}: ${contents(result)} in ${(duration.total / 1000).toFixed(2)} s`]
  if (effects.length > 0) lines.push(`  ${effects.join(', ')}`)
  if (modes.length > 0) lines.push(`  placed by: ${modes.join(', ')}`)
  append(lines, skippedLines(result.sources))
  append(lines, [...fallbacks.map(fallbackLine), ...attributeLines(attributes)])
  if (options.verbose === true)
    append(lines, [durationLine(duration), ...result.sources.map(sourceLine)])
  if (result.leftover !== undefined) {
    const { path, error } = result.leftover
    lines.push(`  ${path} could not be removed: ${messageOf(error)}`)
  }
  for (const { error } of result.left ?? [])
    lines.push(`  left by a killed merge: ${messageOf(error)}`)
  const told = new Set(modified.map(({ path }) => path))
  const others = conflicts.filter(({ path }) => !told.has(path))
  append(lines, [...modifiedLines(modified, options), ...conflictLines(others, options)])
  return lines.join('\n')
}

/** What a merge would do, for people: with the first `most` paths that it would change. */
export function describePlan(
  plan: MergePlan,
  dest: string,
  options: OutputOptions,
  most: number,
): string {
  const counts = new Map<string, number>()
  const entries = [...plan.entries()]
  for (const { type, action } of entries) {
    if (type !== 'directory') counts.set(action, (counts.get(action) ?? 0) + 1)
  }
  const actions = [...counts].map(([action, count]) => `${action} ${count.toLocaleString('en')}`)
  const lines = [`${dest}: ${contents(plan)}`]
  if (actions.length > 0) lines.push(`  ${actions.join(', ')}`)
  append(lines, skippedLines(plan.sources))
  if (options.verbose === true) append(lines, plan.sources.map(sourceLine))
  append(lines, pathLines(entries, most))
  append(lines, conflictLines(plan.conflicts, options))
  return lines.join('\n')
}

/** What was found of merges that were killed, for people. */
export function describeRecovery(result: RecoverResult, dest: string): string {
  const { undone, removed, running, left, foreign = [] } = result
  const lines = [`${dest}: ${formatCount(undone, 'killed merge')} undone`]
  const directories = (count: number): string =>
    formatCount(count, 'staging directory', 'staging directories')
  if (removed > 0) lines.push(`  ${directories(removed)} removed`)
  if (running > 0)
    lines.push(`  ${directories(running)} of merges that may still be running, left alone`)
  if (left.length > 0) lines.push(`  ${formatCount(left.length, 'path')} left`)
  for (const path of foreign)
    lines.push(`  ${path} looks like a staging directory but is not one of this dest; left alone`)
  return lines.join('\n')
}
