import fs from 'node:fs'
import path from 'node:path'

import { freshDir } from './fresh'
import { runOrder, type Finished, type KillOrder } from './killed'
import type { Operation } from './scripted-host'

/** A system call that changes something below a directory, as strace saw it. */
interface TracedCall {
  /** As strace calls it, but `ioctl` by its request, and `unlinkat` of a directory `rmdir`. */
  readonly name: string
  /** How many the thread had made of that system call, with this one: what `inject=…:when=` counts. */
  readonly nth: number
  /** Some other thread makes as many: an injection would strike it too. */
  shared: boolean
}

/** A step of the failpoint layer, and what the kernel was asked to do from there to the next. */
export interface TracedStep {
  readonly operation: Operation
  readonly calls: TracedCall[]
}

export interface Trace {
  readonly finished: Finished | undefined
  /** Changes before the first step. */
  readonly before: TracedCall[]
  readonly steps: TracedStep[]
}

const names = [
  ...['access', 'openat', 'open', 'creat', 'write', 'pwrite64', 'copy_file_range', 'ftruncate'],
  ...['mkdir', 'mkdirat', 'rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink'],
  ...['symlinkat', 'unlink', 'unlinkat', 'rmdir', 'chmod', 'fchmod', 'fchmodat', 'chown', 'fchown'],
  ...['fchownat', 'utimensat', 'ioctl', 'syncfs', 'fsync', 'fdatasync', 'truncate', 'fallocate'],
]

/** Runs it under strace, with one pool thread, and tells what it changed below `base`. */
export async function traced(order: KillOrder, base: string): Promise<Trace> {
  const log = path.join(freshDir(), 'strace.log')
  const prefix = ['strace', '-f', '-qq', '-y', '-s', '4096', '-o', log]
  prefix.push('-e', `trace=${names.join(',')}`, '-e', 'signal=none')
  const finished = await runOrder(
    { ...order, marks: true },
    { prefix, env: { UV_THREADPOOL_SIZE: '1' } },
  )
  return { finished, ...parse(fs.readFileSync(log, 'utf8'), base) }
}

/** What strace adds to a child: the n-th call of this name, in each thread, has this happen; `3+`: and all after it. */
export function injection(name: string, nth: number | `${number}+`, what: string): string[] {
  const inject = `inject=${name}:${what}:when=${String(nth)}`
  return ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${name}`, '-e', inject]
}

function parse(log: string, base: string): Omit<Trace, 'finished'> {
  const before: TracedCall[] = []
  const steps: TracedStep[] = []
  /** By thread and name. */
  const made = new Map<string, number>()
  const changes: { thread: string; name: string; call: TracedCall }[] = []
  for (const line of log.split('\n')) {
    const [, thread, name, args] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? []
    if (thread === undefined || name === undefined || args === undefined) continue
    const nth = (made.get(`${thread} ${name}`) ?? 0) + 1
    made.set(`${thread} ${name}`, nth)
    const [, operation] = /^"\/failpoint\/(\w+)"/.exec(args) ?? []
    if (operation !== undefined) steps.push({ operation: operation as Operation, calls: [] })
    else if (args.includes(base) && isChange(name, args)) {
      const call = { name: called(name, args), nth, shared: false }
      ;(steps.at(-1)?.calls ?? before).push(call)
      changes.push({ thread, name, call })
    }
  }
  const threads = new Set([...made.keys()].map((key) => key.split(' ')[0]))
  for (const { thread, name, call } of changes)
    call.shared = [...threads].some(
      (other) => other !== thread && (made.get(`${String(other)} ${name}`) ?? 0) >= call.nth,
    )
  return { before, steps }
}

function isChange(name: string, args: string): boolean {
  if (name === 'access') return false
  if (name === 'ioctl') return args.includes('FICLONE')
  return !name.startsWith('open') || /O_CREAT|O_WRONLY|O_RDWR|O_TRUNC/.test(args)
}

function called(name: string, args: string): string {
  if (name === 'ioctl') return 'ficlone'
  return name === 'unlinkat' && args.includes('AT_REMOVEDIR') ? 'rmdir' : name
}
