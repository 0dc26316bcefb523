import { listSome } from '../errors'
import { MergeError } from '../merge-error'

/** Something that a merge could not take back, since somebody else has a hand in it. */
export interface Left {
  /** Where it stands. */
  readonly path: string
  readonly error: MergeError
}

/** `paths`: what is another's, or may be; it stands where it stood. */
export function leftInDest(path: string, paths: readonly string[]): Left {
  const message =
    `${path} was not removed: it, or something in it, has been changed since a merge put it there; ` +
    `these paths stay as they are:${listSome(paths)}`
  return { path, error: new MergeError('ERR_MERGE_UNRECOVERED', message, { paths: [...paths] }) }
}

/** What stood at `path` before the merge lies at `kept`. */
export function leftAside(path: string, kept: string): Left {
  const message =
    `what was at ${path} before the merge could not be put back, because something else is there now; ` +
    `it is kept at ${kept}: move it where you want it, and remove the directory of that merge`
  return { path, error: new MergeError('ERR_MERGE_UNRECOVERED', message, { paths: [path, kept] }) }
}
