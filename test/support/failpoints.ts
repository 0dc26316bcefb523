import type { Host } from '../../lib/host/host'
import {
  mutating,
  scriptedHost,
  type Operation,
  type Script,
  type ScriptedCall,
} from './scripted-host'
import { stepwise } from './stepwise'

/** A host with a failpoint before every change: each name that is made, moved, changed or removed, record, sync. */
export interface Failpoints {
  readonly host: Host
  /** How many there were until now. */
  count(): number
  /** Those at which `action` was taken. */
  readonly hit: readonly ScriptedCall[]
}

/**
 * Takes `action` at the n-th change, counted from 1 over all operations together, and, with `onwards`, at all after
 * it: it may answer an errno, kill the process, or wait. For n = 1, 2, 3 … until nothing is hit, every point of a merge
 * is tried: SQLite tests its rollback so.
 */
export function failpoints(
  host: Host,
  n: number,
  action: Script,
  { onwards = false }: { readonly onwards?: boolean } = {},
): Failpoints {
  const hit: ScriptedCall[] = []
  let count = 0
  const scripted = scriptedHost(host, (call) => {
    if (!mutating.has(call.operation)) return undefined
    count++
    if (onwards ? count < n : count !== n) return undefined
    hit.push(call)
    return action(call)
  })
  return { host: stepwise(scripted), count: () => count, hit }
}

/** How errors name the system call that makes each of these operations what it is, where it is called otherwise. */
const syscalls: Partial<Record<Operation, string>> = {
  ...{ clone: 'ficlone', hardlink: 'link', copy: 'copy_file_range', copyTimes: 'utimes' },
  ...{ writeRecord: 'write', sync: 'syncfs', cloneDirectory: 'clonefile' },
}

export function syscallOf(operation: Operation): string {
  return syscalls[operation] ?? operation
}
