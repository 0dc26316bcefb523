/** File systems that lie in an image or in memory. */
export type BaseKind = 'btrfs' | 'xfs' | 'xfs-noreflink' | 'ext4' | 'tmpfs' | 'exfat'

/** `exfat` goes through FUSE: case-insensitive, no hard links, no permission bits of its own. */
export type VolumeKind = BaseKind | `overlay-${'btrfs' | 'xfs' | 'ext4' | 'tmpfs'}`

export interface Format {
  /** For `mount -t`. */
  readonly type: string
  /** f_type of statfs(2). */
  readonly magic: number
  readonly reflinks: boolean
  /** Command and arguments before the image; none for a file system in memory. */
  readonly mkfs?: readonly [string, ...string[]]
}

export const formats: Readonly<Record<BaseKind, Format>> = {
  btrfs: {
    type: 'btrfs',
    magic: 0x9123683e,
    reflinks: true,
    // One copy of the metadata: the default of two fills a small volume with the inline files of one corpus.
    mkfs: ['mkfs.btrfs', '-q', '-f', '-m', 'single'],
  },
  xfs: {
    type: 'xfs',
    magic: 0x58465342,
    reflinks: true,
    mkfs: ['mkfs.xfs', '-q', '-f', '-m', 'reflink=1'],
  },
  'xfs-noreflink': {
    type: 'xfs',
    magic: 0x58465342,
    reflinks: false,
    mkfs: ['mkfs.xfs', '-q', '-f', '-m', 'reflink=0'],
  },
  ext4: {
    type: 'ext4',
    magic: 0xef53,
    reflinks: false,
    // The default of one inode for 16 KiB runs out before the space does when files are small.
    mkfs: ['mkfs.ext4', '-q', '-F', '-i', '4096'],
  },
  tmpfs: { type: 'tmpfs', magic: 0x01021994, reflinks: false },
  exfat: { type: 'exfat-fuse', magic: 0x65735546, reflinks: false, mkfs: ['mkfs.exfat'] },
}

const overlayMagic = 0x794c7630

/** The file system below an overlay; null for what is no overlay. */
export function overlayBase(kind: VolumeKind): BaseKind | null {
  return kind.startsWith('overlay-') ? (kind.slice('overlay-'.length) as BaseKind) : null
}

/** What a volume of this kind must be once it is mounted. */
export function expectationOf(kind: VolumeKind): { magic: number; reflinks: boolean } {
  const base = overlayBase(kind)
  const format = formats[base ?? (kind as BaseKind)]
  return { magic: base === null ? format.magic : overlayMagic, reflinks: format.reflinks }
}
