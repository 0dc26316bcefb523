import { release } from 'node:os'
import { debug } from '../debug'
import { identityLength, Kind, pathOf, type NamesJob, type Stats } from '../host/host'
import { volumeOf } from '../volumes'

// ns. File systems without finer time stamps stamp changes with a clock that ticks every 1 to 10 ms.
const longestTick = 20_000_000n

/**
 * What a ctime says about changes after a look at it. `fine`: the next one always shows another ctime; `coarse`: two within one
 * tick of the clock have the same; `none`: it can be set, or is another machine's.
 */
type Clock = 'fine' | 'coarse' | 'none'

/**
 * From Linux 6.13 on these file systems have multigrain timestamps (Documentation/filesystems/multigrain-ts.rst of the kernel).
 * ext2 and ext3 are types of their own, also where ext4's driver serves them.
 */
const multigrain: ReadonlySet<string> = new Set(['btrfs', 'xfs', 'ext4', 'tmpfs'])

// FAT stores none, so that it is mtime's after a while; with FUSE and on a network the server gives one.
const withoutCtime =
  /^(?:fuse|nfs|cifs|smb|9p|afs|ceph|exfat|vfat|msdos|virtiofs|vboxsf|prl_fs|lustre|gfs2|ocfs2)/

function hasMultigrain(): boolean {
  if (process.platform !== 'linux') return false
  const [major = 0, minor = 0] = release().split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 13)
}

/** By the name of a file system's type, as `mount` calls it. */
export function clockOf(type: string, isNew = hasMultigrain()): Clock {
  if (withoutCtime.test(type)) return 'none'
  return isNew && multigrain.has(type) ? 'fine' : 'coarse'
}

/** What is known of the clocks of the file systems that a merge meets. */
export class Clocks {
  /** By st_dev. */
  private readonly known = new Map<bigint, Clock>()

  /** Takes note of the file systems of entries that were looked at. */
  async learn(jobs: readonly NamesJob[], { identities, kinds }: Stats): Promise<void> {
    let entry = 0
    let last: bigint | undefined
    for (const { to, names } of jobs) {
      for (const name of names) {
        const kind = kinds[entry]
        const device = identities[entry++ * identityLength]
        if (kind === Kind.Missing || device === undefined || device === last) continue
        last = device
        if (this.known.has(device)) continue
        // What a symlink leads to may lie elsewhere.
        const isLink = kind !== Kind.File && kind !== Kind.Directory
        this.known.set(device, await clockAt(pathOf(to, isLink ? '' : name)))
      }
    }
  }

  /**
   * Will any later change of an entry show another ctime? `ctime`: ns; `at`: ns, when it was looked at, by the system's clock; 0:
   * who knows what was changed before.
   */
  isReliable(device: bigint, ctime: bigint, at: bigint): boolean {
    if (at === 0n) return false
    const isFine = this.known.get(device) === 'fine' && hasDigits(ctime)
    return isFine || this.isBefore(device, ctime, at)
  }

  /** Was the last change before that time, and does any later one show another ctime? */
  isBefore(device: bigint, ctime: bigint, at: bigint): boolean {
    const clock = this.known.get(device) ?? 'none'
    return clock !== 'none' && hasDigits(ctime) && ctime + longestTick < at
  }
}

/** Where times have no more, as in ext4's small inodes, the clock is as coarse as they are. */
function hasDigits(ctime: bigint): boolean {
  return ctime % 10_000_000n !== 0n
}

async function clockAt(path: string): Promise<Clock> {
  try {
    return clockOf((await volumeOf(path)).type)
  } catch (error) {
    debug('the file system of %s is not known: %s', path, error)
    return 'none'
  }
}

/** Now, in ns since 1970, by the system's clock. */
export function systemTime(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
