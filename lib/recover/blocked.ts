import { readFileSync } from 'node:fs'
import { MergeError } from '../merge-error'
import { RecordError } from '../records'

/**
 * A merge that was killed while it changed dest cannot be undone by us. To go on would be to build on what its own user may
 * take back. `path`: its staging directory; `uid`: whose it is, where that is known.
 */
export function blockedError(path: string, uid: number | undefined, why: string): MergeError {
  const whose = uid === undefined ? '' : ` of ${userOf(uid)}`
  const message =
    `a merge${whose} was killed while it was changing dest, and cannot be undone: ${why}. Run \`reflink-merge recover\` on ` +
    `dest as that user, with the same addon and release; or, if what it left in dest can stay, ` +
    `remove ${path}, which may hold what it had replaced (in old/)`
  return new MergeError('ERR_MERGE_UNRECOVERED', message, { paths: [path] })
}

/** An error of reading a record, with what can be done about it; other errors unchanged. */
export function unreadable(path: string, uid: number | undefined, error: unknown): unknown {
  if (!(error instanceof RecordError)) return error
  return blockedError(path, uid, `its record cannot be read, ${error.message}`)
}

function userOf(uid: number): string {
  const name = nameOf(uid)
  return name === undefined
    ? `the user with uid ${String(uid)}`
    : `user ${name} (uid ${String(uid)})`
}

/** man 5 passwd; undefined for users that are kept elsewhere. */
function nameOf(uid: number): string | undefined {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
    return lines.map((line) => line.split(':')).find(([, , id]) => id === String(uid))?.[0]
  } catch {
    return undefined
  }
}
