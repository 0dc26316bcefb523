import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { loaded } from '../binding'
import { packageRoot } from '../package-root'
import type { Machine } from './result'

/** What the figures depend on besides the disk. */
export function describeMachine(): Machine {
  const manifest = readFileSync(join(packageRoot, 'package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory: totalmem(),
    platform: process.platform,
    release: release(),
    node: process.versions.node,
    version,
    addon: loaded,
    load: loadavg()[0] ?? 0,
  }
}
