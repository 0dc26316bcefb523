import type { CliCommand } from '../command'
import { completionCommand } from './completion'
import { mergeCommand } from './merge'
import { planCommand } from './plan'
import { probeCommand } from './probe'
import { recoverCommand } from './recover'

/** In the order of --help. */
export const commands: readonly CliCommand[] = [
  mergeCommand,
  planCommand,
  probeCommand,
  recoverCommand,
  completionCommand,
]
