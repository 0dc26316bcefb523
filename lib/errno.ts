import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/**
 * The numbers of this system's errnos, positive: as the kernel gives them, and on Windows, whose kernel has none, as
 * the errors of `node:fs` have them. What those lack there is the C library's.
 */
export const errno: typeof constants.errno =
  process.platform === 'win32' ? { ...constants.errno, ...numbersInErrors() } : constants.errno

function numbersInErrors(): Record<string, number> {
  return Object.fromEntries([...getSystemErrorMap()].map(([number, [name]]) => [name, -number]))
}

// One number, two names: the one that man pages of the clone calls and of flock use comes first.
const aliases = new Set<string>(['EWOULDBLOCK'])
if (errno.ENOTSUP === errno.EOPNOTSUPP) aliases.add('ENOTSUP')

const names = new Map<number, string>()
for (const [name, number] of Object.entries(errno)) {
  if (!aliases.has(name)) names.set(number, name)
}

/** `ENOENT` for 2. A number without a name stays visible as `E<number>`. */
export function errnoName(number: number): string {
  return names.get(number) ?? `E${String(number)}`
}

/** The system's sentence for an errno, as in the messages of `node:fs`. */
export function errnoText(number: number): string {
  return texts.get(number) ?? getSystemErrorMap().get(-number)?.[1] ?? 'system error'
}

// What libuv has no text for, or one about sockets.
const texts = new Map([
  [errno.EOPNOTSUPP, 'operation not supported'],
  [errno.ENOTSUP, 'operation not supported'],
  [errno.EDQUOT, 'disk quota exceeded'],
  [errno.ENODATA, 'no data available'],
])

/** The positive errno of an error thrown by `node:fs`, or undefined for any other error. */
export function errnoOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errno' in error)) return undefined
  return typeof error.errno === 'number' ? Math.abs(error.errno) : undefined
}

const denials: ReadonlySet<unknown> = new Set(['ERR_ACCESS_DENIED', 'ERR_DLOPEN_DISABLED'])

/** Was it Node's permission model that refused a call? Such errors have a code, and no errno. */
export function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && denials.has(error.code)
}

// What a failed call of a link mode means. Opening, creating and mkdir are in none of these sets:
// their failure is always a real error. So are EIO, ENOSPC, EDQUOT, ENOMEM and EROFS of any call.

/** Not of this one file, nor of how it is placed: nothing else would go better. */
export const ofTheMachine: ReadonlySet<number | undefined> = new Set([
  errno.EIO,
  errno.ENOSPC,
  errno.EDQUOT,
  errno.ENOMEM,
  errno.EROFS,
])

/** This pair of file systems will never clone, so stop asking. */
export const cloneNeverHere: ReadonlySet<number> = new Set([
  errno.EOPNOTSUPP, // ext4, tmpfs, XFS without reflink, FUSE
  errno.ENOTSUP, // the same on macOS, where it is another number
  errno.EXDEV, // two file systems; before Linux 5.18 also two mounts of one
  errno.ENOTTY, // kernels and drivers that do not know the ioctl
  errno.ENOSYS, // sandboxes, and systems that have no such call
])

/**
 * The file systems themselves cannot share extents, so copy_file_range, which would do so on the quiet, may
 * copy. A sandbox that hides the clone call (ENOSYS, ENOTTY) says nothing about them.
 */
export const noSharedExtents: ReadonlySet<number> = new Set([
  errno.EOPNOTSUPP,
  errno.ENOTSUP,
  errno.EXDEV,
])

/** This one file cannot be cloned; its neighbours may. */
export const cloneNotThisFile: ReadonlySet<number> = new Set([
  errno.EINVAL, // Btrfs: NOCOW beside COW; ZFS: dirty blocks; unaligned ends
  errno.EPERM, // seccomp, LXC, immutable source
  errno.EACCES, // Android and other security modules
  errno.EAGAIN, // ZFS: dirty blocks
  errno.ETXTBSY, // swap files
  errno.EBADF, // an append-only destination
  errno.EMLINK, // ReFS: too many references to one block
])

/** No file of this pair of file systems can be hard-linked. */
export const linkNeverHere: ReadonlySet<number> = new Set([
  errno.EXDEV,
  errno.EOPNOTSUPP,
  errno.ENOTSUP,
  errno.ENOSYS,
])

/** This one file cannot be hard-linked. */
export const linkNotThisFile: ReadonlySet<number> = new Set([
  errno.EPERM, // protected_hardlinks; FAT and FUSE without links
  errno.EACCES,
  errno.EMLINK, // 65,000 links on ext4, 1,023 on NTFS
])

/** Symbolic links that the file system or the account cannot make. */
export const symlinkNotHere: ReadonlySet<number> = new Set([
  errno.EPERM, // FAT; Windows without the privilege
  errno.EOPNOTSUPP,
  errno.ENOTSUP,
  errno.ENOSYS,
])

/** On Windows also for what another process has open for now. */
export const heldOpen: ReadonlySet<number> = new Set([errno.EPERM, errno.EBUSY, errno.EACCES])

/** Out of descriptors, here or system-wide: others will close some. */
export const outOfDescriptors: ReadonlySet<number> = new Set([errno.EMFILE, errno.ENFILE])
