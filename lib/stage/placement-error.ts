import { errno } from '../errno'
import { changedCall, sourceChanged, SystemError } from '../errors'
import { MergeError } from '../merge-error'
import type { LinkMode } from '../types'
import { meaningOf, type Refusal } from './link-modes'

/** Why an entry could not be placed, with what to do about it. */
export function placementError(
  source: string,
  at: string,
  modes: readonly LinkMode[],
  refusal: Refusal,
): Error {
  const { mode, syscall, path, dest } = refusal
  if (syscall === changedCall) return sourceChanged({ source, path, dest })
  if (refusal.errno === errno.EEXIST) {
    // Staging is new and ours alone: only a name that the file system takes for another is there.
    const conflict = { path: at, kind: 'case' as const, sources: [source], winner: null }
    const message = `${source} has a name that dest's file system treats as the same as another one: ${at}`
    return new MergeError('ERR_MERGE_CONFLICT', message, { conflicts: [conflict] })
  }
  if (syscall === 'open') return openError(source, refusal)
  const last = modes.at(-1) === mode && meaningOf(mode, refusal.errno, syscall) !== 'fatal'
  const hint = last ? hintFor(mode) : undefined
  return new SystemError(refusal.errno, { syscall, path, dest, source, hint })
}

/** Both sides are opened: `path` is the one that could not be. */
function openError(source: string, { errno: number, path, dest, inDest }: Refusal): Error {
  const where = { syscall: 'open', source }
  if (inDest !== true) return new SystemError(number, { ...where, path, dest, side: 'source' })
  return new SystemError(number, { ...where, path: dest, side: 'dest', hint: createHint(number) })
}

function createHint(number: number): string | undefined {
  if (refusesNames.has(number)) {
    return "dest's file system does not allow that file name: use a dest on another file system, or rename the file in its package"
  }
  if (number === errno.ENOENT || number === errno.ENOTDIR) {
    return 'The staging directory or dest was removed or replaced in the meantime: merge again'
  }
  return undefined
}

/** As exFAT, FAT and NTFS answer to characters that they do not have, and all to a name that is too long. */
const refusesNames: ReadonlySet<number> = new Set([errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG])

const verbs = { clone: 'cloned', hardlink: 'hard-linked', symlink: 'symlinked', copy: 'copied' }

function hintFor(mode: LinkMode): string {
  return (
    `The file cannot be ${verbs[mode]} to dest, and \`linkModes\` allows nothing else: ` +
    "put source and dest on one file system that can, or add 'copy' to `linkModes`"
  )
}
