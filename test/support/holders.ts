import fs from 'node:fs'

function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file)
  } catch {
    return ''
  }
}

function descriptorsOf(pid: string): string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`)
  } catch {
    return []
  }
}

/** Which processes have what open below `dir`, as `pid: path`: why it cannot be unmounted. */
export function holdersOf(dir: string): string[] {
  const holders: string[] = []
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    for (const link of [`/proc/${pid}/cwd`, ...descriptorsOf(pid)]) {
      const target = linkOf(link)
      if (target === dir || target.startsWith(`${dir}/`)) holders.push(`${pid}: ${target}`)
    }
  return holders
}
