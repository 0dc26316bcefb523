import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

import { Unrunnable } from './unrunnable'

const execute = promisify(execFile)

const env = {
  ...process.env,
  // mkfs and mount lie in sbin, which the PATH of an ordinary user lacks.
  PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
  LC_ALL: 'C',
  // With the kernel's newer calls, which util-linux has used since 2.39, a FUSE mount cannot be remounted.
  LIBMOUNT_FORCE_MOUNT2: 'always',
  // Sanitizers are for the addon: preloaded into a program of the system they fail it for its own leaks.
  LD_PRELOAD: undefined,
}

/** Runs a program of the system and gives its stdout. Throws `Unrunnable` when it is not installed. */
export async function runTool(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(command, [...args], { env, maxBuffer: 1 << 26 })
    return stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Unrunnable(`${command} is not installed`)
  }
}

/** The same for exit handlers, where nothing can be awaited: gives null if it worked, else what it complained of. */
export function runToolSync(command: string, args: readonly string[]): string | null {
  const { status, stderr, error } = spawnSync(command, [...args], { env, encoding: 'utf8' })
  if (error) return error.message
  return status === 0 ? null : stderr.trim()
}
