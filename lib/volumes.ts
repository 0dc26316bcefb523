import { promises as fs } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'

/** The file system that a path lies on. */
export interface Volume {
  /** As `mount` calls it: `btrfs`, `ext4`, `overlay`. */
  readonly type: string
  /** Where it is mounted; undefined where the system does not say. */
  readonly mount?: string
  /** What is mounted, a device mostly; undefined where the system does not say. */
  readonly device?: string
}

// f_type of statfs(2), where there is no /proc/self/mountinfo. ext2, ext3 and ext4 share one.
const magics = new Map([
  [0x9123683e, 'btrfs'],
  [0x58465342, 'xfs'],
  [0xef53, 'ext4'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlay'],
  [0x2fc12fc1, 'zfs'],
  [0xca451a4e, 'bcachefs'],
  [0x6969, 'nfs'],
  [0xfe534d42, 'smb2'],
  [0x65735546, 'fuse'],
  [0x4d44, 'vfat'],
  [0x2011bab0, 'exfat'],
  [0x1a, 'apfs'], // macOS counts its file systems
])

/** The volume of a path, or of the nearest directory above it that exists. */
export async function volumeOf(path: string): Promise<Volume> {
  const real = await nearest(resolve(path))
  const mount = (await readMounts()).findLast(({ mount: point }) => isWithin(real, point))
  if (mount !== undefined) return mount
  const { type } = await fs.statfs(real)
  return { type: magics.get(type) ?? `0x${type.toString(16)}` }
}

async function nearest(path: string): Promise<string> {
  try {
    return await fs.realpath(path)
  } catch (error) {
    if (dirname(path) === path) throw error
    return nearest(dirname(path))
  }
}

/** The mounts of this process, the one that covers another after it. Source: man 5 proc_pid_mountinfo. */
async function readMounts(): Promise<(Volume & { readonly mount: string })[]> {
  const text = await fs.readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const mounts = text.split('\n').flatMap((line) => {
    const [place = '', kind = ''] = line.split(' - ')
    const [, , , , mount] = place.split(' ')
    const [type, device = ''] = kind.split(' ')
    if (mount === undefined || type === undefined) return []
    return [{ type, mount: unescape(mount), device: unescape(device) }]
  })
  // Of mounts at one point the last stands; the longest path is the nearest.
  return mounts.sort((a, b) => a.mount.length - b.mount.length)
}

/** Space, tab, newline and backslash are written as \040 and so on. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

function isWithin(path: string, directory: string): boolean {
  return (
    path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep)
  )
}
