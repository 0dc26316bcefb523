import { Action, type PlanDirectory } from '../plan/plan'
import { isUnchanged } from '../plan/whole-directory'

/** The directories of dest that get new entries, by path, so that each comes before those below it. */
export function receiversOf(root: PlanDirectory): PlanDirectory[] {
  const receivers: PlanDirectory[] = []
  const left = [root]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.state !== 'exists' || isUnchanged(next)) continue
    if (receives(next)) receivers.push(next)
    for (const child of next.directories.values()) left.push(child)
  }
  return receivers.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function receives({ parts, directories }: PlanDirectory): boolean {
  for (const { actions } of parts) {
    if (actions.includes(Action.Create) || actions.includes(Action.Replace)) return true
  }
  for (const { state } of directories.values()) {
    if (state === 'new' || state === 'replace') return true
  }
  return false
}
