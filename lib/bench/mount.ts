import { readFileSync, realpathSync } from 'node:fs'

/** A mounted file system. */
export interface Mount {
  /** As the kernel calls it, such as `btrfs`. */
  readonly type: string
  /** What is mounted: a device, mostly. */
  readonly device: string
}

/** What a path lies on; null where /proc does not tell. Source: man 5 proc_pid_mountinfo. */
export function mountOf(path: string): Mount | null {
  let lines: string[]
  try {
    lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n')
  } catch {
    return null
  }
  const real = realpathSync(path)
  let longest = -1
  let found: Mount | null = null
  for (const line of lines) {
    const [before = '', after = ''] = line.split(' - ')
    const point = unescaped(before.split(' ')[4] ?? '')
    const [type = '', device = ''] = after.split(' ')
    // The last one of several on one point covers the others.
    if (!isWithin(real, point) || point.length < longest) continue
    longest = point.length
    found = { type, device: unescaped(device) }
  }
  return found
}

function isWithin(path: string, point: string): boolean {
  return path === point || path.startsWith(point === '/' ? '/' : `${point}/`)
}

/** Spaces and the like are written as `\040`. */
function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}
