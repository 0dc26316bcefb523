import type { Side } from '../errors'
import { hintFor } from './hints'
import { nameVolume, volumeOf } from './volumes'

/** What an error means, with the volumes named: `ext4 volume /mnt cannot clone files (EOPNOTSUPP)`. */
export async function explain(
  code: string,
  syscall: string | undefined,
  { from, to, side }: { from: string | undefined; to: string | undefined; side?: Side | undefined },
): Promise<string> {
  const means = hintFor(code, syscall, side)?.means ?? `${syscall ?? 'a call'} fails`
  const named = means.replace('{from}', await nameOf(from)).replace('{to}', await nameOf(to))
  return `${named} (${code})`
}

async function nameOf(path: string | undefined): Promise<string> {
  if (path === undefined) return 'the volume'
  return volumeOf(path).then(nameVolume, () => 'the volume')
}
