import type { PlanEntry } from '../index'

/** The entries of a plan that change something, each on a line; more than `most` are counted. */
export function pathLines(entries: Iterable<PlanEntry>, most: number): string[] {
  const paths: string[] = []
  let changes = 0
  for (const { path, type, action } of entries) {
    if (action === 'unchanged' && most < Infinity) continue
    if (changes++ < most) paths.push(`  ${action} ${path}${type === 'directory' ? '/' : ''}`)
  }
  const lines = paths.length > 0 ? ['paths:', ...paths] : []
  if (changes > paths.length)
    lines.push(`  … and ${(changes - paths.length).toLocaleString('en')} more: --list shows all`)
  return lines
}
