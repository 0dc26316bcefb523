import { listSome, MergeError } from '../errors'
import type { Conflict } from '../types'

/** One conflict as a line for people. */
function describeConflict({ path, kind, sources }: Conflict): string {
  const who = sources.join(', ')
  switch (kind) {
    case 'content':
      return `${path}: different files in ${who}`
    case 'type':
      return `${path}: a file, a directory or a symlink, depending on the package: ${who}`
    case 'case':
      return `${path}: another name is the same to dest's file system (${who})`
    case 'existing':
      return `${path}: dest already holds something else than ${who} has`
  }
}

/** Tells every conflict, and what would decide them. */
export function conflictError(conflicts: readonly Conflict[]): MergeError {
  const count = conflicts.length
  const lines = listSome(conflicts.map(describeConflict))
  const advice: string[] = []
  if (conflicts.some(({ kind }) => kind === 'content' || kind === 'type')) {
    advice.push("conflicts: 'first' or 'last' lets the order of the sources decide")
  }
  if (conflicts.some(({ kind }) => kind === 'existing')) {
    advice.push("existing: 'keep' or 'replace' decides about files that dest already holds")
  }
  const message =
    `${String(count)} ${count === 1 ? 'conflict' : 'conflicts'}, nothing was changed:${lines}` +
    advice.map((line) => `\n${line}`).join('')
  return new MergeError('ERR_MERGE_CONFLICT', message, { conflicts })
}
