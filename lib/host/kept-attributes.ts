import { constants, promises as fs } from 'node:fs'
import { errno, errnoOf, isDenied } from '../errno'
import type { Directory } from './host'
import { withRetries } from './retrying'

// f_type of statfs(2): each file has permission bits, an owner and times of its own there. ext2, ext3 and ext4 share one.
const ownAttributes: ReadonlySet<number> =
  process.platform === 'darwin'
    ? new Set([0x1a, 0x17]) // APFS, HFS
    : new Set([
        ...[0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6], // ext4, XFS, Btrfs, tmpfs, ramfs
        ...[0x794c7630, 0x2fc12fc1, 0xca451a4e, 0xf2f52010], // overlayfs, ZFS, bcachefs, F2FS
      ])

/** Attributes that cannot be set, of what belongs to whoever sets them. */
export const refusals: ReadonlySet<number> = new Set([
  errno.EPERM, // CIFS, DrvFs
  errno.EACCES, // Android's storage
  errno.EOPNOTSUPP,
  errno.ENOTSUP,
  errno.ENOSYS,
])

/** Is it known of the file system of a path that it holds what entries are made with? Asks for no entry. */
export async function holdsAttributes(path: string): Promise<boolean> {
  try {
    return ownAttributes.has((await fs.statfs(path)).type)
  } catch {
    // Nothing is known then.
    return false
  }
}

/** Permission bits of all. */
export const allBits = 0o777
const writeBits = 0o222

/** ns. What is lost of a time by setting it as a number of seconds is no fault of the file system. */
const exactEnough = 1000n

/** A time that no coarse clock has: an odd second, and a fraction. */
const oddTime = { seconds: 1_000_000_003.987_654, ns: 1_000_000_003_987_654_000n }

/** What the file system of dest holds of the attributes of an entry. It is learnt once, in the staging directory. */
export class KeptAttributes {
  /** Permission bits of a file that stay as they are set. */
  modes = allBits
  /** Setting permission bits fails. */
  refusesModes = false
  /** Setting times fails. */
  refusesTimes = false
  /** Times stay as they are set, to the microsecond. */
  times = true
  /** What this process makes belongs to its user. */
  owner = true
  private learning: Promise<void> | undefined

  /** Has it been learnt? */
  get isKnown(): boolean {
    return this.learning !== undefined
  }

  /** `staging`: nobody else makes anything there. Where it cannot be learnt, all is taken to be held. */
  learn(staging: Directory): Promise<void> {
    this.learning ??= this.ask(staging)
    return this.learning
  }

  /** Dest has shown that it gives all files the same permission bits. */
  showsOneMode(): void {
    this.modes = 0
  }

  /** What it does not hold, sorted. `times`: they are asked for. */
  missing(times: boolean): ('mode' | 'owner' | 'timestamps')[] {
    return [
      ...(this.modes === allBits ? [] : (['mode'] as const)),
      ...(this.owner ? [] : (['owner'] as const)),
      ...(times && !this.times ? (['timestamps'] as const) : []),
    ]
  }

  private async ask(staging: Directory): Promise<void> {
    if (process.platform === 'win32' || (await holdsAttributes(staging.path))) return
    try {
      await withRetries(undefined, () => this.tryOut(staging))
    } catch (error) {
      // What is wrong there the merge will meet again, and report.
      if (errnoOf(error) === undefined && !isDenied(error)) throw error
    }
  }

  private async tryOut(staging: Directory): Promise<void> {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    // By the descriptor, so that a symlink in the way is not followed.
    const start =
      process.platform === 'linux' ? `/proc/self/fd/${String(staging.fd)}` : staging.path
    const path = `${start}/attributes`
    const file = await fs.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await this.tryModes(file)
      await this.tryTimes(file)
    } finally {
      await file.close().finally(() => fs.unlink(path))
    }
  }

  private async tryModes(file: fs.FileHandle): Promise<void> {
    const shown = async (mode: number): Promise<number> => {
      if (await isRefused(file.chmod(mode))) this.refusesModes = true
      return (await file.stat()).mode & allBits
    }
    const low = await shown(0)
    const high = await shown(allBits)
    // FAT holds one bit, whether anybody may write, and only beside those that it shows anyway.
    const readOnly = await shown(high & ~writeBits)
    this.modes = (high & ~low) | (high & ~readOnly & writeBits)
    const { uid } = await file.stat()
    this.owner = uid === (process.geteuid?.() ?? uid)
  }

  private async tryTimes(file: fs.FileHandle): Promise<void> {
    const { seconds, ns } = oddTime
    this.refusesTimes = await isRefused(file.utimes(seconds, seconds))
    const { mtimeNs } = await file.stat({ bigint: true })
    const lost = mtimeNs < ns ? ns - mtimeNs : mtimeNs - ns
    this.times = !this.refusesTimes && lost < exactEnough
  }
}

async function isRefused(call: Promise<void>): Promise<boolean> {
  try {
    await call
    return false
  } catch (error) {
    if (refusals.has(errnoOf(error) ?? 0)) return true
    throw error
  }
}
