import type { Side } from '../errors'

/** What an error means and what to do next; a test makes sure that docs/troubleshooting.md says the same. */
export interface Hint {
  readonly code: string
  /** The calls that it is about; undefined: any call. */
  readonly syscalls?: readonly string[]
  /** Where it failed; undefined: on either side. */
  readonly side?: Side
  /** `{from}`: the volume that is read from; `{to}`: the one that is written to. */
  readonly means: string
  readonly next: string
}

const cloneCalls = ['ficlone', 'clonefile']
const makeCalls = ['mkdir', 'link', 'symlink', 'rename', 'unlink', 'rmdir', 'chmod']
const addCopy = 'or add `copy` to --link-mode'

/** The first that fits is reported: those for certain calls come before those for any call. */
export const hints: readonly Hint[] = [
  {
    code: 'EXDEV',
    syscalls: cloneCalls,
    means: '{from} and {to} cannot share extents',
    next: `put store and dest on one volume that can clone (Btrfs, XFS, APFS), ${addCopy}`,
  },
  {
    code: 'EXDEV',
    syscalls: ['link'],
    means: 'hard links cannot cross from {from} to {to}',
    next: `put the store on the same volume as dest, add \`clone\` (it works between Btrfs subvolumes), ${addCopy}`,
  },
  {
    code: 'EXDEV',
    syscalls: ['rename'],
    means:
      'a volume, a bind mount or a Btrfs subvolume is mounted inside dest; it may be the same file system (`findmnt`)',
    next: 'merge into it separately, with its own path as dest',
  },
  {
    code: 'EOPNOTSUPP',
    syscalls: cloneCalls,
    means: '{to} cannot clone files',
    next: `put store and dest on Btrfs, on XFS made with reflink=1, or on APFS, ${addCopy}`,
  },
  {
    code: 'ENOTSUP',
    syscalls: cloneCalls,
    means: '{to} cannot clone files',
    next: `put store and dest on one APFS volume, ${addCopy}`,
  },
  {
    code: 'ENOTTY',
    syscalls: cloneCalls,
    means: 'the kernel or the driver of {to} does not know the clone call',
    next: `put store and dest on Btrfs or XFS, ${addCopy}`,
  },
  {
    code: 'ENOSYS',
    syscalls: cloneCalls,
    means: 'this system, or the sandbox around it, has no clone call',
    next: 'allow ioctl(FICLONE) in the sandbox, ' + addCopy,
  },
  {
    code: 'EPERM',
    syscalls: cloneCalls,
    means: 'a sandbox forbids cloning, or the file is immutable',
    next: `allow ioctl(FICLONE) in the sandbox, look at \`lsattr\`, ${addCopy}`,
  },
  {
    code: 'EACCES',
    syscalls: cloneCalls,
    means: 'a security module forbids cloning',
    next: `allow ioctl(FICLONE) there, ${addCopy}`,
  },
  {
    code: 'EINVAL',
    syscalls: cloneCalls,
    means:
      'the file system refuses to clone this file, for example a NOCOW file (chattr +C) on Btrfs',
    next: `give the store and dest the same attributes (\`lsattr\`), ${addCopy}`,
  },
  {
    code: 'EAGAIN',
    syscalls: cloneCalls,
    means: 'the file is still being written out (ZFS)',
    next: `try again in a few seconds, ${addCopy}`,
  },
  {
    code: 'ETXTBSY',
    syscalls: cloneCalls,
    means: 'the file is in use as swap',
    next: 'leave it out of the package, ' + addCopy,
  },
  {
    code: 'EPERM',
    syscalls: ['link'],
    means:
      '{to} does not support hard links, or fs.protected_hardlinks forbids links to files of another user',
    next: `make the store's files your own, ${addCopy}`,
  },
  {
    code: 'EMLINK',
    syscalls: ['link'],
    means: 'a file of the store has as many links as its file system allows',
    next: addCopy.slice('or '.length),
  },
  {
    code: 'ENOSYS',
    syscalls: ['syncfs'],
    means: '--durability full requires the native addon, which is not loaded',
    next: 'build the addon (`npm rebuild reflink-merge`), or leave --durability out',
  },
  {
    code: 'EBUSY',
    syscalls: ['rename', 'unlink', 'rmdir'],
    means:
      'a mount point is in the way of what the merge must replace or remove, or a program that does not take the lock keeps changing dest',
    next: 'unmount it (`findmnt`) or merge into it separately; otherwise find what is changing dest (`lsof +D`), stop it, and merge again',
  },
  {
    code: 'EMLINK',
    syscalls: ['mkdir'],
    means: 'a directory of dest has as many subdirectories as its file system allows',
    next: 'spread the packages over several directories, or use a dest on another file system',
  },
  {
    code: 'EACCES',
    side: 'dest',
    means: 'this user is not allowed to write there',
    next: 'use another dest, or change its owner or mode',
  },
  {
    code: 'EPERM',
    side: 'dest',
    means: 'this user is not allowed to change it, or it is immutable',
    next: 'check its owner and attributes (`lsattr`)',
  },
  {
    code: 'EINVAL',
    syscalls: ['open', ...makeCalls],
    side: 'dest',
    means:
      'the file system of dest does not allow that file name (exFAT, FAT and NTFS exclude some characters)',
    next: 'rename the file in its package, or use a dest on another file system',
  },
  {
    code: 'EILSEQ',
    side: 'dest',
    means:
      'the file system of dest does not allow that file name (exFAT, FAT and NTFS exclude some characters)',
    next: 'rename the file in its package, or use a dest on another file system',
  },
  {
    code: 'ENOENT',
    side: 'dest',
    means: 'there is no dest at that path, or it was removed while the merge was running',
    next: 'check the spelling; if something removed it, merge again',
  },
  {
    code: 'ENOTDIR',
    side: 'dest',
    means: 'dest, or something in its path, is not a directory',
    next: 'use another dest, or move away what is there',
  },
  {
    code: 'ELOOP',
    syscalls: ['realpath'],
    means: 'symbolic links in the path of dest form a loop',
    next: 'remove one of them, or use another dest',
  },
  {
    code: 'ENOENT',
    means: 'there is nothing at that path',
    next: 'check the spelling, and whether it was removed in the meantime',
  },
  {
    code: 'ENOTDIR',
    means: 'a directory is needed there, and it is not one',
    next: 'name a directory; for single files use `files` in --sources',
  },
  {
    code: 'ELOOP',
    means:
      'a symbolic link is where a file or directory must be; nothing is ever written through a symbolic link below dest',
    next: 'replace the link with what it points to, or remove it',
  },
  {
    code: 'EACCES',
    means: 'this user is not allowed to read it',
    next: 'give this user read permission in the store (r for files, r and x for directories)',
  },
  {
    code: 'ENOSPC',
    means:
      '{to} is full, in bytes or in inodes (`df -h`, `df -i`; on Btrfs `btrfs filesystem usage`)',
    next: 'free some space there; clones and hard links take almost none',
  },
  {
    code: 'EDQUOT',
    means: 'the quota on {to} is used up',
    next: 'free some space of this user, or have the quota raised',
  },
  {
    code: 'EIO',
    means: 'the disk or the file system failed',
    next: 'look at `dmesg`, and do not trust that volume until it has been checked',
  },
  {
    code: 'EROFS',
    means: '{to} is mounted read-only',
    next: 'use another dest, or remount it; `dmesg` shows whether an error made it read-only',
  },
  {
    code: 'ENOMEM',
    means: 'the kernel or this process is out of memory',
    next: 'merge fewer packages at a time, or lower --concurrency',
  },
  {
    code: 'EMFILE',
    means: 'this process cannot open any more files',
    next: 'raise `ulimit -n`, or lower --concurrency',
  },
  {
    code: 'ENFILE',
    means: 'the system cannot open any more files',
    next: 'raise fs.file-max, or close other programs',
  },
  {
    code: 'ENAMETOOLONG',
    means: 'the name is too long for the file system of dest',
    next: 'shorten it, or use a dest on another file system',
  },
  {
    code: 'ERR_MERGE_CONFLICT',
    means: 'packages have different files at one path, or dest already has something else there',
    next: 'decide with --conflicts first|last|exclusive, --existing keep|replace; `plan` lists all',
  },
  {
    code: 'ERR_MERGE_INVALID_PATH',
    means: 'a package contains a name that cannot exist in dest, or that would lead out of it',
    next: 'fix that package or leave it out; dest was not touched',
  },
  {
    code: 'ERR_MERGE_UNSUPPORTED_FILE',
    means:
      'a package contains something that cannot be merged, or a symlink that leads out of dest',
    next: 'remove it from the package, or leave it out with --exclude; --specials skip leaves out fifos, sockets and devices, and --symlinks verbatim keeps every symlink',
  },
  {
    code: 'ERR_MERGE_UNRECOVERED',
    means:
      'a merge that was killed while it was changing dest cannot be undone, at least not completely',
    next: 'run `reflink-merge recover` as the user who ran that merge; what to do with the paths in the message is up to you',
  },
  {
    code: 'ERR_MERGE_MANIFEST',
    means: 'the manifest of dest is missing or damaged, or a newer version wrote it',
    next: 'restore it, or delete it and run `reflink-merge sync` again; later syncs do not remove what is in dest by then, unless you pass --adopt',
  },
  {
    code: 'ERR_MERGE_INTO_SELF',
    means: 'the merge would read what it writes',
    next: 'use a dest outside every source',
  },
  {
    code: 'ERR_MERGE_SOURCE_CHANGED',
    means: 'a file of a package was written to while it was being copied or cloned',
    next: 'find out what writes to the store (`lsof`), and merge again once it is done; dest was not touched',
  },
  {
    code: 'ERR_MERGE_LOCK_TIMEOUT',
    means: 'another merge into the same dest is running',
    next: 'try again later, or with a longer --lock-timeout; `fuser <dest>` shows which process it is',
  },
]

/** What to report about an error; undefined where there is nothing to add. */
export function hintFor(code: string, syscall: string | undefined, side?: Side): Hint | undefined {
  return hints.find(
    (hint) =>
      hint.code === code &&
      (hint.side === undefined || hint.side === side) &&
      (hint.syscalls === undefined || (syscall !== undefined && hint.syscalls.includes(syscall))),
  )
}

/** Calls that concern dest only. */
const destCalls: ReadonlySet<string | undefined> = new Set([
  ...['mkdir', 'symlink', 'rename', 'unlink', 'rmdir', 'chmod', 'write', 'utimes'],
  ...['realpath', 'readlink', 'syncfs', 'flock'],
])

/** Where a call failed; undefined where it reads one side and writes the other. */
export function sideOf(error: {
  readonly syscall?: string
  readonly side?: Side
  readonly source?: string
  readonly dest?: string
}): Side | undefined {
  const { syscall, side, source, dest } = error
  if (side !== undefined) return side
  if (destCalls.has(syscall)) return 'dest'
  if (syscall === 'open' || syscall === 'read')
    return source === undefined && dest === undefined ? 'dest' : 'source'
  return undefined
}
