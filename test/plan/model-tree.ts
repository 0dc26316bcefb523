export type ModelEntry =
  | { readonly type: 'file'; readonly data: string; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string }
  /** Without a mode: one that only leads to others, made as mkdir makes it. */
  | { readonly type: 'directory'; readonly mode: number | undefined }

/** '/'-joined path → what stands there; every directory above an entry is in it too. */
export type ModelTree = ReadonlyMap<string, ModelEntry>

/** Does dest's file system take the two names for one? An equivalence, which was observed there. */
export type SameName = (a: string, b: string) => boolean

export interface ModelSource {
  readonly name: string
  /** '' for dest itself. */
  readonly to: string
  /** Of the package's own directory, which `to` gets; undefined where the source has none. */
  readonly mode: number | undefined
  readonly tree: ModelTree
}

/** Same bytes and same executable bits, or same target; directories are never compared. */
export function identical(a: ModelEntry, b: ModelEntry): boolean {
  if (a.type === 'file' && b.type === 'file') {
    return a.data === b.data && (a.mode & 0o111) === (b.mode & 0o111)
  }
  return a.type === 'symlink' && b.type === 'symlink' && a.target === b.target
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`
}

/** The path as the tree spells it, as far as the tree has it. */
export function spelledIn(tree: ModelTree, path: string, sameName: SameName): string {
  if (path === '') return ''
  const parent = spelledIn(tree, parentOf(path), sameName)
  const name = nameOf(path)
  const known = [...tree.keys()].find(
    (other) => parentOf(other) === parent && sameName(nameOf(other), name),
  )
  return known ?? join(parent, name)
}

/** The tree at its place in dest. */
export function placed({ to, mode, tree }: ModelSource): ModelTree {
  const result = new Map<string, ModelEntry>()
  const above = to === '' ? [] : to.split('/')
  above.forEach((_, depth) => {
    result.set(above.slice(0, depth + 1).join('/'), { type: 'directory', mode: undefined })
  })
  if (to !== '') result.set(to, { type: 'directory', mode })
  for (const [path, entry] of tree) result.set([...above, path].join('/'), entry)
  return result
}

export function bothDirectories(a: ModelEntry, b: ModelEntry): boolean {
  return a.type === 'directory' && b.type === 'directory'
}

/** Have the two nothing directly in the directory but the same directories and identical other entries? */
function merelyShare(one: ModelTree, other: ModelTree, directory: string): boolean {
  return [
    [one, other],
    [other, one],
  ].every(([its, others]) =>
    [...(its ?? [])]
      .filter(([path]) => parentOf(path) === directory)
      .every(([path, entry]) => {
        const like = others?.get(path)
        return like !== undefined && (bothDirectories(entry, like) || identical(entry, like))
      }),
  )
}

/**
 * 'exclusive': the directory that only one of two may have anything in, if they disagree about an entry directly in `parent`:
 * the highest one on the way there that they do not merely share. '' for none: dest itself is never one.
 */
export function scopeOf(one: ModelTree, other: ModelTree, parent: string): string {
  if (parent === '') return ''
  const above = scopeOf(one, other, parentOf(parent))
  const isAbove = above !== '' && !merelyShare(one, other, above)
  return isAbove ? above : parent
}
