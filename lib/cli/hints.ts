import type { Side } from '../errors'

/** What an error means and what to do next; docs/troubleshooting.md tells the same, which a test sees to. */
export interface Hint {
  readonly code: string
  /** The calls that it is about; none: any call. */
  readonly syscalls?: readonly string[]
  /** Where it failed; none: on either side. */
  readonly side?: Side
  /** `{from}`: the volume that is read from; `{to}`: the one that is written to. */
  readonly means: string
  readonly next: string
}

const cloneCalls = ['ficlone', 'clonefile']
const makeCalls = ['mkdir', 'link', 'symlink', 'rename', 'unlink', 'rmdir', 'chmod']
const addCopy = 'or add `copy` to --link-mode'

/** The first that fits is told: those of certain calls stand before those of any. */
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
    means: 'a hard link cannot lead from {from} to {to}',
    next: `put the store on the volume of dest, add \`clone\` (Btrfs subvolumes can clone), ${addCopy}`,
  },
  {
    code: 'EXDEV',
    syscalls: ['rename'],
    means:
      'a volume, a bind mount or a Btrfs subvolume is mounted inside dest, perhaps one of the same file system (`findmnt`)',
    next: 'merge into that one by itself, with its own path as dest',
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
    means: 'the file system refuses to clone this file, such as a NOCOW file (chattr +C) on Btrfs',
    next: `give the store and dest the same attributes (\`lsattr\`), ${addCopy}`,
  },
  {
    code: 'EAGAIN',
    syscalls: cloneCalls,
    means: 'the file is still being written out (ZFS)',
    next: `try again in some seconds, ${addCopy}`,
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
      '{to} has no hard links, or fs.protected_hardlinks forbids one to a file of another user',
    next: `own the store's files, ${addCopy}`,
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
      'a mount point stands where the merge must replace or remove something, or something that does not ask for the lock keeps changing dest',
    next: 'unmount it (`findmnt`) or merge into it alone; else find what changes dest (`lsof +D`), stop it, and merge again',
  },
  {
    code: 'EMLINK',
    syscalls: ['mkdir'],
    means: 'a directory of dest has as many subdirectories as its file system allows',
    next: 'spread the packages over several directories, or take a dest on another file system',
  },
  {
    code: 'EACCES',
    side: 'dest',
    means: 'this user may not write there',
    next: 'take another dest, or change its owner or mode',
  },
  {
    code: 'EPERM',
    side: 'dest',
    means: 'this user may not change that, or it is immutable',
    next: 'look at its owner and at `lsattr`',
  },
  {
    code: 'EINVAL',
    syscalls: ['open', ...makeCalls],
    side: 'dest',
    means:
      'the file system of dest cannot hold a file of that name (exFAT, FAT and NTFS lack some characters)',
    next: 'rename the file in its package, or take a dest on another file system',
  },
  {
    code: 'EILSEQ',
    side: 'dest',
    means:
      'the file system of dest cannot hold a file of that name (exFAT, FAT and NTFS lack some characters)',
    next: 'rename the file in its package, or take a dest on another file system',
  },
  {
    code: 'ENOENT',
    side: 'dest',
    means: 'there is no dest at that path, or it was removed while the merge ran',
    next: 'check its spelling; if something removed it, merge again',
  },
  {
    code: 'ENOTDIR',
    side: 'dest',
    means: 'dest, or something on the way to it, is not a directory',
    next: 'take another dest, or move away what stands there',
  },
  {
    code: 'ELOOP',
    syscalls: ['realpath'],
    means: 'symbolic links on the way to dest lead in a circle',
    next: 'remove one of them, or take another dest',
  },
  {
    code: 'ENOENT',
    means: 'there is nothing at that path',
    next: 'check its spelling, and whether it was removed meanwhile',
  },
  {
    code: 'ENOTDIR',
    means: 'what must be a directory is none',
    next: 'name a directory; a single file is a source of --sources, in `files`',
  },
  {
    code: 'ELOOP',
    means:
      'a symbolic link stands where a file or directory must be; nothing below dest is written through one',
    next: 'replace the link by what it leads to, or remove it',
  },
  {
    code: 'EACCES',
    means: 'this user may not read that',
    next: 'give the store read permission for it (files r, directories r and x)',
  },
  {
    code: 'ENOSPC',
    means:
      '{to} is full, in bytes or in inodes (`df -h`, `df -i`; on Btrfs `btrfs filesystem usage`)',
    next: 'free some space there; clones and hard links take next to none of it',
  },
  {
    code: 'EDQUOT',
    means: 'the quota on {to} is used up',
    next: 'free some space of this user, or have the quota raised',
  },
  {
    code: 'EIO',
    means: 'the disk or the file system failed',
    next: 'look at `dmesg`, and do not trust that volume before it was checked',
  },
  {
    code: 'EROFS',
    means: '{to} is mounted read-only',
    next: 'take another dest, or remount it; `dmesg` tells whether an error made it read-only',
  },
  {
    code: 'ENOMEM',
    means: 'the kernel or this process is out of memory',
    next: 'merge fewer packages at a time, or lower --concurrency',
  },
  {
    code: 'EMFILE',
    means: 'this process may open no more files',
    next: 'raise `ulimit -n`, or lower --concurrency',
  },
  {
    code: 'ENFILE',
    means: 'the system can open no more files',
    next: 'raise fs.file-max, or close other programs',
  },
  {
    code: 'ENAMETOOLONG',
    means: 'the file system of dest cannot hold so long a name',
    next: 'shorten it, or take a dest on another file system',
  },
  {
    code: 'ERR_MERGE_CONFLICT',
    means: 'packages differ in a path, or dest already holds something else',
    next: 'decide with --conflicts first|last|exclusive, --existing keep|replace; `plan` lists all',
  },
  {
    code: 'ERR_MERGE_INVALID_PATH',
    means: 'a package has a name that cannot be in dest, or that would lead out of it',
    next: 'mend or leave out that package; dest was not touched',
  },
  {
    code: 'ERR_MERGE_UNSUPPORTED_FILE',
    means: 'a package has something that is not merged, or a symlink that leads out of dest',
    next: 'take it out of the package, or leave it out with --exclude; --specials skip leaves out fifos, sockets and devices, --symlinks verbatim keeps every symlink',
  },
  {
    code: 'ERR_MERGE_UNRECOVERED',
    means: 'a merge that was ended while it changed dest cannot be undone, or not all of it',
    next: 'run `reflink-merge recover` as the user of that merge; what the message names is left for you to decide',
  },
  {
    code: 'ERR_MERGE_MANIFEST',
    means: 'the manifest of dest is missing, damaged, or of a newer version',
    next: 'restore it, or remove it and run `reflink-merge sync` again; what stands in dest by then is not removed later, unless --adopt says that it may be',
  },
  {
    code: 'ERR_MERGE_INTO_SELF',
    means: 'the merge would read what it writes',
    next: 'take a dest outside of every source',
  },
  {
    code: 'ERR_MERGE_SOURCE_CHANGED',
    means: 'a file of a package was written to while it was copied or cloned',
    next: 'find who writes to the store (`lsof`), and merge again once it is done; dest was not touched',
  },
  {
    code: 'ERR_MERGE_LOCK_TIMEOUT',
    means: 'another merge into the same dest runs',
    next: 'try again later, or with a longer --lock-timeout; `fuser` with the path of dest finds it',
  },
]

/** What to tell about an error; undefined where there is nothing to add. */
export function hintFor(code: string, syscall: string | undefined, side?: Side): Hint | undefined {
  return hints.find(
    (hint) =>
      hint.code === code &&
      (hint.side === undefined || hint.side === side) &&
      (hint.syscalls === undefined || (syscall !== undefined && hint.syscalls.includes(syscall))),
  )
}

/** Calls that are about nothing but dest. */
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
