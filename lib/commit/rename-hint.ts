import { errno } from '../errno'

/** What stands in the way of renaming in dest, where the errno says it. */
export function renameHint(number: number): string | undefined {
  return hints.get(number)
}

const hints: ReadonlyMap<number, string> = new Map([
  [
    errno.EXDEV,
    'A directory of dest is another mount or subvolume than dest itself, be it of the same file system: merge into it alone',
  ],
  [
    errno.EBUSY,
    'What stands there is a mount point or in use by the system: unmount it, or merge into it alone',
  ],
  [errno.ENOENT, 'Somebody removed dest, or a directory in it, meanwhile: merge again'],
  [errno.EINVAL, "Dest's file system cannot hold that name: take a dest on another one"],
])
