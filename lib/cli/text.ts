import type { Conflict, Fallback, MergePlan, MergeResult, RecoverResult } from '../index'

const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes in powers of 1,000, as disks are sold and df -H shows them. */
function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  const value = bytes / 1000 ** power
  return `${power === 0 ? String(value) : value.toFixed(1)} ${units[power] ?? ''}`
}

function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? singular : plural}`
}

function conflictLine({ path, kind, sources, winner }: Conflict): string {
  const decided = winner === null ? '' : ` → ${winner}`
  return `  ${path} (${kind}): ${sources.join(', ')}${decided}`
}

function conflictLines(conflicts: readonly Conflict[]): string[] {
  if (conflicts.length === 0) return []
  return [`${formatCount(conflicts.length, 'conflict')}:`, ...conflicts.map(conflictLine)]
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

/** What a merge did, for people. */
export function describeResult(result: MergeResult, dest: string): string {
  const { created, replaced, kept, unchanged, linkModes, fallbacks, conflicts, duration } = result
  const effects = Object.entries({ created, replaced, kept, unchanged })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count.toLocaleString('en')} ${what}`)
  const modes = Object.entries(linkModes)
    .filter(([, count]) => count > 0)
    .map(([mode, count]) => `${mode} ${count.toLocaleString('en')}`)
  const lines = [`${dest}: ${contents(result)} in ${(duration.total / 1000).toFixed(2)} s`]
  if (effects.length > 0) lines.push(`  ${effects.join(', ')}`)
  if (modes.length > 0) lines.push(`  placed by: ${modes.join(', ')}`)
  lines.push(...fallbacks.map(fallbackLine), ...conflictLines(conflicts))
  return lines.join('\n')
}

/** What a merge would do, for people. */
export function describePlan(plan: MergePlan, dest: string): string {
  const counts = new Map<string, number>()
  for (const { type, action } of plan.entries()) {
    if (type !== 'directory') counts.set(action, (counts.get(action) ?? 0) + 1)
  }
  const actions = [...counts].map(([action, count]) => `${action} ${count.toLocaleString('en')}`)
  const lines = [`${dest}: ${contents(plan)}`]
  if (actions.length > 0) lines.push(`  ${actions.join(', ')}`)
  lines.push(...conflictLines(plan.conflicts))
  return lines.join('\n')
}

/** What was found of merges that were killed, for people. */
export function describeRecovery(result: RecoverResult, dest: string): string {
  const { undone, removed, running, left } = result
  const lines = [`${dest}: ${formatCount(undone, 'killed merge')} undone`]
  const directories = (count: number): string =>
    formatCount(count, 'staging directory', 'staging directories')
  if (removed > 0) lines.push(`  ${directories(removed)} removed`)
  if (running > 0) lines.push(`  ${directories(running)} of merges that may still run, left alone`)
  if (left.length > 0) lines.push(`  ${directories(left.length)} left`)
  return lines.join('\n')
}
