import { promises as fs, type Stats } from 'node:fs'
import { join, relative } from 'node:path'
import { errno } from '../errno'
import { insideDest } from '../into-self'
import { isMergeError, type UnsupportedFileError } from '../merge-error'

/** The error of fs.promises.cp for what a merge refuses, which is its `cause`; any other error as it is. */
export async function asNodeError(error: unknown, src: string, dest: string): Promise<unknown> {
  if (!isMergeError(error)) return error
  if (error.code === 'ERR_MERGE_UNSUPPORTED_FILE') return ofSpecialFile(error, src, dest)
  if (error.code !== 'ERR_MERGE_INTO_SELF') return error
  // Node has no objection to what lies in dest.
  if (error.paths.every(({ reason }) => reason === insideDest)) return error
  const what = `cannot copy ${src} to a subdirectory of self ${dest}`
  return refusal({ code: 'ERR_FS_CP_EINVAL', means: 'Invalid src or dest' }, what, dest, error)
}

/** Of the first one: `cause` names them all. */
async function ofSpecialFile(
  cause: UnsupportedFileError,
  src: string,
  dest: string,
): Promise<Error> {
  const [first] = cause.paths
  if (first === undefined) return cause
  // Sources are named after where they are reached from src.
  const file = join(first.source, first.path)
  const path = join(dest, relative(src, file))
  const kind = kindOf(await fs.stat(file))
  return refusal(kind, `${kind.what}: ${path}`, path, cause)
}

interface Kind {
  code: string
  /** What all errors with the code begin with. */
  means: string
}

function refusal({ code, means }: Kind, what: string, path: string, cause: Error): Error {
  const details = { path, syscall: 'cp', errno: errno.EINVAL }
  const error = new Error(`${means}: cp returned EINVAL (${what}) ${path}`, { cause })
  const info = { ...details, message: what, code: 'EINVAL' }
  return Object.assign(error, { name: 'SystemError', code, info, ...details })
}

function kindOf(stats: Stats): Kind & { what: string } {
  if (stats.isFIFO())
    return {
      code: 'ERR_FS_CP_FIFO_PIPE',
      means: 'Cannot copy a FIFO pipe',
      what: 'cannot copy a FIFO pipe',
    }
  if (stats.isSocket())
    return {
      code: 'ERR_FS_CP_SOCKET',
      means: 'Cannot copy a socket file',
      what: 'cannot copy a socket file',
    }
  return {
    code: 'ERR_FS_CP_UNKNOWN',
    means: 'Cannot copy an unknown file type',
    what: 'cannot copy an unknown file type',
  }
}
