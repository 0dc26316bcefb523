import os from 'node:os'

import { runNode } from './child'
import type { ChildOptions, ChildResult } from './child'
import { compile } from './compile'
import { Unrunnable } from './unrunnable'

export type ErrnoName = keyof typeof os.constants.errno

/**
 * The command line to put before another (`ChildOptions.prefix`) so that, in it and its descendants, each named
 * system call fails with its errno: `await deny({ ficlone: 'EPERM', linkat: 'EXDEV' })`. seccomp.c lists the names.
 */
export async function deny(rules: Readonly<Record<string, ErrnoName>>): Promise<string[]> {
  if (process.platform !== 'linux') throw new Unrunnable('seccomp: needs Linux')
  const words = Object.entries(rules).map(
    ([call, errno]) => `${call}=${String(os.constants.errno[errno])}`,
  )
  return [await compile('seccomp.c'), ...words, '--']
}

/** Runs node, which may require TypeScript files, where FICLONE fails with `errno`. */
export async function runWithFicloneErrno(
  errno: ErrnoName,
  nodeArgs: readonly string[],
  options: ChildOptions = {},
): Promise<ChildResult> {
  return runNode(nodeArgs, { ...options, prefix: await deny({ ficlone: errno }) })
}
