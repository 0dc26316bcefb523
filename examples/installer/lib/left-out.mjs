import { Dependents } from './dependents.mjs'

/**
 * What goes with an optional package that cannot be installed: those that cannot do without it, up to the dependency that
 * is optional, and what nobody else depends on. It is what npm leaves out.
 * @param {import('./lock.mjs').Lock} lock
 * @param {ReadonlySet<string>} failed the places of optional packages
 * @returns {Set<string>} places, with those of `failed`
 */
export function leftOut(lock, failed) {
  if (failed.size === 0) return new Set()
  const dependents = new Dependents(lock)
  const broken = new Set(failed)
  for (const to of broken) {
    for (const { from, optional } of dependents.into(to))
      if (!optional && from !== '') broken.add(from)
  }
  const out = new Set(broken)
  for (const from of out) for (const { to } of dependents.outOf(from)) out.add(to)
  // What somebody who stays depends on stays, and so on.
  for (let changed = true; changed;) {
    changed = false
    for (const to of out) {
      const isNeeded = dependents.into(to).some(({ from }) => !out.has(from))
      if (broken.has(to) || !isNeeded) continue
      out.delete(to)
      changed = true
    }
  }
  return out
}
