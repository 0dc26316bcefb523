/** Directories below dest that may lie within each other. What a merge takes grows with the depth of each of them. */
const deepest = 4096

/** UTF-16 units. With names of one letter a path is as long as this at a depth of 32,768. */
const longestPath = 65_536

/** Why a directory or file of a source lies too deep, or undefined. `path`: below dest. */
export function depthProblem(path: string): string | undefined {
  if (path.length > longestPath) return `a path longer than ${String(longestPath)} characters`
  // Each name takes two characters at least.
  if (path.length < 2 * deepest) return undefined
  let names = 1
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) names++
  return names > deepest ? `more than ${String(deepest)} directories deep` : undefined
}

/** A path of such a length as people read it. */
export function shortened(path: string): string {
  const shown = 60
  return path.length <= 2 * shown ? path : `${path.slice(0, shown)}…${path.slice(-shown)}`
}
