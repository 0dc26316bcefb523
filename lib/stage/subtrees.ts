import { walk } from '../traversal'
import { Kind, ownerAccess, type Place } from '../host/host'
import type { PlanDirectory, Union } from '../plan/plan'
import type { TreeDirectory } from '../scan/tree'

/** A directory of the union that is, with all below it, just what one source has there. */
export interface Subtree {
  readonly directory: PlanDirectory
  readonly tree: TreeDirectory
  /** Where the source has it. */
  readonly origin: Place
  /** Name of the source. */
  readonly source: string
  /** st_dev of all that lies in it. */
  readonly device: number
}

export interface SubtreeRules {
  /** Files get u+w. */
  readonly writable: boolean
}

/** A directory that may be made, on the way through the union. */
interface Visited {
  readonly directory: PlanDirectory
  readonly depth: number
  readonly above: Visited | undefined
  /** Does dest lack it? */
  readonly isNew: boolean
  /** What its only source has there. */
  readonly tree: TreeDirectory | undefined
  /** Would a clone of that be what is wanted? Also in all below it? */
  isAll: boolean
  hasFiles: boolean
  /** Is it, or one above it, cloned? */
  isCloned: boolean
  isOnTheWay: boolean
}

/** The highest directories that are one source's alone and still to be staged; and the way to them, by depth. */
export function findSubtrees(
  { root, trees }: Union,
  rules: SubtreeRules,
): { subtrees: Subtree[]; levels: PlanDirectory[][] } {
  const visited: Visited[] = []
  const begin = (directory: PlanDirectory, above: Visited | undefined): Visited => {
    const { path, name, sources, state } = directory
    const [source = 0] = sources
    const { root: top, to = '' } = trees[source] ?? {}
    const ofParent = sources.length === 1 ? above?.tree?.directories.get(name) : undefined
    const tree = sources.length > 1 ? undefined : (ofParent ?? (top && treeAt(top, to, path)))
    const isAll = tree !== undefined && isWhole(directory, tree, rules)
    return {
      ...{ directory, above, tree, isAll },
      depth: above === undefined ? 0 : above.depth + 1,
      isNew: above?.isNew === true || state !== 'exists',
      hasFiles: tree !== undefined && tree.names.length > 0,
      isCloned: false,
      isOnTheWay: false,
    }
  }
  walk(begin(root, undefined), (node) => {
    const { state, directories } = node.directory
    if (state === 'published' || state === 'keep') return undefined
    visited.push(node)
    return Array.from(directories.values(), (child) => begin(child, node))
  })
  for (const { above, tree, isAll, hasFiles, directory } of visited.toReversed()) {
    if (above === undefined) continue
    if (!isAll || tree?.device !== above.tree?.device) above.isAll = false
    // One that has none is made as soon as it is cloned.
    if (hasFiles && above.tree?.directories.has(directory.name) === true) above.hasFiles = true
  }
  const subtrees: Subtree[] = []
  for (const node of visited) {
    const { directory, above, tree, isNew, depth } = node
    const origin = tree?.origin
    node.isCloned = above?.isCloned === true
    if (node.isCloned || !isNew || depth === 0 || !node.isAll || !node.hasFiles) continue
    if (tree === undefined || origin === undefined) continue
    const source = trees[directory.sources[0] ?? 0]?.name ?? ''
    subtrees.push({ directory, tree, origin, source, device: tree.device as number })
    node.isCloned = true
    if (above !== undefined) above.isOnTheWay = true
  }
  return { subtrees, levels: levelsOnTheWay(visited) }
}

/** Directories that must be made before. */
function levelsOnTheWay(visited: readonly Visited[]): PlanDirectory[][] {
  for (const { above, isOnTheWay } of visited.toReversed())
    if (isOnTheWay && above !== undefined) above.isOnTheWay = true
  const levels: PlanDirectory[][] = []
  for (const { directory, depth, isOnTheWay } of visited)
    if (isOnTheWay && !directory.staged) (levels[depth] ??= []).push(directory)
  return levels.filter((level) => level.length > 0)
}

/** What a source has at a path in dest. */
function treeAt(top: TreeDirectory, to: string, path: string): TreeDirectory | undefined {
  if (to !== '' && path !== to && !path.startsWith(`${to}/`)) return undefined
  const names = path.slice(to.length).split('/')
  let tree: TreeDirectory | undefined = top
  for (const name of names) if (name !== '') tree = tree?.directories.get(name)
  return tree
}

/**
 * Would a clone of the source's directory be what is wanted here, as far as it does not depend on its subdirectories? Not
 * where something of it is left out, or gets another mode, or has a bit that is never passed on.
 */
function isWhole(directory: PlanDirectory, tree: TreeDirectory, rules: SubtreeRules): boolean {
  const { parts, directories, staged, sources, mode } = directory
  if (staged || sources.length !== 1 || !tree.isComplete || typeof tree.device !== 'number')
    return false
  if (mode === undefined || mode !== tree.mode || (mode & ownerAccess) !== ownerAccess) return false
  if (tree.origin === undefined || !hasPlainModes(tree, rules)) return false
  const [part, ...others] = parts
  if (others.length > 0 || (part?.picks.length ?? 0) !== tree.names.length) return false
  if (part !== undefined && (part.tree !== tree || part.staged.some((how) => how !== 0))) {
    return false
  }
  if (directories.size !== tree.directories.size) return false
  return [...directories.keys()].every((name) => tree.directories.has(name))
}

function hasPlainModes({ kinds, modes }: TreeDirectory, { writable }: SubtreeRules): boolean {
  return modes.every(
    (mode, index) =>
      kinds[index] !== Kind.File || ((mode & 0o7000) === 0 && (!writable || (mode & 0o200) !== 0)),
  )
}
