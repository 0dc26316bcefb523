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

/** The highest directories that are one source's alone and still to be staged; and the way to them, by depth. */
export function findSubtrees(
  { root, trees }: Union,
  rules: SubtreeRules,
): { subtrees: Subtree[]; levels: PlanDirectory[][] } {
  const subtrees: Subtree[] = []
  const levels: PlanDirectory[][] = []

  /** Is there any in it? Then it must be made before. */
  const visit = (directory: PlanDirectory, depth: number, inside: boolean): boolean => {
    const { state, sources } = directory
    if (state === 'published' || state === 'keep') return false
    const whole = inside || state !== 'exists'
    const [source] = sources
    if (whole && depth > 0 && sources.length === 1 && source !== undefined) {
      const { root: top, name, to } = trees[source] ?? {}
      const tree = top && treeAt(top, to ?? '', directory.path)
      const origin = tree && originOf(tree)
      if (tree && origin && isAll(directory, tree, tree.device, rules) && hasFiles(tree)) {
        const device = tree.device as number
        subtrees.push({ directory, tree, origin, source: name ?? '', device })
        return true
      }
    }
    let isOnTheWay = false
    for (const child of directory.directories.values()) {
      if (visit(child, depth + 1, whole)) isOnTheWay = true
    }
    if (isOnTheWay && !directory.staged) (levels[depth] ??= []).push(directory)
    return isOnTheWay
  }

  visit(root, 0, false)
  return { subtrees, levels: levels.filter((level) => level.length > 0) }
}

/** What a source has at a path in dest. */
function treeAt(top: TreeDirectory, to: string, path: string): TreeDirectory | undefined {
  if (to !== '' && path !== to && !path.startsWith(`${to}/`)) return undefined
  const names = path.slice(to.length).split('/')
  let tree: TreeDirectory | undefined = top
  for (const name of names) if (name !== '') tree = tree?.directories.get(name)
  return tree
}

function originOf({ origin }: TreeDirectory): Place | undefined {
  return 'base' in origin ? origin : undefined
}

/**
 * Would a clone of the source's directory be what is wanted here, in every entry? Not where something of it is left
 * out, or gets another mode, or has a bit that is never passed on.
 */
function isAll(
  directory: PlanDirectory,
  tree: TreeDirectory,
  device: TreeDirectory['device'],
  rules: SubtreeRules,
): boolean {
  const { parts, directories, staged, sources, mode } = directory
  if (staged || sources.length !== 1 || !tree.isComplete || tree.device !== device) return false
  if (mode === undefined || mode !== tree.mode || (mode & ownerAccess) !== ownerAccess) return false
  if (originOf(tree) === undefined || !hasPlainModes(tree, rules)) return false
  const [part, ...others] = parts
  if (others.length > 0 || (part?.picks.length ?? 0) !== tree.names.length) return false
  if (part !== undefined && (part.tree !== tree || part.staged.some((how) => how !== 0))) {
    return false
  }
  if (directories.size !== tree.directories.size) return false
  for (const [name, child] of directories) {
    const own = tree.directories.get(name)
    if (own === undefined || !isAll(child, own, device, rules)) return false
  }
  return true
}

function hasPlainModes({ kinds, modes }: TreeDirectory, { writable }: SubtreeRules): boolean {
  return modes.every(
    (mode, index) =>
      kinds[index] !== Kind.File || ((mode & 0o7000) === 0 && (!writable || (mode & 0o200) !== 0)),
  )
}

/** One that has none is made as soon as it is cloned. */
function hasFiles({ names, directories }: TreeDirectory): boolean {
  if (names.length > 0) return true
  for (const child of directories.values()) if (hasFiles(child)) return true
  return false
}
