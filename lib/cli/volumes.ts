import type { Volume } from '../volumes'

export { volumeOf } from '../volumes'

/** `Btrfs volume /mnt/a`, as people say it. */
export function nameVolume({ type, mount }: Volume): string {
  const name = spelled.get(type) ?? type
  return mount === undefined ? `${name} volume` : `${name} volume ${mount}`
}

const spelled = new Map([
  ['btrfs', 'Btrfs'],
  ['xfs', 'XFS'],
  ['zfs', 'ZFS'],
  ['apfs', 'APFS'],
  ['overlay', 'overlayfs'],
])
