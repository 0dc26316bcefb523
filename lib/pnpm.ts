import { existsSync, lstatSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isMergeError, mergeSync } from './index'
import type { LinkMode, MergeResult, Source } from './types'

/** What pnpm's setting `package-import-method` may be. */
export type PackageImportMethod = 'auto' | 'hardlink' | 'copy' | 'clone' | 'clone-or-copy'

/** What pnpm tells its importer of a package. */
export interface ImportOptions {
  /** `/`-separated path in the package → file of the store. */
  filesMap: Map<string, string>
  /** Import it even if it is there. */
  force: boolean
  /** What comes from the store is not imported again where it is there. */
  resolvedFrom: 'remote' | 'store' | 'local-dir'
  /** Leave a directory alone that holds more than `node_modules`, if it comes from a local directory. */
  disableRelinkLocalDirDeps?: boolean
  /** Keep what is in the package's `node_modules`. */
  keepModulesDir?: boolean
  /** The place belongs to this very package: mend what differs, and remove nothing. */
  safeToSkip?: boolean
}

/** Imports a package into a directory; returns how, or undefined where it was there. */
export type ImportIndexedPackage = (to: string, options: ImportOptions) => string | undefined

const linkModes: Readonly<Record<PackageImportMethod, readonly LinkMode[]>> = {
  // As pnpm has it: on Windows hard links are ten times faster.
  auto: process.platform === 'win32' ? ['hardlink', 'copy'] : ['clone', 'hardlink', 'copy'],
  hardlink: ['hardlink', 'copy'],
  copy: ['copy'],
  clone: ['clone'],
  'clone-or-copy': ['clone', 'copy'],
}

/**
 * The importer of pnpm's @pnpm/fs.indexed-pkg-importer: the same arguments and results, by mergeSync(). A package is imported all
 * or nothing, in place of what is there, and several processes may import one package at once.
 *
 * It differs from pnpm's in this: `clone` never copies; names that the file system takes for one, and names that it cannot hold,
 * are errors (`ERR_MERGE_CONFLICT`, `ERR_MERGE_INVALID_PATH`), where pnpm warns, and leaves files out or renames them; nothing is
 * logged. Throws a TypeError (`ERR_INVALID_ARG_VALUE`) for a method that there is not, and what mergeSync() throws.
 */
export function createIndexedPkgImporter(
  packageImportMethod: PackageImportMethod = 'auto',
): ImportIndexedPackage {
  if (!Object.hasOwn(linkModes, packageImportMethod)) {
    const message = `Unknown package import method ${packageImportMethod}`
    throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  let modes = linkModes[packageImportMethod]
  const isFixed = packageImportMethod !== 'auto' && packageImportMethod !== 'clone-or-copy'
  let method: LinkMode | undefined = isFixed ? packageImportMethod : undefined
  return (to, options) => {
    const isThere = method === 'hardlink' ? isLinked : isImported
    if (!options.force && isThere(to, options)) return undefined
    const { linkModes: placed } = importPackage(to, options, modes)
    // The first one that has worked: the ones before it are not tried again. Where all files were there, none has.
    method ??= modes.find((mode) => placed[mode] > 0)
    if (!isFixed && method !== undefined) modes = modes.slice(modes.indexOf(method))
    return method ?? modes[0]
  }
}

function isImported(to: string, { resolvedFrom, filesMap }: ImportOptions): boolean {
  return resolvedFrom === 'store' && existsSync(join(to, markerOf(filesMap)))
}

/** For hard links: what is there must be the file of the store. */
function isLinked(to: string, options: ImportOptions): boolean {
  const { resolvedFrom, filesMap, disableRelinkLocalDirDeps } = options
  if (resolvedFrom === 'local-dir' && disableRelinkLocalDirDeps === true) return holdsFiles(to)
  if (resolvedFrom !== 'store') return false
  const marker = markerOf(filesMap)
  const there = statSync(join(to, marker), { bigint: true, throwIfNoEntry: false })
  if (there === undefined) return false
  const stored = statSync(filesMap.get(marker) as string, { bigint: true })
  return there.ino === stored.ino && there.dev === stored.dev
}

function holdsFiles(to: string): boolean {
  try {
    return readdirSync(to).some((name) => name !== 'node_modules')
  } catch {
    return false
  }
}

/** The file that tells whether a package is there. */
function markerOf(filesMap: ReadonlyMap<string, string>): string {
  const [first] = filesMap.keys()
  if (first === undefined) throw new Error('A package without files cannot be imported')
  return filesMap.has('package.json') ? 'package.json' : first
}

function importPackage(
  to: string,
  options: ImportOptions,
  modes: readonly LinkMode[],
): MergeResult {
  removeUnlessDirectory(to)
  const source = sourceOf(options)
  const merge = (): MergeResult =>
    mergeSync([source], to, { linkModes: modes, existing: 'replace' })
  try {
    return merge()
  } catch (error) {
    // No merge replaces a directory by a file. One that stands where the package has a file is damage.
    if (!isMergeError(error) || error.code !== 'ERR_MERGE_CONFLICT') throw error
    if (error.conflicts.some(({ kind }) => kind !== 'existing')) throw error
    for (const { path } of error.conflicts) rmSync(join(to, path), { recursive: true, force: true })
    return merge()
  }
}

/** A symlink would be followed: what it leads to is no place for a package. */
function removeUnlessDirectory(to: string): void {
  const stats = lstatSync(to, { throwIfNoEntry: false })
  if (stats?.isDirectory() === false) rmSync(to)
}

function sourceOf({ filesMap, keepModulesDir, safeToSkip, resolvedFrom }: ImportOptions): Source {
  const source = { name: 'package', files: filesMap }
  if (safeToSkip === true && resolvedFrom !== 'local-dir') return source
  return { ...source, exact: keepModulesDir === true ? { keep: ['node_modules'] } : true }
}
