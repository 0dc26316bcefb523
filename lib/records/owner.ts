import { readFileSync, readlinkSync } from 'node:fs'

/** The process that a staging directory belongs to. */
export interface Owner {
  /** Its user. */
  readonly uid: number
  readonly pid: number
  /** When it started, in the kernel's own count; '' where that is not to be had, as are all that follow. */
  readonly start: string
  /** Of the start of the system. */
  readonly boot: string
  readonly machine: string
  /** The namespace in which the pid counts. */
  readonly namespace: string
  /** Does a lock on the directory tell that it lives? */
  readonly isLocked: boolean
}

export function currentOwner(isLocked: boolean): Owner {
  return { ...thisProcess(), isLocked }
}

let known: Omit<Owner, 'isLocked'> | undefined

function thisProcess(): Omit<Owner, 'isLocked'> {
  known ??= {
    uid: process.geteuid?.() ?? 0,
    pid: process.pid,
    start: startOf(process.pid) ?? '',
    boot: textOf('/proc/sys/kernel/random/boot_id'),
    machine: textOf('/etc/machine-id'),
    namespace: linkOf('/proc/self/ns/pid'),
  }
  return { ...known, uid: process.geteuid?.() ?? 0 }
}

/** Undefined where nobody can know: another machine, or a container with pids of its own. */
export function isAlive(owner: Owner): boolean | undefined {
  const here = thisProcess()
  if (owner.boot !== here.boot) {
    // The same machine has been started since.
    return owner.machine !== '' && owner.machine === here.machine ? false : undefined
  }
  if (owner.namespace !== here.namespace || owner.machine !== here.machine) return undefined
  if (owner.start !== '') return startOf(owner.pid) === owner.start
  return isThere(owner.pid)
}

/** The 22nd field of man 5 proc_pid_stat: after the name, which may hold anything. */
function startOf(pid: number): string | undefined {
  const stat = textOf(`/proc/${String(pid)}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
