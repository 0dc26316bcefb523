/**
 * Names that some file system might take for one: a coarse guess, never the decision, which is dest's file
 * system's own. What it misses shows in the staging directory, as a name that is taken.
 */

// Some file systems drop these at the end of a name, or everywhere in it.
const dropped = /\p{Default_Ignorable_Code_Point}|[. ]+$/gu
const beyondAscii = /[^\0-\x7f]/
// Without any of these, names that differ are different ones to every file system.
const maybeAlike = /[^\0-@[-\x7f]|[. ]$/

export function coarse(name: string): string {
  if (isAscii(name)) {
    const lower = name.toLowerCase()
    return /[. ]$/.test(lower) ? lower.replace(/[. ]+$/, '') : lower
  }
  const folded = name.normalize('NFKD').replace(dropped, '').toUpperCase().normalize('NFKD')
  // Twice, since case and composition have exceptions in each other: ß is SS, the Kelvin sign is K.
  return folded.toLowerCase().toUpperCase().toLowerCase()
}

export function alike(a: string, b: string): boolean {
  return coarse(a) === coarse(b)
}

export function isAscii(name: string): boolean {
  return !beyondAscii.test(name)
}

/** Groups of different names that look alike; few directories have any. */
export function lookAlikes(names: readonly string[]): string[][] {
  if (names.length < 2 || !names.some((name) => maybeAlike.test(name))) return []
  const seen = new Set<string>()
  for (const name of names) seen.add(coarse(name))
  if (seen.size === names.length) return []
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const key = coarse(name)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [name])
    else group.push(name)
  }
  return [...groups.values()].filter(({ length }) => length > 1)
}
