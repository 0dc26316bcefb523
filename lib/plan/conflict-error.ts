import { listSome } from '../errors'
import { MergeError, type MergeConflictError } from '../merge-error'
import type { Conflict, ExistingPolicy, ModifiedPolicy } from '../types'

interface Policies {
  readonly existing: ExistingPolicy
  readonly modified: ModifiedPolicy
}

const shownPackages = 10

function namePackages(names: readonly string[]): string {
  const shown = names.slice(0, shownPackages)
  const more = names.length - shown.length
  if (more > 0) {
    return `${shown.join(', ')} and ${String(more)} more ${more === 1 ? 'package' : 'packages'}`
  }
  const last = shown.pop() ?? ''
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`
}

function listPackages(names: readonly string[]): string {
  const more = names.length - shownPackages
  const shown = names.slice(0, shownPackages).join(', ')
  return more > 0 ? `${shown} … and ${String(more)} more` : shown
}

/** One conflict as a line for people. `withDest`: dest is a part of it. */
function describeConflict(conflict: Conflict, withDest: boolean): string {
  const { path, kind, sources, paths = [] } = conflict
  const who = listPackages(sources)
  switch (kind) {
    case 'content':
      return `${path}: different in ${who}`
    case 'type':
      if (withDest) return `${path}: dest has an entry of another kind than ${who}`
      return `${path}: of different kinds (file, directory or symlink) in ${who}`
    case 'case':
      return `${paths.join(' and ')}: the same name on dest's file system (${who})`
    case 'existing':
      return `${path}: dest already has something different from ${who}`
  }
}

function describeChanged({ path, sources }: Conflict): string {
  return `${path}: changed since an earlier merge put it there (${listPackages(sources)})`
}

/**
 * Lists every conflict, whose they are, and what would decide them: those between sources, and those with what
 * dest holds. `changed`: paths of entries that an earlier merge put there and that have been changed since.
 */
export function conflictError(
  between: readonly Conflict[],
  withDest: readonly Conflict[],
  changed: ReadonlySet<string>,
  { existing, modified }: Policies,
): MergeConflictError {
  const conflicts = [...between, ...withDest].sort((a, b) => (a.path < b.path ? -1 : 1))
  const inDest = new Set(withDest)
  const isChanged = (conflict: Conflict): boolean =>
    inDest.has(conflict) && changed.has(conflict.path)
  const lines = conflicts.map((each) =>
    isChanged(each) ? describeChanged(each) : describeConflict(each, inDest.has(each)),
  )
  const count = conflicts.length
  const packages = [...new Set(conflicts.flatMap(({ sources }) => sources))]
  const message = [
    `${String(count)} ${count === 1 ? 'conflict' : 'conflicts'} ${packages.length > 1 ? 'between' : 'with'} ${namePackages(packages)}; ` +
      `nothing was changed:${listSome(lines)}`,
  ]
  if (between.length > 0) {
    message.push(
      "The option `conflicts` decides between packages: 'first' or 'last' go by their order, 'exclusive' excludes " +
        'the losers from the whole directory, or pass a function.',
    )
  }
  if (!withDest.every(isChanged)) message.push(adviceFor[existing])
  if (withDest.some(isChanged)) message.push(adviceForChanged[modified])
  return new MergeError('ERR_MERGE_CONFLICT', message.join('\n'), { conflicts })
}

const inPlaceOfFile =
  'A directory in the place of a file is never removed together with its contents: move it away, or keep it with ' +
  "`modified: 'keep'`."

/** What decides about what an earlier merge put there and somebody has changed, by what was asked for. */
const adviceForChanged: Readonly<Record<ModifiedPolicy, string>> = {
  error:
    "The option `modified` decides about entries changed since an earlier merge: 'keep' or 'replace'.",
  keep: inPlaceOfFile,
  replace: inPlaceOfFile,
}

/** What else decides about what dest holds, by what was asked for. */
const adviceFor: Readonly<Record<ExistingPolicy, string>> = {
  error: "The option `existing` decides about what is already in dest: 'keep' or 'replace'.",
  keep:
    'Nothing is written through a symlink in dest where a directory is needed: remove it, ' +
    "or replace it with `existing: 'replace'`.",
  replace:
    'A directory that is not empty, or cannot be read, is only ever replaced by a directory: ' +
    "remove it, or keep it with `existing: 'keep'`.",
}
