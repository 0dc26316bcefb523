import { Action, type PlanDirectory } from '../plan/plan'
import { asWhole } from '../plan/whole-directory'

/**
 * Forgets what was staged of a directory and below it, as far as `isMeant`: it is staged anew somewhere else. What was
 * published by now stays so.
 */
export function unstage(
  directory: PlanDirectory,
  isMeant: (directory: PlanDirectory) => boolean,
): void {
  const left = [directory]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.state === 'published') continue
    const whole = asWhole(next)
    const isOne = isMeant(next)
    if (isOne) next.staged = false
    if (whole !== undefined) {
      if (isOne) whole.stageAll(0, undefined)
      continue
    }
    if (isOne) for (const part of next.parts) unstagePart(part)
    for (const child of next.directories.values()) left.push(child)
  }
}

function unstagePart({ actions, staged }: PlanDirectory['parts'][number]): void {
  for (let position = 0; position < staged.length; position++) {
    const action = actions[position]
    if (action !== Action.Created && action !== Action.Replaced) staged[position] = 0
  }
}
