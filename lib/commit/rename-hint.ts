import { errno } from '../errno'

/** What stands in the way of renaming in dest, where the errno says it. */
export function renameHint(number: number): string | undefined {
  return hints.get(number)
}

const hints: ReadonlyMap<number, string> = new Map([
  [
    errno.EXDEV,
    'A directory of dest is a mount or subvolume of its own, even if on the same file system: merge into it separately',
  ],
  [
    errno.EBUSY,
    'That path is a mount point, or in use by the system: unmount it, or merge into it separately',
  ],
  [errno.ENOENT, 'dest, or a directory in it, was removed in the meantime: merge again'],
  [errno.EINVAL, "dest's file system does not allow that name: use a dest on another file system"],
])
