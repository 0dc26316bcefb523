import { joinPath, splitPath } from '../host/host'
import { eachDirectory } from './whole-directory'
import { namesOf, type PlanDirectory } from './plan'
import type { Wanted } from './removals'
import type { UnchangedSources } from './unchanged-sources'

/** What of a manifest the union still has, or sources that are not planned; whatever they have not goes. */
export function wantedOf(root: PlanDirectory, unchanged: UnchangedSources | undefined): Wanted {
  const directories = new Map<string, PlanDirectory>()
  for (const directory of eachDirectory(root)) directories.set(directory.path, directory)
  const names = new Map<PlanDirectory, ReadonlySet<string>>()
  const find = (path: string): PlanDirectory | undefined => {
    const found = directories.get(path) ?? spelled(path)
    // One that is published anew, under another spelling, does not keep the old one.
    return found?.state === 'replace' ? undefined : found
  }
  // Dest may spell a name otherwise, where its file system takes two spellings for one.
  const spelled = (path: string): PlanDirectory | undefined => {
    if (path === '') return undefined
    const { parent, name } = splitPath(path)
    const above = find(parent)
    for (const [wanted, spelling] of above?.spellings ?? []) {
      if (spelling === name) return above?.directories.get(wanted)
    }
    return above?.directories.get(name)
  }
  const namesIn = (directory: PlanDirectory): ReadonlySet<string> => {
    let known = names.get(directory)
    if (known === undefined) {
      known = new Set([...namesOf(directory), ...directory.spellings.values()])
      names.set(directory, known)
    }
    return known
  }
  return {
    hasDirectory: (path) => unchanged?.haveDirectory(path) === true || find(path) !== undefined,
    hasName: (path, name) => {
      if (unchanged?.haveName(path, joinPath(path, name), name) === true) return true
      const directory = find(path)
      return directory !== undefined && namesIn(directory).has(name)
    },
    goes: (row) => unchanged?.own(row) !== true,
  }
}
