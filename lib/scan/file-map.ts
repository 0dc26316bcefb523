import { joinPath } from '../host/host'

import type { SymlinkPolicy } from '../types'
import { depthProblem } from './depth'
import { pathInStore, type GivenEntry, type GivenFiles, type GivenSource } from './given'
import { MapTable } from './map-table'
import { PackedTree } from './packed-tree'
import type { Problems } from './problems'
import { sourcePathProblem } from './source-names'
import type { StoreDirectories } from './store-directories'
import { symlinkProblem } from './symlinks'

interface MapRules {
  readonly symlinks: SymlinkPolicy
  readonly platform: NodeJS.Platform
}

// Most paths are such, and then good on every system but Windows, where some letters make a device.
const plainPath = /^[\w@+-][\w@+.-]*(?:\/[\w@+-][\w@+.-]*)*$/
const longestPlain = 255

/** The tree of a source that is given as a file map. Files of the store are not looked at. */
export function readFileMap(
  source: GivenSource & { readonly files: GivenFiles },
  rules: MapRules,
  stores: StoreDirectories,
  problems: Problems,
): PackedTree {
  const { name, files } = source
  const { paths, entries, directories, directoryOf } = files
  const { onlyDevice } = stores
  const deviceOf = (index: number): number | undefined => {
    const directory = directories[directoryOf[index] as number]
    return directory === undefined ? undefined : (onlyDevice ?? stores.of(directory).device)
  }
  const rows = new MapTable(files)
  paths.forEach((path, index) => {
    const entry = entries[index] as GivenEntry
    const tooDeep = depthProblem(joinPath(source.to ?? '', path))
    const bad = badPath(path, rules.platform) ?? tooDeep ?? badEntry(entry)
    if (bad !== undefined) {
      problems.badName(name, path, bad)
      return
    }
    if (!isWanted(source, path)) return
    const why = unsupported(entry, path, source.to ?? '', rules)
    if (why !== undefined) problems.unsupported(name, path, why)
    else rows.add(index, deviceOf(index))
  })
  for (const path of rows.clashes()) {
    problems.badName(name, path, 'both a file and a directory in the map')
  }
  const { table, place } = rows.build()
  return PackedTree.of(table, 0, place)
}

function badPath(path: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32' && path.length <= longestPlain && plainPath.test(path)) return undefined
  return sourcePathProblem(path, platform)
}

/** What is not Unicode cannot be passed on as it is. */
function badEntry(entry: GivenEntry): string | undefined {
  const text =
    pathInStore(entry) ?? (typeof entry === 'object' && 'target' in entry && entry.target)
  if (typeof text !== 'string' || text.isWellFormed()) return undefined
  return `${JSON.stringify(text)} has a lone surrogate`
}

/** As for a directory tree: what is under a path that is left out is left out, unasked. */
function isWanted({ filter }: GivenSource, path: string): boolean {
  if (filter === undefined) return true
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    if (!filter(path.slice(0, slash))) return false
  }
  return filter(path)
}

function unsupported(
  entry: GivenEntry,
  path: string,
  to: string,
  { symlinks, platform }: MapRules,
): string | undefined {
  if (typeof entry === 'string' || !('target' in entry)) return undefined
  if (entry.target.includes('\0')) return 'a symlink whose text has a NUL character'
  const directory = joinPath(to, path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  return symlinkProblem(symlinks, directory, entry.target, platform)
}
